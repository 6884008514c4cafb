"""Live progress: a table that is updated in place in a notebook, lines in a terminal."""

from collections.abc import Sequence

import pandas as pd
from IPython.display import display

__all__ = ["LINE", "Progress"]

# The key in an output's metadata under which the runner finds the line to print for a change.
LINE = "many-models-progress"

SIGNS = {"Succeeded": "done", "Executing": "running ...", "Starting": "waiting ...", "Failed": "FAILED"}


class Progress:
    """What each of several executions is doing, shown again whenever it changes."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, tuple[str, str]]] = {}
        self._handle = None

    def update(self, name: str, steps: Sequence[tuple[str, str, str]]) -> None:
        """Update the steps of one execution: name, status and detail of each."""
        before = self._seen.get(name, {})
        now = {step: (status, detail) for step, status, detail in steps}
        changed = [step for step in now if now[step] != before.get(step)]
        if not changed:
            return
        self._seen[name] = now
        self._show("\n".join(f"{name}: {step} {' '.join(now[step])}".rstrip() for step in changed))

    def _show(self, lines: str) -> None:
        rows = {
            name: {step: _cell(status, detail) for step, (status, detail) in steps.items()}
            for name, steps in self._seen.items()
        }
        table = pd.DataFrame.from_dict(rows, orient="index").fillna("").T.rename_axis("step")
        metadata = {LINE: lines}
        if self._handle is None:
            self._handle = display(table, metadata=metadata, display_id=True)
        else:
            self._handle.update(table, metadata=metadata)


def _cell(status: str, detail: str) -> str:
    sign = SIGNS.get(status, status)
    return f"{sign}: {detail}" if detail and status == "Failed" else detail or sign
