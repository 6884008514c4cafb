"""What a test needs that is a package of Debian: installed where this may be done."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["Missing", "call", "install"]


class Missing(Exception):
    """A test needs something that is not here and cannot be installed; the message says why."""


def install(*packages: str, missing: str, otherwise: str) -> None:
    """Install packages.

    Args:
        packages: the names that Debian has for them.
        missing: what is not here, as the beginning of a sentence.
        otherwise: what a person can do where this may not install it.

    Raises:
        Missing: this is no Debian, we are not root, or apt says why not.
    """
    if not (sys.platform == "linux" and os.getuid() == 0 and shutil.which("apt-get")):
        raise Missing(
            f"{missing}, and only root of a Debian could install it: {otherwise}, or run this as root."
        )
    print(f"{missing}; installing {' and '.join(packages)}.", flush=True)
    with (Path(tempfile.gettempdir()) / "many-models-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # apt refuses to run twice at a time
        call("apt-get", "update")
        call("apt-get", "install", "--yes", "--no-install-recommends", *packages)


def call(*command: str) -> None:
    """Run a command of Debian that asks no questions.

    Raises:
        Missing: it failed, with the last lines of what it said.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-5:])
        raise Missing(f"`{' '.join(command[:2])}` ended with exit code {done.returncode}:\n{last}")
