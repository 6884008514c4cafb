"""The code shipped with a job: what it imports and nothing else, the same bytes for the same files."""

import ast
import io
import json
import os
import pickle
import pickletools
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import tabular
from support import HANGS
from support.container.tables import dated, fit
from support.helpers.shared import Connected
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.options import Options

from helpers.pipeline.code import job_source
from helpers.runs import Execution
from helpers.session import Session, storage

TABULAR = Path(tabular.__file__).parent
PACKAGE = {
    "__init__.py": "",
    "job.py": "import json\nimport toy.deep.c\nfrom toy import a\n",
    "a.py": "NAME = 'a'\n",
    "b.py": "NAME = 'b'\n",
    "deep/__init__.py": "",
    "deep/c.py": "def late():\n    from toy.deep import d\n    from other import b\n",
    "deep/d.py": "from toy.a import NAME\n",
    "deep/e.py": "",
}
TRAVELS = ["__init__.py", "a.py", "deep/__init__.py", "deep/c.py", "deep/d.py", "job.py"]
# Imports what is in the source of each job, in a fork of a process that has imported other libraries.
IMPORTS = """
import importlib, json, os, sys
import local_aws.compute.preload

assert "tabular" not in sys.modules
for job, modules in json.loads(sys.argv[2]).items():
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        assert status == 0, f"{job} could not be imported"
    else:
        sys.path.insert(0, f"{sys.argv[1]}/{job}")
        for module in modules:
            importlib.import_module(module)
        print(sys.modules[job].__file__)
        sys.exit()
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    (folder / "deep").mkdir(parents=True)
    for name, text in PACKAGE.items():
        (folder / name).write_text(text)
    return folder


def names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def test_what_a_job_imports_travels_and_nothing_else(package: Path) -> None:
    """Also what it imports late, and the packages that contain a module; nothing from another package."""
    assert names(job_source.archive("toy.job", package)) == [f"toy/{name}" for name in TRAVELS]


def test_a_file_that_the_job_does_not_import_changes_nothing(package: Path) -> None:
    before = job_source.archive("toy.job", package)
    (package / "b.py").write_text("NAME = 'changed'\n")
    (package / "__pycache__").mkdir()
    (package / "__pycache__/a.cpython-312.pyc").write_bytes(b"compiled")
    (package / "notes.txt").write_text("notes")
    assert job_source.archive("toy.job", package) == before


def test_a_file_that_it_imports_changes_the_bytes(package: Path) -> None:
    before = job_source.archive("toy.job", package)
    (package / "deep/d.py").write_text("from toy.a import NAME as CHANGED\n")
    assert job_source.archive("toy.job", package) != before


def test_neither_time_nor_rights_nor_the_order_of_making_count(package: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere/toy"
    (other / "deep").mkdir(parents=True, mode=0o700)
    before = os.umask(0o077)
    for name in reversed(PACKAGE):
        shutil.copyfile(package / name, other / name)
        os.utime(other / name, (0, 0))
    os.umask(before)
    assert job_source.archive("toy.job", other) == job_source.archive("toy.job", package)


def test_it_unpacks_to_the_package_with_rights_that_any_user_of_a_container_has(package: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(job_source.archive("toy.job", package))) as archive:
        entries = archive.getmembers()
    assert {(entry.mode, entry.mtime, entry.uid, entry.uname) for entry in entries} == {(0o644, 0, 0, "")}


@pytest.mark.slow
def test_a_job_finds_all_of_tabular_that_it_imports_in_its_source(tmp_path: Path) -> None:
    """This includes what your own steps import, in a process that has the source instead of the package."""
    own_steps = "from tabular.algorithms import Algorithm\nfrom tabular.serving import codec\n"
    modules = {}
    for job in job_source.JOBS:
        with tarfile.open(fileobj=io.BytesIO(job_source.archive(job, own_steps=own_steps))) as archive:
            for entry in archive:
                path = tmp_path / job / entry.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.extractfile(entry).read())
        files = [path.relative_to(tmp_path / job).with_suffix("") for path in tmp_path.glob(f"{job}/**/*.py")]
        modules[job] = [".".join(file.parts).removesuffix(".__init__") for file in files]
    command = [sys.executable, "-c", IMPORTS, str(tmp_path), json.dumps(modules)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stderr
    assert {path.relative_to(tmp_path).parts[0] for path in map(Path, done.stdout.split())} == {*modules}
    assert all("custom_steps" in names for names in modules.values())


def test_no_job_imports_what_its_source_would_not_show() -> None:
    """A module imported by a string is not shipped; estimators are, but they are in other packages."""
    asking = {path: text for path in TABULAR.rglob("*.py") if "import_module" in (text := path.read_text())}
    assert asking, "the estimators are imported so"
    for path, text in asking.items():
        called = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        by_text = [one for one in called if "import_module" in ast.dump(one.func)]
        assert not by_text or path == TABULAR / "spec/algorithms.py", path
    estimators = [one.path for each in ALGORITHMS.values() for one in each.estimators.values()]
    assert not [path for path in estimators if path.startswith("tabular")]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_evaluation_has_whatever_a_fitted_pipeline_names(
    algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It opens the pickle that the refit wrote."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as jobs of a laptop run: more threads wait for each other
    table = dated("regression", rows=80)
    table["target"] -= table["target"].min()
    pipeline = fit(table, algorithm, "regression", options=Options(log_target=True)).pipeline
    texts = [text for _, text, _ in pickletools.genops(pickle.dumps(pipeline)) if isinstance(text, str)]
    named = {text for text in texts if text.startswith("tabular.")}
    assert {"tabular.data.values.dates", "tabular.learning.pipeline"} <= named
    assert named <= job_source.closure(["tabular.jobs.evaluate"], TABULAR).keys()


@pytest.mark.parametrize("job", [job for job in job_source.JOBS if job != "tabular.jobs.evaluate"])
@pytest.mark.parametrize("file", ["judging/reporting/page.py", "spec/documents/reports.py"])
def test_the_report_is_of_the_evaluation_alone(job: str, file: str) -> None:
    assert f"tabular/{file}" in names(job_source.archive("tabular.jobs.evaluate"))
    assert f"tabular/{file}" not in names(job_source.archive(job))


def test_what_is_uploaded_is_the_source_of_each_job_under_the_name_of_its_bytes(session: Session) -> None:
    uris = job_source.upload(session)
    assert uris == job_source.upload(session)
    assert list(uris) == list(job_source.JOBS)
    for job, uri in uris.items():
        assert uri.startswith(session.uri("code/"))
        assert storage.read(session, uri) == job_source.archive(job)


def test_what_a_job_here_compiles_of_its_source_is_kept_for_all(ran: Execution, connected: Connected) -> None:
    home = Path(connected.settings["LOCAL_AWS_HOME"])
    assert list((home / "compiled").glob("*.pyc"))
    assert list((home / "jobs").rglob("__pycache__")) == []


def test_what_is_there_is_not_written_again(session: Session) -> None:
    uri = storage.put_once(session, "try/", "x.json", b'{"x": 1}')
    key = uri.removeprefix(session.uri(""))
    session.client("s3").put_object(Bucket=session.bucket, Key=key, Body=b'{"x": 2}')
    assert storage.put_once(session, "try/", "x.json", b'{"x": 1}') == uri
    assert storage.read_json(session, uri) == {"x": 2}


def test_an_error_of_s3_that_says_something_else_is_not_swallowed(session: Session) -> None:
    import dataclasses

    nowhere = dataclasses.replace(session, bucket="no-such-bucket")
    with pytest.raises(session.client("s3").exceptions.NoSuchBucket):
        storage.put_once(nowhere, "try/", "x.json", b"{}")
