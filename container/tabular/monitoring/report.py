"""One report about all models in service: what of each was compared, and what has drifted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NotRequired, TypedDict

import numpy as np

from tabular.monitoring.baseline import Baseline
from tabular.monitoring.captured import Captured, Window
from tabular.monitoring.drift import Difference, control, difference
from tabular.monitoring.quality import LateLabel, LateQuality, late_quality
from tabular.monitoring.quality import control as control_quality

__all__ = ["FEWEST_ROWS", "FORMAT", "ModelReport", "Report", "compare", "complete", "without_comparison"]

FORMAT = 1
FEWEST_ROWS = 50
FEWEST_REQUESTS = 2  # one says nothing about how much requests differ
SECONDS_OF_A_DAY = 86_400
PREDICTIONS = "predictions"
Status = Literal["drifted", "steady", "too_few_rows", "no_capture", "no_baseline", "failed"]


class ModelReport(TypedDict):
    """What the window says about one model; `drifted` also if only its quality is worse.

    `page` is the S3 URI of its page, if it has one.
    """

    data_set: str
    version: int
    status: Status
    said: str
    requests: int
    rows: int
    rows_left_out: dict[str, int]
    columns: dict[str, Difference]
    drifted_columns: int
    worst_column: str | None
    predictions: Difference | None
    quality: LateQuality | None
    page: NotRequired[str]


class Totals(TypedDict):
    """How many models have which status."""

    models: int
    drifted: int
    steady: int
    too_few_rows: int
    no_capture: int
    no_baseline: int
    failed: int


class Report(TypedDict):
    """docs/schemas/monitoring.schema.json."""

    schema: int
    at: str
    window: dict[str, str]
    false_discovery_rate: float
    least_shift: float
    models: dict[str, ModelReport]
    totals: Totals
    only: NotRequired[list[str]]


def compare(
    data_set: str, baseline: Baseline, captured: Captured, labels: list[LateLabel], left_out: Counter[str]
) -> ModelReport:
    """Compare what was captured of a model with its baseline; `complete` decides what of it is drift.

    Args:
        data_set: the name of the model's data set.
        baseline: what was kept of its training.
        captured: its requests and answers.
        labels: the labels that have arrived for it.
        left_out: what else could not be used, by reason.
    """
    columns: dict[str, Difference] = {}
    comparable = captured.requests >= FEWEST_REQUESTS
    until = captured.window.until.timestamp() / SECONDS_OF_A_DAY
    for name, kind, values, requests in captured.columns() if comparable else ():
        known = baseline["training"].get(name)
        if len(values) >= FEWEST_ROWS and known and known["rows"]:
            columns[name] = difference(kind, known, values, requests, until)
    predictions = _of_predictions(baseline, captured) if comparable else None
    counted = left_out + captured.left_out
    quality = late_quality(baseline, captured.answers, labels, counted) if labels else None
    report = _empty(data_set, captured.version)
    report |= {
        "requests": captured.requests,
        "rows": captured.rows,
        "rows_left_out": dict(counted.most_common()),
        "columns": columns,
        "predictions": predictions,
        "quality": quality,
    }
    if columns or predictions or quality:
        return report
    if captured.requests:
        said = f"{captured.rows} rows were captured; {FEWEST_ROWS} are needed for a comparison."
        if not comparable and captured.rows >= FEWEST_ROWS:
            said = (
                f"All {captured.rows} rows came in one request, which may be unlike others; rows of at least "
                f"{FEWEST_REQUESTS} requests are needed for a comparison."
            )
        return report | {"status": "too_few_rows", "said": said}
    said = (
        "No request to this version was captured in the window; CAPTURE_RATE, or Terraform's capture_rate on "
        "AWS, is the share of the requests that are."
    )
    return report | {"status": "no_capture", "said": said}


def without_comparison(data_set: str, version: int, status: Status, said: str) -> ModelReport:
    """The report of a model that could not be compared, with the reason."""
    return _empty(data_set, version) | {"status": status, "said": said}


def complete(
    at: str, window: Window, models: Mapping[str, ModelReport], rate: float, least_shift: float
) -> Report:
    """Decide over all columns of all models what is drift, and put the worst model first.

    Args:
        at: when the check was made, in ISO 8601 (UTC).
        window: what it looked at.
        models: the reports of all models, by group.
        rate: the false discovery rate.
        least_shift: the population stability index from which a difference is large enough.
    """
    control([pair for one in models.values() for pair in _differences(one)], rate, least_shift)
    control_quality([one["quality"] for one in models.values() if one["quality"]], rate)
    for one in models.values():
        if one["columns"] or one["predictions"] or one["quality"]:
            one.update(_verdict(one))
    ordered = dict(sorted(models.items(), key=lambda item: (*_badness(item[1]), item[0])))
    counts = Counter(one["status"] for one in models.values())
    totals = {name: counts[name] for name in Totals.__annotations__ if name != "models"}
    return {
        "schema": FORMAT,
        "at": at,
        "window": {"from": _iso(window.since), "until": _iso(window.until)},
        "false_discovery_rate": rate,
        "least_shift": least_shift,
        "models": ordered,
        "totals": {"models": len(models), **totals},
    }


def _of_predictions(baseline: Baseline, captured: Captured) -> Difference | None:
    """The predictions of the window against those for held-out rows; None if they are too few."""
    labels, requests = captured.predictions()
    held_out = baseline["held_out"]
    if len(labels) < FEWEST_ROWS or not held_out["rows"]:
        return None
    if baseline["classes"]:
        return difference("class", held_out, labels, requests)
    numbers, rows = _numbers(labels)
    return difference("number", held_out, numbers, requests[rows]) if len(numbers) >= FEWEST_ROWS else None


def _numbers(labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    found = []
    for label in labels:
        try:
            found.append(float(label))
        except ValueError:
            found.append(np.nan)
    numbers = np.array(found)
    rows = np.flatnonzero(np.isfinite(numbers))
    return numbers[rows], rows


def _differences(one: ModelReport) -> list[tuple[str, Difference]]:
    predictions = [(PREDICTIONS, one["predictions"])] if one["predictions"] else []
    return [*one["columns"].items(), *predictions]


def _verdict(one: ModelReport) -> dict[str, object]:
    """Status, sentence, number of drifted columns and the worst of them."""
    drifted = {name: column for name, column in one["columns"].items() if column["drifted"]}
    worst = max(drifted, key=lambda name: drifted[name]["population_stability"], default=None)
    said = []
    if worst is not None:
        others = f" and {len(drifted) - 1} more" if len(drifted) > 1 else ""
        said.append(f"{drifted[worst]['said'].rstrip('.')}{others}.")
    if one["predictions"] and one["predictions"]["drifted"]:
        said.append(f"Predictions have drifted ({_size(one['predictions'])}).")
    if one["quality"] and one["quality"]["worse"]:
        quality = one["quality"]
        said.append(
            f"{quality['metric']} is {quality['value']:.3g} on {quality['rows']} late labels, and was "
            f"{quality['held_out']:.3g} on held-out rows."
        )
    if not said:
        compared = f"{len(one['columns'])} columns and {one['rows']:,} rows"
        return {
            "status": "steady",
            "said": f"Nothing has drifted in {compared}.",
            "drifted_columns": 0,
            "worst_column": None,
        }
    return {
        "status": "drifted",
        "said": " ".join(said),
        "drifted_columns": len(drifted),
        "worst_column": worst,
    }


def _size(one: Difference) -> str:
    return f"population stability index {one['population_stability']:.2f}, q {one['q']:.2g}"


def _badness(one: ModelReport) -> tuple[int, float]:
    order = ("drifted", "failed", "no_baseline", "too_few_rows", "no_capture", "steady")
    sizes = [found["population_stability"] for _, found in _differences(one) if found["drifted"]]
    return order.index(one["status"]), -max(sizes, default=0.0)


def _empty(data_set: str, version: int) -> ModelReport:
    return {
        "data_set": data_set,
        "version": version,
        "status": "steady",
        "said": "",
        "requests": 0,
        "rows": 0,
        "rows_left_out": {},
        "columns": {},
        "drifted_columns": 0,
        "worst_column": None,
        "predictions": None,
        "quality": None,
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
