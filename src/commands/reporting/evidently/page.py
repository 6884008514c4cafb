"""Lets Evidently make its page, in an environment of its own."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from commands.environment.terraform import ROOT
from commands.reporting.evidently.frames import Frames
from helpers.errors import BadInput, JobFailed
from helpers.session.storage import write_whole

__all__ = ["INTERPRETER", "write"]

INTERPRETER = ROOT / ".venv-evidently/bin/python"
PROGRAM = Path(__file__).with_name("program.py")
SECONDS = 600
NOT_ITS = ("AWS_", "PYTHON")  # variables


def write(found: Frames, page: Path) -> None:
    """Write Evidently's page about the window beside training.

    Raises:
        BadInput: Evidently is not installed.
        JobFailed: Evidently fails; the message has its last line.
    """
    if not INTERPRETER.exists():
        raise BadInput(f"There is no {INTERPRETER}; install Evidently with `make install-evidently`.")
    with tempfile.TemporaryDirectory() as folder, write_whole(page) as part:
        (Path(folder) / "kinds.json").write_text(json.dumps(found.kinds))
        for name in ("training", "window"):
            getattr(found, name).to_csv(Path(folder) / f"{name}.csv", index=False)
        made = Path(folder) / "page.html"
        done = subprocess.run(
            [INTERPRETER, PROGRAM, folder, made],
            env={name: value for name, value in os.environ.items() if not name.startswith(NOT_ITS)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["nothing"])[-1].rstrip(".")
            raise JobFailed(f"Evidently could not make the page; it said: {said}.")
        part.write_bytes(made.read_bytes())
