"""Your own steps: a Python file with a function `clean`, additional algorithms, or both."""

import re
from collections.abc import Mapping
from pathlib import Path

from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.estimators import Algorithm
from tabular.spec.own_steps import algorithms as with_own
from tabular.spec.own_steps import load

from helpers.errors import BadInput, one_line, refusing

__all__ = ["algorithms", "read"]

# What a tuning job accepts as the name of one of its definitions.
NAME = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,63}")


def read(file: str) -> str:
    """The file's text.

    Raises:
        BadInput: it cannot be read, or is not Python.
    """
    try:
        text = Path(file).expanduser().read_text(encoding="utf-8")
        compile(text, file, "exec")
    except (OSError, ValueError, SyntaxError) as error:
        raise BadInput(
            f"STEPS names {file!r}, which cannot be used ({one_line(error)}); give the path of a Python "
            "file, see docs/tables/own-steps.md."
        ) from None
    return text


def algorithms(file: str) -> Mapping[str, Algorithm]:
    """The project's algorithms and those that the file adds, by name.

    Raises:
        BadInput: the file cannot be used, or one of its algorithms cannot compete.
    """
    read(file)
    load.cache_clear()  # it may have been edited since
    with refusing(f"STEPS names {file!r}"):
        found = with_own(Path(file).expanduser())
    for name in set(found) - set(ALGORITHMS):
        if not NAME.fullmatch(name):
            raise BadInput(
                f"STEPS names {file!r}, where the name {name!r} is invalid; use letters and digits."
            )
        if not all(each.hyperparameters for each in found[name].estimators.values()):
            raise BadInput(f"STEPS names {file!r}, where {name} has nothing to tune; give it a range.")
    return found
