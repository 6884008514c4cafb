"""A check of a table before any job starts: all that PreprocessData and the folds will decide and refuse.

The table is walked by the same code as in the jobs, so what passes here does not fail there.
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabular.data.tables import Table
from tabular.spec import own_steps
from tabular.spec.columns import Schema
from tabular.spec.metrics import METRICS, SCORERS
from tabular.spec.options import Options

from helpers.errors import sentence

if TYPE_CHECKING:
    from tabular.data.preparation.prepared import Prepared

__all__ = ["DEFAULTS", "Checked", "Settings", "check"]


@dataclass(frozen=True)
class Settings:
    """What a run says about all of its tables: how rows are divided and models judged, and your own steps.

    `search_rows` is how many training rows the trials see, 0 for all; `steps` is the file of your own steps.
    """

    test_size: float = 0.2
    stratify: bool = True
    random_state: int = 42
    folds: int = 5
    steps: str = ""
    search_rows: int = 0
    scorer: str = "neg_log_loss"
    metric: str = "auc"
    regression_scorer: str = "neg_root_mean_squared_error"
    regression_metric: str = "r2"


DEFAULTS = Settings()


@dataclass(frozen=True)
class Checked:
    """What is known about a table after the check.

    `refused` is the sentence that says why it cannot be used, None if it can. `report` is what
    PreprocessData will report; if the table is refused, only what was known until then.
    """

    refused: str | None
    report: Mapping[str, Any]


def check(
    read: Callable[[], Table],
    target: str,
    options: Options,
    judged: Mapping[str, Any],
    settings: Settings,
) -> Checked:
    """Walk a table as the jobs will.

    Args:
        read: returns the table, or raises a ValueError that says why it cannot be read.
        target: the column to predict.
        options: the user's settings for the table.
        judged: how the entry says to evaluate it, see `helpers.data.entries.JUDGED`.
        settings: those of the run.
    """
    # scikit-learn takes a second to import, and most notebooks only need the names of the tables.
    from tabular.data.preparation.prepare import prepare
    from tabular.data.preparation.prepared import Splitting

    report: dict[str, Any] = {}
    try:
        with _without_collections():
            raw = read()
            if raw.frame.empty:
                raise ValueError("It has a header line but no rows; give a table with rows.")
            splitting = Splitting(settings.test_size, settings.stratify, settings.random_state)
            prepared = prepare(raw, target, options, None, splitting, _steps(settings.steps), report)
            _judge(prepared, judged, settings)
    except ValueError as error:
        return Checked(sentence(error), report)
    return Checked(None, report)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Work without looking for garbage: the objects of thousands of columns are none.

    Python would also look through all that was imported, which takes a tenth of a second.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _steps(file: str) -> Path:
    path = Path(file).expanduser()
    if file and not path.is_file():
        raise ValueError(f"STEPS names {file!r}, which is not a file; give the path of a Python file.")
    return path if file else own_steps.BESIDE


def _judge(prepared: "Prepared", judged: Mapping[str, Any], settings: Settings) -> None:
    """Make the folds as every trial will, and see whether the models can be scored on them and compared."""
    from tabular.data.splits.rows import sizes
    from tabular.learning.defined import may_be_undefined, undefined
    from tabular.learning.folds import folds_to_search

    prefix = "regression_" if prepared.schema.task == "regression" else ""
    scorer, metric = (
        _fitting(prepared.schema, key, judged.get(key, getattr(settings, prefix + key)))
        for key in ("scorer", "metric")
    )
    how = settings.test_size, settings.stratify, settings.folds
    if (
        prepared.is_drawn
        and settings.folds > 1
        and not may_be_undefined(scorer)
        and not may_be_undefined(metric)
        and sizes(prepared.target, prepared.schema, *how) is not None
    ):
        return  # each fold certainly gets rows of every class
    train = prepared.pooled
    groups = None if prepared.groups is None else prepared.groups[train]
    search = (scorer, settings.folds, settings.random_state, settings.search_rows, groups)
    folds_to_search(prepared.target[train], prepared.schema, *search)
    if why := undefined(metric, prepared.target[prepared.test]):
        raise ValueError(
            f"The metric {metric} is not defined on the held-out rows, because {why}; give its entry another "
            "metric, such as rmse, or hold out other rows."
        )


def _fitting(schema: Schema, key: str, value: str) -> str:
    """The scorer or the metric, which must fit the task."""
    allowed = {"scorer": SCORERS, "metric": METRICS}[key][schema.task]
    if value not in allowed:
        raise ValueError(
            f"The {key} {value!r} does not fit a {schema.task} target; give its entry one of "
            f"{', '.join(allowed)}."
        )
    return value
