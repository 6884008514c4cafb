"""Errors that nobody expects: what a client is told about them, and how they get into the log.

A full disk is the one that a laptop really has. It must end what it breaks, with a sentence.
"""

import contextlib
import errno
import shutil
import traceback
from pathlib import Path

from local_aws.core.errors import AwsError

__all__ = ["disk_full", "fault", "has_no_space", "is_disk_full", "log_exception"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_INSUFFICIENT_STORAGE = 507
_LITTLE_SPACE = 2**16  # bytes: what failed with less than this has filled the disk


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error means that a file could not grow."""
    return isinstance(error, OSError) and error.errno in _FULL


def has_no_space(folder: Path) -> bool:
    """Return whether a folder's disk is full: then a log may not say why something failed."""
    return shutil.disk_usage(folder).free < _LITTLE_SPACE


def disk_full(where: object) -> str:
    """Return the sentence about a disk without space."""
    return f"No space is left on the disk for {where}; free some space and start this again."


def fault(error: Exception, code: str = "InternalFailure") -> AwsError:
    """Return an error that the code did not expect as one that clients understand."""
    if is_disk_full(error):
        return AwsError("ClientError", disk_full(error.filename or "its files"), _INSUFFICIENT_STORAGE)
    return AwsError(code, f"{type(error).__name__}: {error}", 500)


def log_exception() -> None:
    """Print the traceback of the current exception; on a full disk, there is no log that could take it."""
    with contextlib.suppress(OSError):
        traceback.print_exc()
