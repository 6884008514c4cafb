"""Run the notebooks and store their outputs in notebooks/, so that they can be read without running anything.

It uses a new state of local_aws, so what is stored does not depend on earlier runs.
"""

import itertools
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from commands.notebooks.history import LAST, Episode, episodes
from commands.running import perform, planning
from helpers.errors import Interrupted, UserError
from helpers.runs.facts import MIME_TYPE
from helpers.session import local
from helpers.session.storage import write_whole

__all__ = ["store", "stored"]

KEPT = ("tags", "slideshow")  # of a cell's metadata
PNG = "image/png"
# What is written in its place stands beside it.
DIFFERS = {
    re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"): "(time)",
    re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{4}\b"): "(id)",
    re.compile(r"(?<=x-request-id: )[0-9a-f-]{36}\b"): "(id)",
    re.compile(r"(?<=\b127\.0\.0\.1:)\d+\b"): "8000",  # a curl command stays one
}


def store() -> int:
    """Run all notebooks, store what they show, and return the exit code of the run.

    What 01 shows is from a first run; then comes a history, and the others show what follows on it.

    Raises:
        UserError: a run failed, or ended otherwise than its episode must; the stored notebooks are unchanged.
    """
    first, *later = planning.chosen((), None)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LOCAL_AWS_HOME"] = str(Path(folder) / "local_aws")
        runs = Path(folder) / "runs"
        try:
            with local("local"):
                for number, episode in enumerate(episodes()):
                    _run(planning.chosen(episode.notebooks, None), episode, runs / f"history-{number}")
                _run(later, LAST, runs / "last")
        except Interrupted:  # nobody can resume it: its folder goes
            raise KeyboardInterrupt from None
        except UserError as error:
            raise type(error)(f"{error}\nThe stored notebooks are unchanged.") from None
        for source in (first, *later):
            place = "history-0" if source == first else "last"
            executed = nbformat.read(next(runs.glob(f"{place}/*/{source.name}")), as_version=4)
            with write_whole(source) as whole:
                nbformat.write(stored(executed), whole)
    return LAST.code


def _run(notebooks: Sequence[Path], episode: Episode, runs: Path) -> None:
    ended = perform.run(notebooks, {"ENVIRONMENT": "local", **episode.values}, runs)
    if ended != episode.code:
        raise UserError(
            f"This run ended with {ended} instead of {int(episode.code)}: {episode.code.meaning}."
        )


def stored(executed: NotebookNode) -> NotebookNode:
    """An executed notebook without what differs in every run: IDs, times, ports, papermill's metadata."""
    executed.metadata.pop("papermill", None)
    executed.cells = [c for c in executed.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    counts = itertools.count(1)
    for cell in executed.cells:
        cell.metadata = NotebookNode({name: cell.metadata[name] for name in KEPT if cell.metadata.get(name)})
        if cell.cell_type == "code":
            cell.execution_count = next(counts)
            kept = [output for output in cell.outputs if MIME_TYPE not in output.get("data", {})]
            cell.outputs = [_settled(output, cell.execution_count) for output in kept]
    return executed


def _settled(output: NotebookNode, count: int) -> NotebookNode:
    if "execution_count" in output:
        output.execution_count = count
    if "metadata" in output:
        about = output.metadata.get(PNG, {})  # its width and what is seen on it
        output.metadata = NotebookNode({PNG: about} if about else {})
    output.pop("transient", None)
    if PNG in output.get("data", {}):
        output.data.pop("text/html", None)  # the same picture again, which JupyterLab got with its text
    if output.output_type == "stream":
        output.text = _alike(output.text)
    for kind, content in output.get("data", {}).items():
        if isinstance(content, str) and kind.startswith("text/"):
            output.data[kind] = _alike(content)
    return output


def _alike(text: str) -> str:
    for pattern, instead in DIFFERS.items():
        text = pattern.sub(instead, text)
    return text
