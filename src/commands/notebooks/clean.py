"""Remove from notebooks what differs in every run: `python -m commands.notebooks.clean FILE...`.

This is a hook for pre-commit. A cleaned notebook must be added again, so the exit code is 1 if there is one.
"""

import sys
from pathlib import Path

import nbformat

from commands.notebooks.store import stored

__all__ = ["clean"]


def clean(path: Path) -> bool:
    """Clean a notebook, which keeps its outputs; return whether there was anything to remove."""
    before = path.read_text()
    after = nbformat.writes(stored(nbformat.reads(before, as_version=4))) + "\n"
    if after == before:
        return False
    path.write_text(after)
    print(f"cleaned {path}")
    return True


if __name__ == "__main__":
    sys.exit(bool([name for name in sys.argv[1:] if clean(Path(name))]))
