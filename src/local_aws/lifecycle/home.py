"""The folder with all state: which server holds it, and where that server is."""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from local_aws.core.account import ACCOUNT_ID
from local_aws.core.files import write_whole

__all__ = ["Home", "find_home"]

_CONTENTS = ("endpoints", "functions", "jobs", "s3")
_FILES = ("records.db", "records.db-shm", "records.db-wal", "server.json", "server.log")
_LOCKS = ("run.lock", "server.lock", "start.lock")  # the first belongs to the run that uses the state
_ACCOUNTS = "accounts"
_ATTEMPTS = 20
_ATTEMPT_SECONDS = 0.05


def find_home() -> Path:
    """Return the home folder: LOCAL_AWS_HOME, or `.local_aws` in the project's folder.

    The project's folder is the nearest one with a pyproject.toml, from the current folder upwards; without
    one, it is the current folder.
    """
    if named := os.environ.get("LOCAL_AWS_HOME"):
        return Path(named).absolute()
    here = Path.cwd()
    project = next(
        (folder for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file()), here
    )
    return project / ".local_aws"


def _take(file: TextIO) -> bool:
    """Take a file's lock and return whether that worked; wait for processes that only check the lock."""
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_ATTEMPT_SECONDS)
        else:
            return True
    return False


class Home:
    """A home folder. One server at a time holds it, with a file lock that ends with the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @property
    def account_id(self) -> str:
        """The number of this folder's account; that of `accounts/<number>` in another folder is its name."""
        return self.folder.name if self.folder.parent.name == _ACCOUNTS else ACCOUNT_ID

    def accounts(self) -> list["Home"]:
        """The folders of all other accounts."""
        return [Home(folder) for folder in sorted((self.folder / _ACCOUNTS).glob("*"))]

    @property
    def log(self) -> Path:
        """The file with everything the server printed."""
        return self.folder / "server.log"

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Be this folder's only server.

        Raises:
            SystemExit: Another process is its server.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.lock").open("w") as file:
            if not _take(file):
                raise SystemExit(f"{self.folder} already has a server")
            yield

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        """Be the only process that starts or stops a server; wait for any other that is doing so."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "start.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def is_held(self) -> bool:
        """Return whether a server holds this folder."""
        path = self.folder / "server.lock"
        if not path.exists():
            return False
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def publish(self, about: dict[str, Any]) -> None:
        """Tell clients where the server is."""
        write_whole(self.folder / "server.json", json.dumps(about).encode())

    def unpublish(self) -> None:
        """Tell clients that no server is running."""
        (self.folder / "server.json").unlink(missing_ok=True)

    def published(self) -> dict[str, Any] | None:
        """Return what the server tells clients, or None if it is not running or not ready."""
        try:
            about = json.loads((self.folder / "server.json").read_text())
        except FileNotFoundError:
            return None
        return about if self.is_held() else None

    def erase(self) -> None:
        """Delete all state, and nothing else in the folder."""
        for name in _CONTENTS:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in (*_FILES, *_LOCKS):
            (self.folder / name).unlink(missing_ok=True)
        for folder in (self.folder / _ACCOUNTS, self.folder):
            with contextlib.suppress(OSError):  # it is not there, or contains something else
                folder.rmdir()
