"""JupyterLab as a person opens it: `make lab` in a copy of the project, and Chromium in front of it."""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import ROOT, debian

if TYPE_CHECKING:  # in an environment of its own, see `make test-browser`
    from playwright.sync_api import Page

__all__ = ["Lab", "Notebook", "chromium", "copy_of_the_project", "serve"]

SECONDS = 600  # after which a notebook hangs
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What a person who opens the notebooks has beside them.
COPIED = ("notebooks", "docs", "parameters", "src", "container", "terraform")
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".terraform", ".ipynb_checkpoints")

# The cells that run or wait, and whether the kernel is done with what it was asked.
BUSY = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const waiting = panel.content.widgets.filter(cell => cell.model.type === 'code' && cell.prompt === '*');
    return waiting.length > 0 || panel.sessionContext.session?.kernel?.status !== 'idle';
}"""
READY = """path => {
    const panel = window.jupyterapp?.shell?.currentWidget;
    return panel?.context?.path === path && panel.context.isReady
        && panel.sessionContext?.session?.kernel?.status === 'idle';
}"""
REPLACE = """([before, after]) => {
    let replaced = 0;
    for (const cell of window.jupyterapp.shell.currentWidget.content.model.cells) {
        const source = cell.sharedModel.getSource();
        if (source.includes(before)) {
            cell.sharedModel.setSource(source.replace(before, after));
            replaced += 1;
        }
    }
    return replaced;
}"""
SELECT = """text => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const sources = notebook.widgets.map(cell => cell.model.sharedModel.getSource());
    return notebook.activeCellIndex = sources.findIndex(source => source.includes(text));
}"""
SHOWN = """text => {
    const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
    return [...cells].some(cell => cell.sharedModel.getSource().includes(text) && cell.outputs?.length);
}"""
HEIGHT = """() => {
    const notebook = window.jupyterapp.shell.currentWidget.content.node;
    const outer = notebook.querySelector('.jp-WindowedPanel-outer') ?? notebook;
    outer.scrollTop = 0;
    return window.innerHeight - outer.clientHeight + outer.scrollHeight;
}"""
HIGHEST = 16_000  # pixels of a screenshot


def chromium() -> str:
    """The path of Chromium, installed before where root of a Debian may do that.

    Raises:
        Missing: it is not here and cannot be installed.
    """
    if found := next(filter(None, map(shutil.which, NAMES)), None):
        return found
    debian.install("chromium", missing=f"None of {', '.join(NAMES)} is on PATH", otherwise="install Chromium")
    return chromium()


def copy_of_the_project(folder: Path) -> Path:
    """A copy in which notebooks may be saved; it shares `.venv`, and make finds that up to date."""
    for path in ROOT.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy2(path, folder / path.name)
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that answers at `url` with `token`, in the folder `project`."""

    url: str
    token: str
    project: Path

    @property
    def home(self) -> str:
        """The address that `make lab` opens."""
        return f"{self.url}/lab?token={self.token}"

    def address(self, path: str) -> str:
        """The address that opens a file or a folder of the project."""
        return f"{self.url}/lab/tree/{path}?token={self.token}"


@contextmanager
def serve(project: Path, home: Path) -> Iterator[Lab]:
    """`make lab` in a copy of the project, with settings and state of local_aws of its own in `home`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    own = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"LOCAL_AWS_HOME": str(home / "local_aws"), "MANY_MODELS_CACHE": str(home / "cache")}
    own |= {"JUPYTER_TOKEN": token, "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
    options = f"--no-browser --ip=127.0.0.1 --port={port} --ServerApp.port_retries=0 --expose-app-in-browser"
    options += " --allow-root" * (os.getuid() == 0)
    with (home / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "lab", f"ARGS={options}"],
            cwd=project,
            env=kept | own,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    lab = Lab(f"http://127.0.0.1:{port}", token, project)
    try:
        _wait_for(lab, process, home / "lab.log")
        yield lab
    finally:
        try:
            os.killpg(process.pid, signal.SIGTERM)  # the server ends its kernels
            process.wait(60)
        finally:  # which is nobody's child: a kernel has started it, to outlast kernels
            stop = [ROOT / ".venv/bin/python", "-m", "local_aws", "stop"]
            subprocess.run(stop, env=kept | own, check=True, capture_output=True)


def _wait_for(lab: Lab, process: subprocess.Popen, log: Path) -> None:
    request = urllib.request.Request(f"{lab.url}/api/status", headers={"Authorization": f"token {lab.token}"})
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10):
                return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"JupyterLab does not answer: {log.read_text()}") from error
            time.sleep(0.2)


@dataclass(frozen=True)
class Notebook:
    """A notebook that is open in the browser."""

    page: "Page"
    path: Path

    @classmethod
    def open(cls, page: "Page", lab: Lab, path: Path) -> "Notebook":
        """Open it and wait for its kernel."""
        inside = path.relative_to(lab.project).as_posix()
        page.goto(lab.address(inside))
        page.wait_for_function(READY, arg=inside, timeout=SECONDS * 1000)
        return cls(page, path)

    def choose(self, menu: str, item: str) -> None:
        """Click an item of a menu."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}$")).click()

    def run_all(self) -> list[dict[str, Any]]:
        """Run all cells, and wait for the last; the code cells as they were saved."""
        self.choose("Run", "Run All Cells")
        return self.finish()

    def finish(self) -> list[dict[str, Any]]:
        """Wait until nothing runs, and save; the code cells as they were saved."""
        deadline = time.monotonic() + SECONDS
        time.sleep(0.3)  # so that what was just clicked has begun
        while self.page.evaluate(BUSY):
            assert time.monotonic() < deadline, f"{self.path.name} still runs after {SECONDS} seconds"
            time.sleep(0.2)
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        cells = json.loads(self.path.read_text())["cells"]
        return [cell for cell in cells if cell["cell_type"] == "code"]

    def write(self, before: str, after: str) -> None:
        """Replace a text in the one cell that contains it."""
        assert self.page.evaluate(REPLACE, [before, after]) == 1, before

    def select(self, text: str) -> None:
        """Make the cell that contains a text the active one."""
        assert self.page.evaluate(SELECT, text) >= 0, text

    def wait_for_output(self, text: str) -> None:
        """Wait until the cell that contains a text has shown something."""
        self.page.wait_for_function(SHOWN, arg=text, timeout=SECONDS * 1000)

    def click(self, link: str) -> None:
        """Click a link in its prose."""
        self.page.get_by_role("link", name=link).first.click()

    def screenshot(self, file: Path) -> None:
        """All of its cells, as if the window were high enough for them."""
        before = self.page.viewport_size
        self.page.set_viewport_size({**before, "height": min(self.page.evaluate(HEIGHT), HIGHEST)})
        self.page.wait_for_timeout(500)  # until the cells that came into view are drawn
        self.page.screenshot(path=file)
        self.page.set_viewport_size(before)

    def close(self) -> None:
        """Shut its kernel down, as a person does between two notebooks."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
