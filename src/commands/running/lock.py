"""Allows one run at a time: two would use the same cores and decide on the same packages.

`python -m commands.running.lock FILE COMMAND...` runs a command under such a lock.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.errors import UserError, one_line

__all__ = ["exclusive"]


@contextmanager
def exclusive(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold a lock on a file; if another process holds it, say so and wait.

    The lock is released when the process ends, however it ends.

    Raises:
        UserError: the file cannot be created, or another process holds the lock and this should not wait.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("a+")
    except OSError as error:
        raise UserError(
            f"The folder {path.parent} cannot be used ({one_line(error)}); name another one, with "
            "LOCAL_AWS_HOME for the state of local_aws, with --runs for results."
        ) from None
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            other = f"Another run ({file.read().strip()}) is still running here"
            if not wait:
                raise UserError(f"{other}; nothing was started. Without --no-wait, this waits.") from None
            print(f"{other}; waiting for it to end.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


if __name__ == "__main__":
    with exclusive(Path(sys.argv[1])):
        sys.exit(subprocess.call(sys.argv[2:], close_fds=False))  # `make --jobs` tells through open files
