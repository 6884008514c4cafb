"""What is shown live: a table and a line that are updated in place in a notebook, lines in a terminal."""

from collections.abc import Mapping, Sequence

import pandas as pd
from IPython.display import display

__all__ = ["LINE", "RUN", "Line", "Progress", "show_run"]

# The keys in an output's metadata under which the runner finds the line to print for a change, and the run
# whose executions have been started.
LINE = "many-models-progress"
RUN = "many-models-run"

MOST = 12  # data sets that the table shows
SIGNS = {"Succeeded": "done", "Executing": "running ...", "Starting": "waiting ...", "Failed": "FAILED"}


class Progress:
    """What each of several executions is doing, shown again whenever it changes."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, tuple[str, str]]] = {}
        self._order: list[str] = []  # by when they last changed
        self._handle = None

    def update(self, name: str, steps: Sequence[tuple[str, str, str]]) -> None:
        """Update the steps of one execution: name, status and detail of each."""
        before = self._seen.get(name, {})
        now = {step: (status, detail) for step, status, detail in steps}
        changed = [step for step in now if now[step] != before.get(step)]
        if not changed:
            return
        self._seen[name] = now
        self._order = [*(one for one in self._order if one != name), name]
        self._show("\n".join(f"{name}: {' '.join(filter(None, (step, *now[step])))}" for step in changed))

    def _show(self, lines: str) -> None:
        shown = list(self._seen)
        if len(shown) > MOST:  # those that go on, and then those that have ended last
            self._order.sort(key=lambda name: _goes_on(self._seen[name]))
            shown = self._order[-MOST:]
        rows = {
            name: {step: _cell(status, detail) for step, (status, detail) in self._seen[name].items()}
            for name in shown
        }
        table = pd.DataFrame.from_dict(rows, orient="index").fillna("").T.rename_axis("step")
        if more := len(self._seen) - len(shown):
            table = table.T.rename_axis(f"{len(shown)} of {more + len(shown)} data sets")
        metadata = {LINE: lines}
        if self._handle is None:
            self._handle = display(table, metadata=metadata, display_id=True)
        else:
            self._handle.update(table, metadata=metadata)


class Line:
    """One line of text, shown again whenever it changes."""

    def __init__(self) -> None:
        self._seen, self._handle = "", None

    def update(self, text: str, told: bool = True) -> None:
        """Show another text; unless it is `told`, a headless run does not print it."""
        if text == self._seen:
            return
        self._seen, metadata = text, {LINE: text} if told else {}
        if self._handle is None:
            self._handle = display(_Text(text), metadata=metadata, display_id=True)
        else:
            self._handle.update(_Text(text), metadata=metadata)


class _Text(str):
    """A text that is shown without quotation marks."""

    __repr__ = str.__str__


def show_run(run_id: str, text: str) -> None:
    """Show a line about a run."""
    display(_Text(text), metadata={LINE: text, RUN: run_id})


def _goes_on(steps: Mapping[str, tuple[str, str]]) -> bool:
    return any(status in ("Executing", "Starting") for status, _ in steps.values())


def _cell(status: str, detail: str) -> str:
    sign = SIGNS.get(status, status)
    return f"{sign}: {detail}" if detail and status == "Failed" else detail or sign
