"""Take out of notebooks what differs at every run: `python -m commands.clean_notebooks FILE...`.

What is cleaned has to be added again, so the exit code is 1 if anything was; the hook of pre-commit.
"""

import sys
from pathlib import Path

import nbformat

from commands.store_outputs import stored

__all__ = ["clean"]


def clean(path: Path) -> bool:
    """Whether a notebook had anything to take out; it keeps its outputs."""
    before = path.read_text()
    after = nbformat.writes(stored(nbformat.reads(before, as_version=4))) + "\n"
    if after == before:
        return False
    path.write_text(after)
    print(f"cleaned {path}")
    return True


if __name__ == "__main__":
    sys.exit(bool([name for name in sys.argv[1:] if clean(Path(name))]))
