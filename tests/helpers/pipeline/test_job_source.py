"""The code that travels: the same files are the same bytes, and one object in S3."""

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest
import tabular

from helpers import storage
from helpers.pipeline import job_source
from helpers.session import Session

TABULAR = Path(tabular.__file__).parent


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.py", "a.py", "deep/c.py"):
        (folder / name).write_text(f"NAME = {name!r}\n")
    return folder


def test_neither_time_nor_rights_nor_the_order_of_making_count(package: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere/toy"
    (other / "deep").mkdir(parents=True, mode=0o700)
    before = os.umask(0o077)
    for name in ("deep/c.py", "a.py", "b.py"):
        shutil.copyfile(package / name, other / name)
        os.utime(other / name, (0, 0))
    os.umask(before)
    assert job_source.archive(other) == job_source.archive(package)


def test_what_is_compiled_or_no_python_is_left_out(package: Path) -> None:
    before = job_source.archive(package)
    (package / "__pycache__").mkdir()
    (package / "__pycache__/a.cpython-312.pyc").write_bytes(b"compiled")
    (package / "notes.txt").write_text("notes")
    assert job_source.archive(package) == before


def test_other_contents_and_other_names_are_other_bytes(package: Path) -> None:
    before = job_source.archive(package)
    (package / "a.py").rename(package / "d.py")
    renamed = job_source.archive(package)
    (package / "d.py").write_text("NAME = 'a.pY'\n")
    assert len({before, renamed, job_source.archive(package)}) == 3


def test_it_unpacks_to_the_package_with_rights_that_any_user_of_a_container_has(package: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(job_source.archive(package))) as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == ["toy/a.py", "toy/b.py", "toy/deep/c.py"]
    assert {(entry.mode, entry.mtime, entry.uid, entry.uname) for entry in entries} == {(0o644, 0, 0, "")}


def test_what_is_uploaded_is_tabular_under_the_name_of_its_bytes(session: Session) -> None:
    uri = job_source.upload(session)
    assert uri == job_source.upload(session)
    assert uri.startswith(session.uri("code/"))
    with tarfile.open(fileobj=io.BytesIO(storage.read(session, uri))) as archive:
        names = {name.removeprefix("tabular/") for name in archive.getnames()}
    assert names == {path.relative_to(TABULAR).as_posix() for path in TABULAR.rglob("*.py")}


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
