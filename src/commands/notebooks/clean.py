"""Remove from notebooks what differs in every run: `python -m commands.notebooks.clean FILE...`.

This is a hook for pre-commit. A cleaned notebook must be added again, so the exit code is 1 if there is one.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat

from commands.notebooks.store import stored

__all__ = ["clean", "main"]


def clean(path: Path) -> bool:
    """Clean a notebook, which keeps its outputs; return whether there was anything to remove."""
    before = path.read_text()
    after = nbformat.writes(stored(nbformat.reads(before, as_version=4))) + "\n"
    if after == before:
        return False
    path.write_text(after)
    print(f"cleaned {path}")
    return True


def main(names: Iterable[str]) -> bool:
    """Clean all of these files; return whether there was anything to remove from one of them."""
    return bool([name for name in names if clean(Path(name))])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
