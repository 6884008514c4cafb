"""Folders that ended jobs share."""

import os
from pathlib import Path

from local_aws.services.jobs.sharing import SharedFolders


def _job(home: Path, name: str, text: str = "code") -> Path:
    job = home / "jobs" / name
    files = {
        "ml/code/a.py": text,
        "ml/code/sub/b.py": "b",
        "ml/input/data/train/rows.csv": "1,2",
        "log.txt": name,
    }
    for path, content in {
        **files,
        "ml/code/__pycache__/a.pyc": name,
        "ml/output/data/scores.json": "{}",
    }.items():
        (job / path).parent.mkdir(parents=True, exist_ok=True)
        (job / path).write_text(content)
    return job


def test_ended_jobs_share_what_they_were_given_and_keep_logs_and_results(tmp_path: Path) -> None:
    shared = SharedFolders(tmp_path)
    first, second, other = (
        _job(tmp_path, "first"),
        _job(tmp_path, "second"),
        _job(tmp_path, "other", "changed"),
    )
    for job in (first, second, other, first):
        shared.share(job)
    assert len(list((tmp_path / "shared").iterdir())) == 3  # two codes, one table
    for job, text in ((first, "code"), (second, "code"), (other, "changed")):
        assert (job / "ml/code/a.py").read_text() == text
        assert (job / "ml/code/sub/b.py").read_text() == "b"
        assert (job / "ml/input/data/train/rows.csv").read_text() == "1,2"
        assert (job / "log.txt").read_text() == job.name
        assert not (job / "ml/output").is_symlink()
    assert (first / "ml/code").samefile(second / "ml/code")
    assert not (first / "ml/code/a.py").stat().st_mode & 0o222
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert (moved / "jobs/first/ml/code/a.py").read_text() == "code"


def test_what_no_job_is_linked_to_any_more_is_removed(tmp_path: Path) -> None:
    shared = SharedFolders(tmp_path)
    for name, text in (("kept", "one"), ("gone", "two")):
        shared.share(_job(tmp_path, name, text))
    (tmp_path / "jobs/gone").rename(tmp_path / "elsewhere")
    shared.remove_unused()
    assert len(list((tmp_path / "shared").iterdir())) == 2
    assert (tmp_path / "jobs/kept/ml/code/a.py").read_text() == "one"


def test_a_folder_that_cannot_be_shared_stays_as_it_is(tmp_path: Path) -> None:
    job = _job(tmp_path, "odd")
    (job / "ml/code/link").symlink_to("/etc/hostname")
    os.mkfifo(job / "ml/input/data/train/pipe")
    SharedFolders(tmp_path).share(job)
    assert not (job / "ml/code").is_symlink()
    assert (job / "ml/code/link").is_symlink()
    assert (job / "ml/input/data/train/rows.csv").stat().st_mode & 0o200
