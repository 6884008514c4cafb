"""Kernels that are forked from a warm process: alike, alone, and gone when they should be."""

import json
import sys
import time
from pathlib import Path

import nbformat
import pytest
from support import HANGS
from support.helpers import headless

from commands.notebooks import kernels, papermill_engine
from commands.running import perform
from helpers.errors import UserError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone"),
]


@pytest.fixture(scope="module", autouse=True)
def server() -> kernels.Server:
    """The warm process of all runs in this process of the tests, from which kernels are forked."""
    kernels.warm_up()
    return kernels.Provisioner.server


def printed(target: Path) -> dict:
    (output,) = nbformat.read(target, as_version=4).cells[-1].outputs
    return json.loads(output.text)


ASKS = """
import json, os, sys, threading
import numpy
print(json.dumps({
    "parent": os.getppid(), "session": os.getsid(0) == os.getpid(), "folder": os.getcwd(),
    "colour": os.environ.get("COLOUR"), "seen": vars(sys).setdefault("seen", []) or sys.seen.append(1),
    "random": numpy.random.random(), "arguments": sys.argv[1:2],
    "threads": len(os.listdir(f"/proc/{os.getppid()}/task")),
    "loaded": sorted({"pandas", "sklearn", "matplotlib", "sagemaker"} & sys.modules.keys()),
}))
"""


def test_each_is_a_fork_with_its_own_state_settings_folder_and_random_numbers(
    server: kernels.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for colour in ("red", "blue"):
        folder = tmp_path / colour
        folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COLOUR", colour)
        target = tmp_path / f"{colour}.ipynb"
        perform._execute(headless.notebook(tmp_path, ASKS), target, {}, print)
        found.append(printed(target))
        assert (found[-1]["colour"], found[-1]["folder"]) == (colour, str(folder))
    for one in found:
        assert (one["parent"], one["session"], one["seen"]) == (server.pid, True, None)
        assert one["arguments"] == ["-f"]
        assert one["loaded"] == ["matplotlib", "pandas", "sklearn"], "not the SDK, which reads the settings"
        assert one["threads"] == 1, "what a thread holds, a fork would wait for forever"
    assert found[0]["random"] != found[1]["random"]


def test_one_that_is_no_fork_is_set_up_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = "import gc, json, sys; print(json.dumps([gc.get_threshold()[0], sys.argv[1:2], __name__]))"
    source, found = headless.notebook(tmp_path, asks), []
    for name in ("fork", "process"):
        perform._execute(source, tmp_path / f"{name}.ipynb", {}, print)
        found.append(printed(tmp_path / f"{name}.ipynb"))
        monkeypatch.setattr(kernels.Provisioner, "server", None)
    assert found == [[kernels.ALLOCATIONS, ["-f"], "__main__"]] * 2


def test_a_kernel_that_ends_is_not_interrupted_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle one may print a traceback. The method is jupyter_client's: this version has to call it."""
    asked: list[papermill_engine._KernelManager] = []
    original = papermill_engine._KernelManager._async_interrupt_kernel

    async def noted(manager: papermill_engine._KernelManager) -> None:
        asked.append(manager)
        await original(manager)

    monkeypatch.setattr(papermill_engine._KernelManager, "_async_interrupt_kernel", noted)
    perform._execute(headless.notebook(tmp_path, "1"), tmp_path / "out.ipynb", {}, print)
    assert len(asked) == 1


def test_plots_are_pictures(tmp_path: Path) -> None:
    source = headless.notebook(tmp_path, "import matplotlib.pyplot as plt", "plt.subplots()[1]")
    perform._execute(source, tmp_path / "out.ipynb", {}, print)
    outputs = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs
    assert any("image/png" in output.data for output in outputs)


def test_a_fork_that_dies_is_a_sentence_and_the_next_one_lives(tmp_path: Path) -> None:
    dies = headless.notebook(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(UserError, match="its kernel died"):
        perform._execute(dies, tmp_path / "out.ipynb", {}, print)
    perform._execute(headless.notebook(tmp_path, "1"), tmp_path / "next.ipynb", {}, print)


@headless.needs_proc
def test_without_the_warm_process_a_kernel_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = kernels.Server()
    monkeypatch.setattr(kernels.Provisioner, "server", own)
    source = headless.notebook(
        tmp_path,
        "import os, pathlib, signal, time",
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))",
        "os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)",
    )
    with pytest.raises(UserError, match="its kernel died"):
        perform._execute(source, tmp_path / "out.ipynb", {}, print)
    own.close()
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + HANGS
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether a process is there, and not only its exit code, which nobody may have asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
