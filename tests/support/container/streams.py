"""Streams of captured requests for a model whose baseline is known, as the capture writes them.

Ten columns: eight numbers, a boolean and a category. A change may be made to the rows of a stream, so that
it is known what a check must find.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from tabular.monitoring.baseline import FORMAT, Baseline, distribution, distributions
from tabular.monitoring.captured import Captured, Window, table_of
from tabular.monitoring.report import ModelReport, Report, compare, complete, without_comparison
from tabular.spec.columns import Column, Schema

__all__ = [
    "CHANGES",
    "GROUP",
    "SCHEMA",
    "UNTIL",
    "WINDOW",
    "baseline",
    "compared",
    "line",
    "predicted",
    "report",
    "requests",
    "rows",
]

GROUP, VERSION = "shop--toys", 3
NUMBERS = [f"x{number}" for number in range(1, 9)]
SCHEMA = Schema(
    "binary",
    "sold",
    ("no", "yes"),
    (
        *(Column(name, "numeric") for name in NUMBERS),
        Column("member", "boolean"),
        Column("colour", "categorical"),
    ),
)
UNTIL = datetime(2026, 11, 26, tzinfo=UTC)
WINDOW = Window(UNTIL - timedelta(days=7), UNTIL)
METRICS = {"accuracy": {"value": 0.9, "low": 0.85, "high": 0.94}, "auc": {"value": 0.95}}


def rows(rng: np.random.Generator, count: int) -> pd.DataFrame:
    """Rows as those of training: of several shapes, some with gaps."""
    numbers = {name: rng.normal(10, 1, count) for name in NUMBERS}
    numbers["x2"] = rng.lognormal(0, 1, count)
    numbers["x3"] = rng.integers(0, 5, count).astype(float)
    numbers["x4"] = np.where(rng.random(count) < 0.1, np.nan, numbers["x4"])
    frame = pd.DataFrame(numbers)
    frame["member"] = (rng.random(count) < 0.3).astype(float)
    frame["colour"] = rng.choice(["red", "green", "blue", "grey"], count, p=[0.4, 0.3, 0.2, 0.1])
    return frame


def predicted(rng: np.random.Generator, count: int, positive: float = 0.4) -> list[str]:
    """Labels, of which so many are positive."""
    return np.where(rng.random(count) < positive, "yes", "no").tolist()


def baseline(rng: np.random.Generator, training: int = 1000, held_out: int = 250) -> Baseline:
    """What EvaluateBestModel would have written about a model of so many rows."""
    document = SCHEMA.to_dict()
    return {
        "format": FORMAT,
        **{name: document[name] for name in ("task", "target", "classes", "others", "columns")},
        "training": distributions(rows(rng, training), SCHEMA),
        "held_out": distribution(predicted(rng, held_out)),
        "metric": "accuracy",
        "quality": METRICS,
    }


def _shift(frame: pd.DataFrame) -> None:
    frame["x5"] += 1.0


def _unit(frame: pd.DataFrame) -> None:
    frame["x6"] *= 1000.0


def _category(frame: pd.DataFrame) -> None:
    frame.loc[frame.index % 20 == 0, "colour"] = "violet"


def _missing(frame: pd.DataFrame) -> None:
    frame["x7"] = np.nan


# What is done to a stream, and the column that the check must name.
CHANGES: dict[str, tuple[str, Callable[[pd.DataFrame], None]]] = {
    "one standard deviation": ("x5", _shift),
    "kilograms as grams": ("x6", _unit),
    "a new category, 5%": ("colour", _category),
    "a column gone missing": ("x7", _missing),
}


def line(
    frame: pd.DataFrame, answers: list[str], number: int = 0, at: datetime | None = None, **changed: Any
) -> bytes:
    """A captured request of these rows, and its answer, as one line."""
    moment = UNTIL - timedelta(hours=1, seconds=number) if at is None else at
    cells = frame.assign(member=frame["member"].map({1.0: "true", 0.0: "false"}))
    document = {
        "schema": 1,
        "request_id": f"request-{number}",
        "at": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "group": GROUP,
        "version": VERSION,
        "rows": len(frame),
        "request": {"content_type": "text/csv", "body": cells.to_csv(index=False)},
        "answer": {"content_type": "text/csv", "body": "\n".join(answers) + "\n"},
        "left_out": [],
    }
    return json.dumps(document | changed).encode()


def requests(frame: pd.DataFrame, answers: list[str], size: int = 5, **changed: Any) -> list[bytes]:
    """Lines of requests of so many rows each; a request is named by its first row's number."""
    return [
        line(frame.iloc[start : start + size], answers[start : start + size], start, **changed)
        for start in range(0, len(frame), size)
    ]


def compared(known: Baseline, lines: list[bytes]) -> ModelReport:
    """The report of a model on these lines; what of it is drift is not decided yet."""
    captured = Captured(table_of(known), GROUP, VERSION, WINDOW)
    for one in lines:
        captured.add(one)
    return compare("toys", known, captured, [], captured.left_out.copy())


def report(rng: np.random.Generator, models: int = 3, drifted: int = 1, count: int = 500) -> Report:
    """A report about so many models, some of which have drifted, and one more without a baseline."""
    known = baseline(rng)
    changes = list(CHANGES.values())
    found: dict[str, ModelReport] = {}
    for number in range(models):
        frame = rows(rng, count)
        if number < drifted:
            changes[number % len(changes)][1](frame)
        one = compared(known, requests(frame, predicted(rng, count)))
        found[f"shop--toys-{number}"] = one | {"data_set": f"toys-{number}"}
    said = "The model has no baseline beside it; train it again to have one."
    found["shop--old"] = without_comparison("old", 1, "no_baseline", said)
    return complete("2026-11-26T00:00:05Z", WINDOW, found, 0.01, 0.1)
