"""Compiled modules of jobs: kept by their contents, wherever the code was unpacked."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from local_aws.compute import bytecode

SOURCE = "COLOR = 'red'\n\n\ndef where():\n    return __file__\n"
Job = Callable[[str, str], ModuleType]


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    return tmp_path / "compiled"


@pytest.fixture
def job(tmp_path: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Unpacks a module into a job's folder and imports it, as a fork of the warm process does."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)

    def run(name: str, source: str) -> ModuleType:
        folder = tmp_path / name / "ml/code"
        folder.mkdir(parents=True)
        (folder / "shipped.py").write_text(source)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path_hooks", list(sys.path_hooks))
            bytecode.keep(compiled, tmp_path / name)
            patch.syspath_prepend(folder)
            module = importlib.import_module("shipped")
            del sys.modules["shipped"]
        return module

    return run


def test_a_module_is_compiled_for_the_first_job_with_it(job: Job, compiled: Path, tmp_path: Path) -> None:
    first = job("a", SOURCE)
    (kept,) = compiled.iterdir()
    made = kept.stat().st_ino  # another one as soon as the file is written again
    second = job("b", SOURCE)
    assert [path.stat().st_ino for path in compiled.iterdir()] == [made]
    for name, module in (("a", first), ("b", second)):
        assert module.where() == module.where.__code__.co_filename == f"{tmp_path}/{name}/ml/code/shipped.py"
    assert list(tmp_path.rglob("__pycache__")) == []


def test_an_edit_counts_also_if_the_file_is_as_long_as_before(job: Job, compiled: Path) -> None:
    assert job("a", SOURCE).COLOR == "red"
    assert job("b", SOURCE.replace("red", "tan")).COLOR == "tan"
    assert len(list(compiled.iterdir())) == 2


def test_a_damaged_file_is_written_again(job: Job, compiled: Path) -> None:
    job("a", SOURCE)
    (kept,) = compiled.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:10])
    assert job("b", SOURCE).COLOR == "red"
    assert len(kept.read_bytes()) == len(whole)


def test_what_lies_elsewhere_is_compiled_as_ever(
    compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bystander = tmp_path / "elsewhere/shipped.py"
    bystander.parent.mkdir()
    bystander.write_text(SOURCE)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "path_hooks", list(sys.path_hooks))
        patch.setattr(sys, "dont_write_bytecode", False)
        bytecode.keep(compiled, tmp_path / "a")
        patch.syspath_prepend(bystander.parent)
        importlib.import_module("shipped")
        del sys.modules["shipped"]
    assert not compiled.exists()
    assert (bystander.parent / "__pycache__").is_dir()
