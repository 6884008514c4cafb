"""Folders that many jobs have alike, kept once.

All trials of a table have the same code and the same rows, so most of what jobs leave is the same few files.
A job that runs has its own copy of everything, as on an instance, and may change it. Only when it has ended,
its copy is replaced by a link to a read-only one, which is named by the SHA-256 of its contents.
"""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from local_aws.core.faults import log_exception
from local_aws.core.files import PART

__all__ = ["SharedFolders"]

# What a job is given, in its /opt/ml. What it makes of it stays its own.
_GIVEN = ("code", "input/data", "processing/input")
_COMPILED = "__pycache__"
_READ_ONLY = 0o555


class SharedFolders:
    """The folders that ended jobs share, all in one folder of a home."""

    def __init__(self, home: Path) -> None:
        self._pool, self._jobs, self._lock = home / "shared", home / "jobs", threading.Lock()

    def share(self, job: Path) -> None:
        """Replace what an ended job was given by links; what cannot be shared stays as it is.

        Args:
            job: The folder of the job, with what each instance saw as /opt/ml in a folder `ml`.
        """
        for folder in _given(job):
            if folder.is_symlink() or not folder.is_dir():
                continue
            try:
                self._share(folder)
            except OSError:  # the disk is full, or the file system has no links
                log_exception()

    def remove_unused(self) -> None:
        """Delete the folders to which no job is linked any more."""
        with self._lock:
            links = (folder for job in self._jobs.glob("*") for folder in _given(job))
            used = {link.readlink().name for link in links if link.is_symlink()}
            for folder in self._pool.glob("*"):
                if folder.name not in used:
                    shutil.rmtree(folder)

    def _share(self, folder: Path) -> None:
        for compiled in list(folder.rglob(_COMPILED)):
            shutil.rmtree(compiled)
        files = sorted(path for path in folder.rglob("*") if not path.is_dir())
        if not files or not all(path.is_file() and not path.is_symlink() for path in files):
            return
        digest = hashlib.sha256()
        for path in files:
            mode = path.stat().st_mode & _READ_ONLY
            with path.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
            digest.update(json.dumps([path.relative_to(folder).as_posix(), mode, found]).encode())
        shared = self._pool / digest.hexdigest()
        link = folder.with_name(f"{folder.name}{PART}")
        with self._lock:
            self._pool.mkdir(exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(os.path.relpath(shared, folder.parent))  # first: a full disk has no room
            if shared.is_dir():
                shutil.rmtree(folder)
            else:
                for path in files:
                    path.chmod(path.stat().st_mode & _READ_ONLY)
                folder.rename(shared)
            link.rename(folder)


def _given(job: Path) -> Iterator[Path]:
    """Return the folders with what a job was given, on all of its instances."""
    return (base / name for base in (job / "ml", *job.glob("algo-*/ml")) for name in _GIVEN)
