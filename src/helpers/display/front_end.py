"""What a notebook, a terminal or a test is sent."""

import sys
from collections.abc import Mapping
from typing import Any

from helpers.display import frames

__all__ = ["in_kernel", "say", "show", "switch_on"]

MOST_ROWS = 500  # that a terminal shows of a table


def switch_on() -> None:
    """Show tables whole, and in a kernel by this project's formatter; a second time changes nothing."""
    import pandas as pd

    pd.set_option("display.max_colwidth", None, "display.max_columns", None, "display.max_rows", MOST_ROWS)
    if in_kernel():
        formatters = _shell().display_formatter.formatters
        formatters["text/html"].for_type(pd.DataFrame, frames.as_html)
        formatters["text/plain"].for_type(
            pd.DataFrame, lambda frame, p, _cycle: p.text(frames.as_text(frame))
        )


def in_kernel() -> bool:
    """Whether somebody sees HTML and pictures."""
    return getattr(_shell(), "kernel", None) is not None


def say(sentence: str) -> None:
    """Show a sentence where a table or a picture would be."""
    show({"text/html": frames.paragraph(sentence), "text/plain": sentence})


def show(data: Mapping[str, str | bytes], metadata: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Show an output in all its forms, by MIME type; outside a kernel, print its plain text."""
    if not in_kernel():
        print(data["text/plain"])
        return
    from IPython.display import display

    display(dict(data), metadata=dict(metadata or {}), raw=True)


def _shell() -> Any:
    """The shell of IPython, or None: where nobody has imported IPython, there is none."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None
