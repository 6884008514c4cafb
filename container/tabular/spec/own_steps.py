"""Your own steps: `custom_steps.py` next to the package can clean rows and add algorithms."""

import sys
from collections.abc import Mapping
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.errors import BadInput
from tabular.spec.estimators import Algorithm

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CUSTOM_STEPS", "algorithms", "clean", "load", "pickles"]

CUSTOM_STEPS = "custom_steps.py"
BESIDE = Path(__file__).parents[2] / CUSTOM_STEPS


@cache
def load(path: Path = BESIDE) -> ModuleType | None:
    """The module in a file; None if the file does not exist.

    Raises:
        BadInput: if it cannot be imported.
    """
    if not path.exists():
        return None
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path.name} is not a Python file; give a file of steps whose name ends in .py.")
    module = module_from_spec(spec)
    sys.modules[path.stem] = module  # a pickled pipeline refers to its classes by module name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BadInput(f"{path.name} cannot be loaded: {type(error).__name__}: {error}.") from error
    return module


def algorithms(path: Path = BESIDE) -> Mapping[str, Algorithm]:
    """The project's algorithms and those that ALGORITHMS in the file adds.

    Raises:
        BadInput: if ALGORITHMS is not a list of algorithms, or a name is already taken.
    """
    added = getattr(load(path), "ALGORITHMS", ())
    if not isinstance(added, list | tuple) or not all(isinstance(one, Algorithm) for one in added):
        raise BadInput(
            f"ALGORITHMS in {path.name} must be a list of tabular.spec.algorithms.Algorithm; make it one."
        )
    whole = dict(ALGORITHMS)
    for one in added:
        if one.name in whole:
            raise BadInput(f"The algorithm {one.name!r} in {path.name} already exists; give it another name.")
        whole[one.name] = one
    return whole


def pickles(path: Path = BESIDE) -> frozenset[str]:
    """The file's own algorithms that it lists in PICKLES: their models may be kept as pickles.

    Raises:
        BadInput: if PICKLES is not a list of names, or names an algorithm that the file does not add.
    """
    named = getattr(load(path), "PICKLES", ())
    if not isinstance(named, list | tuple) or not all(isinstance(one, str) for one in named):
        raise BadInput(f"PICKLES in {path.name} is {named!r}; it must be a list of names from ALGORITHMS.")
    own = set(algorithms(path)) - set(ALGORITHMS)
    if strange := sorted(set(named) - own):
        raise BadInput(
            f"PICKLES in {path.name} names {strange[0]!r}, which the file does not add; the algorithms that "
            f"it adds: {', '.join(sorted(own)) or 'none'}."
        )
    return frozenset(named)


def clean(table: "pd.DataFrame", path: Path = BESIDE) -> "pd.DataFrame":
    """The table that the file's `clean` returns; the table unchanged if there is no such function.

    Raises:
        BadInput: if the function fails, or does not return a table.
    """
    function = getattr(load(path), "clean", None)
    if function is None:
        return table
    try:
        cleaned = function(table.copy())
    except Exception as error:
        raise BadInput(f"clean in {path.name} failed: {type(error).__name__}: {error}.") from error
    if not isinstance(cleaned, type(table)):
        raise BadInput(f"clean in {path.name} returned {type(cleaned).__name__}; it must return the table.")
    return cleaned
