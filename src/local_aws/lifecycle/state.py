"""The version of a home folder's state: which one it has, and how an older one becomes the current one.

It is SQLite's own number of a schema's version, in `records.db`: https://www.sqlite.org/pragma.html#pragma_user_version
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from local_aws.core.errors import LocalAwsError

__all__ = ["RECORDS", "VERSION", "check", "migrate"]

RECORDS = "records.db"
VERSION = 1


def check(folder: Path) -> None:
    """Find out whether this version of local_aws can use the state of a folder.

    Raises:
        LocalAwsError: It cannot; the message says what was seen and what to do.
    """
    version = _version(folder)
    if version > VERSION:
        raise LocalAwsError(
            f"The state in {folder} has version {version}, and this checkout of the project reads versions "
            f"up to {VERSION}. Bring the checkout up to date, or set LOCAL_AWS_HOME to another folder."
        )


def migrate(folder: Path, steps: Mapping[int, Callable[[Path], None]]) -> None:
    """Make the state of a folder one of the current version, one version after another.

    Args:
        folder: The home folder; nobody else uses it.
        steps: What makes the state of a version one of the next version. A step may be repeated after it was
            interrupted.

    Raises:
        LocalAwsError: It is a newer version's.
    """
    check(folder)
    if not (folder / RECORDS).exists():
        _set(folder, VERSION)
    for version in range(_version(folder), VERSION):
        print(json.dumps({"migrating": str(folder), "from_version": version}), flush=True)
        steps[version](folder)
        _set(folder, version + 1)


def _set(folder: Path, version: int) -> None:
    with closing(sqlite3.connect(folder / RECORDS)) as database:
        database.execute(f"PRAGMA user_version = {version}")


def _version(folder: Path) -> int:
    """Return the version of a folder's state: 0 for those before versions, the current one for none."""
    path = folder / RECORDS
    if not path.exists():
        return VERSION
    try:
        with closing(sqlite3.connect(path)) as database:
            return database.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise LocalAwsError(
            f"{path} cannot be read ({error}). Move it away or restore it; `many-models local-aws reset` "
            "deletes all of the state."
        ) from None
