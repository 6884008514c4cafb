"""The folder with all state: which server holds it, and where that server is."""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from local_aws.core.account import ACCOUNT_ID
from local_aws.core.errors import LocalAwsError
from local_aws.core.files import PART, write_whole

__all__ = ["SECRET", "Home", "find_home"]

_CONTENTS = ("compiled", "endpoints", "functions", "jobs", "s3", "shared")
SECRET = "secret"  # noqa: S105 - the name of a file
_FILES = (SECRET, "cores", "records.db", "records.db-shm", "records.db-wal", "server.json", "server.log")
_RUN_LOCK = "run.lock"  # belongs to the run that uses the state
_LOCKS = (_RUN_LOCK, "server.lock", "start.lock")
_ACCOUNTS = "accounts"
_ATTEMPTS = 20
_ATTEMPT_SECONDS = 0.05
_ACCOUNT_NUMBER = re.compile(r"\d{12}")
_PROJECT = Path(__file__).resolve().parents[3]


def find_home(project: Path = _PROJECT) -> Path:
    """Return the home folder: LOCAL_AWS_HOME, or `.local_aws` in the folder of this project.

    It does not depend on the current folder, because a scheduler, a notebook and a shell each have another
    one. A relative LOCAL_AWS_HOME is a folder in the project's.

    Raises:
        LocalAwsError: It is not named, and this package is not in a checkout of the project.
    """
    if named := os.environ.get("LOCAL_AWS_HOME"):
        return project / Path(named).expanduser()
    if not (project / "pyproject.toml").is_file():
        raise LocalAwsError(
            f"local_aws has no folder for its state: {project} is not a checkout of the project; set "
            "LOCAL_AWS_HOME to a folder."
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
        return [
            Home(folder)
            for folder in sorted((self.folder / _ACCOUNTS).glob("*"))
            if _ACCOUNT_NUMBER.fullmatch(folder.name) and folder.is_dir()
        ]

    @property
    def log(self) -> Path:
        """The file with everything the server printed."""
        return self.folder / "server.log"

    def _make(self) -> None:
        """Make the folder, for this user alone: it contains keys, and code that is run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.folder.stat().st_mode & 0o077:
            self.folder.chmod(0o700)

    @property
    def secret(self) -> str:
        """The secret with which requests to the server are signed."""
        return (self.folder / SECRET).read_text()

    def make_secret(self) -> str:
        """Return the secret; make it first if there is none."""
        path = self.folder / SECRET
        if not path.exists() or not path.read_text():
            path.touch(mode=0o600)
            write_whole(path, secrets.token_urlsafe().encode())
        path.chmod(0o600)
        return self.secret

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Be this folder's only server.

        Raises:
            SystemExit: Another process is its server.
        """
        self._make()
        with (self.folder / "server.lock").open("w") as file:
            if not _take(file):
                raise SystemExit(f"{self.folder} already has a server")
            yield

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        """Be the only process that starts or stops a server; wait for any other that is doing so."""
        self._make()
        with (self.folder / "start.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def without_runs(self) -> Iterator[None]:
        """Keep runs of the notebooks away.

        Raises:
            LocalAwsError: There is one now.
        """
        self._make()
        with (self.folder / _RUN_LOCK).open("a+") as file:
            if not _take(file):
                raise LocalAwsError(f"A run uses the state in {self.folder}; try again when it has ended.")
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
        """Return what the server tells clients, or None if it is not running or not ready.

        A file that says something else, such as one that was cut, tells nothing.
        """
        try:
            about = json.loads((self.folder / "server.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(about, dict) or not {"endpoint_url", "pid"} <= about.keys():
            return None
        return about if self.is_held() else None

    def erase(self) -> None:
        """Delete all state, and nothing else in the folder."""
        for name in _CONTENTS:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in (*_FILES, *_LOCKS):
            (self.folder / name).unlink(missing_ok=True)
        for part in self.folder.glob(f"*{PART}"):
            part.unlink()
        for folder in (self.folder / _ACCOUNTS, self.folder):
            with contextlib.suppress(OSError):  # it is not there, or contains something else
                folder.rmdir()
