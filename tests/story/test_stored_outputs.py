"""What the notebooks show where nothing runs is what they show when they run."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from support import HANGS, ROOT

import local_aws
from commands.notebooks.history import CHANGES

DETERMINISTIC = ["01_build_image", "02_define_pipeline"]


def as_stored(name: str, folder: Path) -> str:
    """A copy of a notebook with the parameters of which the outputs are stored."""
    notebook = load_notebook_node(str(ROOT / f"notebooks/{name}.ipynb"))
    copy = folder / f"{name}.ipynb"
    nbformat.write(parameterize_notebook(notebook, CHANGES), copy)
    return str(copy)


@pytest.mark.slow
def test_the_outputs_stored_in_notebooks_are_the_outputs_of_a_first_run(tmp_path: Path) -> None:
    notebooks = [as_stored(name, tmp_path) for name in DETERMINISTIC]
    # The first postpones what the second would compile when it is imported.
    options = ["-p", "helpers.pipeline.slow_imports", "-p", "nbval.plugin", "-p", "no:cacheprovider"]
    options += ["--nbval", "--nbval-sanitize-with", str(ROOT / "tests/story/nbval.cfg")]
    environment = {**os.environ, "LOCAL_AWS_HOME": str(tmp_path)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--color=no", *options, *notebooks],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=HANGS,
        )
    finally:
        local_aws.stop(tmp_path)
    assert done.returncode == 0, f"{done.stdout}\nIf the new output is right: make notebooks"
