"""Headless runs as a person starts them: in a process of their own, with a state of their own."""

import contextlib
import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from commands.__main__ import main
from commands.notebooks.kernels import Provisioner
from support import HANGS, ROOT

LOCAL_YAML = ROOT / "parameters/local.yaml"

TYPED = """
import sys
from pathlib import Path
from commands.__main__ import main
from commands.running import planning
planning.ROOT = Path(sys.argv.pop(1))
sys.exit(main())
"""

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a person whose state is in a folder, without any settings of AWS."""
    connected = ("AWS_", "MANY_MODELS_ENVIRONMENT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(connected)}
    return kept | {"LOCAL_AWS_HOME": str(home)} | more


def start(
    home: Path, runs: Path, *arguments: object, file: Path = LOCAL_YAML, **more: str
) -> subprocess.Popen:
    """Begin `many-models run`; `more` are environment variables."""
    command = [sys.executable, "-m", "commands", "run", str(file), "--runs", str(runs), *map(str, arguments)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment(home, **more), **pipes)


def finish(process: subprocess.Popen) -> subprocess.CompletedProcess:
    """Wait for a run's end."""
    output, errors = process.communicate(timeout=HANGS)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def run(home: Path, runs: Path, *arguments: object, **options: Any) -> subprocess.CompletedProcess:
    """`many-models run` from its beginning to its end."""
    return finish(start(home, runs, *arguments, **options))


def here(*arguments: str) -> subprocess.CompletedProcess:
    """`many-models` in this process, where what it imports is imported already; its kernels are the same."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = main(arguments)
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())


def typed(*arguments: str, cwd: Path = ROOT, project: Path = ROOT) -> subprocess.CompletedProcess:
    """`many-models` in a process of its own, under the settings of this one, with a project's notebooks."""
    command = [sys.executable, "-c", TYPED, str(project), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=HANGS)


def notebook(folder: Path, *cells: str) -> Path:
    """A notebook of these cells in a folder, under the number of the first one."""
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(content, folder / "01_own.ipynb")
    return folder / "01_own.ipynb"


def wait_for_line(process: subprocess.Popen, text: str) -> str:
    """Read what a run prints until it prints a text; everything read."""
    read = ""
    for line in process.stdout:
        read += line
        if text in line:
            return read
    raise AssertionError(f"it ended without {text!r}: {read}{process.stderr.read()}")


def left_of(home: Path, seconds: float = HANGS) -> list[str]:
    """What is left of the processes of a state folder when those that are just ending have had their time."""
    deadline = time.monotonic() + seconds
    while (found := processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def processes_of(home: Path) -> list[str]:
    """The command lines of processes that have a state folder in their environment or arguments.

    Not those that this process has started itself, such as the warm one for the kernels of runs in it: what a
    run leaves behind has lost its parent.
    """
    found, ours = [], f"PPid:\t{os.getpid()}\n"
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.name != str(os.getpid()):
                if ours in (entry / "status").read_text():
                    continue
                command = (entry / "cmdline").read_bytes()
                if str(home).encode() in (entry / "environ").read_bytes() + command:
                    found.append(command.replace(b"\0", b" ").decode())
    return found


def kernels_here() -> list[str]:
    """The process ids of the kernels of runs in this process: they are children of the warm one."""
    assert Provisioner.server is not None, "no run in this process has started it"
    warm = Provisioner.server.pid
    return Path(f"/proc/{warm}/task/{warm}/children").read_text().split()
