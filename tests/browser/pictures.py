"""The pictures in the README, from the stored notebooks and from the page of a new run: `make pictures`."""

import base64
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from support import ROOT
from support.notebooks.lab import chromium

IMAGES = ROOT / "docs/images"
WIDTH = 1000  # pixels, of which a README shows a half
# The name of a picture, and the notebook and the call in the cell whose plot it is.
PLOTS = {
    "curves": ("03_run_and_inspect", "probabilities.curves("),
    "ramp": ("05_invoke_and_load_test", "answers.ramp("),
}
WINDOW = (1000, 900)


def plot(notebook: str, call: str) -> Image.Image:
    """The first plot that a cell of a stored notebook shows."""
    cells = json.loads((ROOT / f"notebooks/{notebook}.ipynb").read_text())["cells"]
    (cell,) = [cell for cell in cells if cell["cell_type"] == "code" and call in "".join(cell["source"])]
    shown = next(
        output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output.get("data", {})
    )
    return Image.open(io.BytesIO(base64.b64decode("".join(shown))))


def page(folder: Path) -> Image.Image:
    """What a browser shows of the page of a run, in a state of its own."""
    environment = {**os.environ, "LOCAL_AWS_HOME": str(folder / "local_aws")}
    command = [
        sys.executable,
        "-m",
        "commands",
        "run",
        "parameters/local.yaml",
        "--runs",
        str(folder / "runs"),
    ]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    written = (folder / "runs/latest/index.html").resolve()
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WINDOW[0]},{WINDOW[1]}"]
    picture = folder / "page.png"
    command = [chromium(), *options, f"--screenshot={picture}", written.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    return Image.open(picture)


def main() -> None:
    """Write all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pictures = {name: plot(*where) for name, where in PLOTS.items()} | {"run": page(Path(folder))}
        for name, picture in pictures.items():
            picture.thumbnail((WIDTH, picture.height))
            picture.convert("RGB").save(IMAGES / f"{name}.webp", quality=80, method=6)
            print(f"{name}.webp: {(IMAGES / f'{name}.webp').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
