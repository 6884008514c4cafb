"""One JSON line on standard output for each thing done."""

import json
import sys

__all__ = ["line"]


def line(**fields: object) -> None:
    """Write the fields as one line; a single write, so that the lines of several threads do not mix."""
    sys.stdout.write(json.dumps(fields, default=str) + "\n")
    sys.stdout.flush()
