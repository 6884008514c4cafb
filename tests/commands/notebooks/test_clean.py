"""The hook that removes from notebooks what differs in every run."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from support import ROOT

from commands.notebooks import clean as cleaning

pytestmark = pytest.mark.slow


def test_stored_notebooks_are_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copies = [Path(shutil.copy(path, tmp_path)) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    before = [path.read_bytes() for path in copies]
    assert cleaning.main(map(str, copies)) is False
    assert capsys.readouterr().out == ""
    assert [path.read_bytes() for path in copies] == before


def test_counts_times_and_traces_go_and_outputs_stay(tmp_path: Path) -> None:
    stored = ROOT / "notebooks/02_define_pipeline.ipynb"
    notebook = nbformat.read(stored, as_version=4)
    notebook.metadata["papermill"] = {"start_time": "2026-01-01T00:00:00"}
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.execution_count = 40 + number
        cell.metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00"}
    dirty = tmp_path / "dirty.ipynb"
    nbformat.write(notebook, dirty)
    command = [sys.executable, "-m", "commands.notebooks.clean", str(dirty)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, f"cleaned {dirty}\n"), done.stderr
    assert dirty.read_bytes() == stored.read_bytes()
    assert not cleaning.main([str(dirty)])
