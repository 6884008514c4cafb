"""How right the predictions of a window were, by labels that arrived after them."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict

import numpy as np
from scipy import stats

from tabular.judging.metrics.answers import positive_last
from tabular.judging.metrics.bootstrap import resample
from tabular.judging.metrics.quality import intervals
from tabular.judging.metrics.scores import score
from tabular.monitoring.baseline import Baseline
from tabular.monitoring.captured import Answer
from tabular.spec.columns import Schema
from tabular.spec.metrics import METRICS

__all__ = ["FEWEST_LABELS", "LateLabel", "LateQuality", "control", "late_labels", "late_quality"]

FEWEST_LABELS = 30
SEED = 20  # of the resamples, as in EvaluateBestModel
# The metrics of classes that need no probabilities, which a CSV answer has only if they were asked for.
OF_LABELS = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
WITHOUT_PROBABILITIES = "accuracy"


class LateLabel(NamedTuple):
    """The true label of a row of a request, as text."""

    request_id: str
    row: int
    label: str


class LateQuality(TypedDict):
    """A metric on the rows with late labels, beside its value on held-out rows.

    `p` says how surely it is worse, and `q` the same over all models. `worse` says that q is small and the
    two 95% intervals do not touch; a value without an interval counts as its own. The bootstrap draws single
    rows, not whole requests.
    """

    metric: str
    value: float
    low: NotRequired[float]
    high: NotRequired[float]
    rows: int
    held_out: float | None
    p: NotRequired[float]
    q: NotRequired[float]
    worse: bool


def control(late: Sequence[LateQuality], rate: float) -> None:
    """Decide which of all models are worse, with a rate of false discoveries (Benjamini and Hochberg).

    Intervals alone would call three to seven of a thousand models worse that are not.
    """
    compared = [one for one in late if "p" in one]
    if not compared:
        return
    adjusted = stats.false_discovery_control([one["p"] for one in compared], method="bh")
    for one, q in zip(compared, adjusted, strict=True):
        one["q"] = float(q)
        one["worse"] = bool(one["worse"] and q <= rate)


def late_labels(name: str, body: bytes, left_out: Counter[str]) -> Iterator[LateLabel]:
    """The labels of an object: JSON lines if its name ends in .jsonl, otherwise CSV with a header.

    What cannot be used is counted under its reason.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        left_out["a file of labels that is not UTF-8"] += 1
        return
    rows = _json_lines(text) if name.endswith((".jsonl", ".ndjson")) else _csv_rows(text)
    for row in rows:
        request_id, number = row.get("request_id"), row.get("row")
        label = row.get("label")
        try:
            place = 0 if number in (None, "") else int(str(number))
        except ValueError:
            place = -1
        if not isinstance(request_id, str) or not request_id or place < 0 or label in (None, ""):
            left_out["a label without request_id, row and label"] += 1
            continue
        yield LateLabel(request_id, place, str(label).strip())


def late_quality(
    baseline: Baseline, answers: Mapping[str, Answer], labels: list[LateLabel], left_out: Counter[str]
) -> LateQuality | None:
    """The gate's metric on the rows whose label is known; None if they are too few.

    If not every one of them has probabilities and the metric needs them, it is the accuracy instead. The last
    label of a row counts.
    """
    schema = Schema.from_dict({"options": {}, **baseline})
    truth, predicted, probabilities = [], [], []
    for request_id, row, label in {(one.request_id, one.row): one for one in labels}.values():
        answer = answers.get(request_id)
        if answer is None or row >= len(answer.labels):
            left_out["a label of a row that was not captured"] += 1
            continue
        true, said = _encoded(label, schema), _encoded(answer.labels[row], schema)
        if true is None:
            left_out["a label that is not a class" if schema.classes else "a label that is not a number"] += 1
            continue
        if said is None:
            left_out["a prediction that is not a class of the model"] += 1
            continue
        truth.append(true)
        predicted.append(said)
        probabilities.append(_probabilities(answer, row, schema))
    if len(truth) < FEWEST_LABELS:
        return None
    return _judged(baseline, schema, np.array(truth), np.array(predicted), probabilities, left_out)


def _judged(
    baseline: Baseline,
    schema: Schema,
    truth: np.ndarray,
    predicted: np.ndarray,
    probabilities: list[list[float] | None],
    left_out: Counter[str],
) -> LateQuality | None:
    metric, given = baseline["metric"], None
    if schema.classes:
        if None in probabilities:
            metric = metric if metric in OF_LABELS else WITHOUT_PROBABILITIES
            given = np.eye(len(schema.classes))[predicted]  # only metrics of labels are taken from it
        else:
            given = np.array(probabilities)
    schema, truth, (answer,) = positive_last(schema, truth, [(predicted, given)])
    value = score(metric, schema.task, truth, *answer)
    if not np.isfinite(value):
        left_out[f"labels from which the {metric} cannot be computed"] += len(truth)
        return None
    (resampled,) = resample(schema.task, truth, [answer], SEED)
    interval = intervals(schema, truth, answer, resampled).get(metric)
    bounds = {"low": interval["low"], "high": interval["high"]} if interval else {}
    held_out = baseline["quality"].get(metric)
    chance, worse = {}, False
    if held_out is not None:
        now = (bounds.get("low", value), value, bounds.get("high", value))
        then = (
            held_out.get("low", held_out["value"]),
            held_out["value"],
            held_out.get("high", held_out["value"]),
        )
        if not METRICS[schema.task][metric].greater_is_better:
            now, then = [-bound for bound in reversed(now)], [-bound for bound in reversed(then)]
        worse = now[2] < then[0]
        chance["p"] = _chance(now[1], now[2] - now[1], then[1], then[1] - then[0])
    return {
        "metric": metric,
        "value": value,
        **bounds,
        "rows": len(truth),
        "held_out": held_out["value"] if held_out else None,
        **chance,
        "worse": bool(worse),
    }


def _chance(now: float, above: float, then: float, below: float) -> float:
    """The p-value of a value lower than another, from how far their 95% intervals reach to each other."""
    error = float(np.hypot(above, below)) / float(stats.norm.ppf(0.975))
    if error > 0:
        return float(stats.norm.sf((then - now) / error))
    return 0.0 if now < then else 1.0


def _encoded(label: str, schema: Schema) -> float | int | None:
    """The position of a class, or a number; None if a text is neither."""
    if not schema.classes:
        return number if (number := _number(label)) is not None else None
    texts = [str(known) for known in schema.classes]
    if label in texts:
        return texts.index(label)
    number = _number(label)
    known = [place for place, one in enumerate(schema.classes) if type(one) is not str and one == number]
    return known[0] if known else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _probabilities(answer: Answer, row: int, schema: Schema) -> list[float] | None:
    if answer.probabilities is None or row >= len(answer.probabilities):
        return None
    found = answer.probabilities[row]
    return found if isinstance(found, list) and len(found) == len(schema.classes) else None


def _csv_rows(text: str) -> Iterator[dict[str, Any]]:
    try:
        yield from csv.DictReader(io.StringIO(text, newline=""))
    except csv.Error:
        yield {}


def _json_lines(text: str) -> Iterator[dict[str, Any]]:
    for line in filter(str.strip, text.splitlines()):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        yield found if isinstance(found, dict) else {}
