"""The notebooks as slides, made by the command in docs/teaching.md."""

import re
import subprocess
from pathlib import Path

import pytest
from support import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FEWEST = 5  # slides of a notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_slides_are_made_as_the_page_says(path: Path, tmp_path: Path) -> None:
    (command,) = re.findall(
        r"(?m)^(\.venv/bin/jupyter nbconvert .+)$", (ROOT / "docs/teaching.md").read_text()
    )
    words = command.replace(" --post serve", "").replace("runs/slides", str(tmp_path)).split()
    subprocess.run([*words[:-1], str(path)], cwd=ROOT, check=True, capture_output=True)
    slides = re.split(r"<section>", (tmp_path / f"{path.stem}.slides.html").read_text())[1:]
    with_heading = [slide for slide in slides if re.search(r"<h[12]", slide)]
    assert len(with_heading) >= FEWEST
    assert not any('"parameters"' in slide or "TERRAFORM_OUTPUTS = " in slide for slide in slides)
