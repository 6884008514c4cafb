"""The notebooks as slides, as `make slides` makes them."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from support import ROOT

NAMES = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
FEWEST = 5  # slides of a notebook that begin with a heading


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the slides of all notebooks."""
    folder = tmp_path_factory.mktemp("slides")
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "slides", f"INTO={folder}", "ARGS="]
    subprocess.run(command, cwd=ROOT, env=own, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_has_slides_and_none_of_them_shows_the_parameters(slides: Path, name: str) -> None:
    made = re.split(r"<section>", (slides / f"{name}.slides.html").read_text())[1:]
    assert len([slide for slide in made if re.search(r"<h[12]", slide)]) >= FEWEST
    assert [slide for slide in made if "TERRAFORM_OUTPUTS</span>" in slide and "# str:" in slide] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_picture_is_higher_than_a_slide(slides: Path, name: str) -> None:
    page = (slides / f"{name}.slides.html").read_text()
    (highest,) = re.findall(r"\.jp-OutputArea-output img \{\s*max-height: (\d+)px", page)
    (height,) = re.findall(r"\bheight: (\d+),", page)
    assert 0 < int(highest) < int(height)


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_says_what_is_on_it(slides: Path, name: str) -> None:
    pictures = re.findall(r"<img[^>]*>", (slides / f"{name}.slides.html").read_text())
    told = [re.search(r'alt="([^"]*)"', picture) for picture in pictures]
    assert pictures
    assert [one for one in told if not one or len(one[1].split()) < 5 or "No description" in one[1]] == []
