"""From which probability on a row should be taken for the positive class, if mistakes have prices?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tabular.spec.documents.reports import Report, quality

from helpers.errors import BadInput

__all__ = ["Threshold", "cheapest", "table"]
__dir__ = __all__.copy

CURVE = "receiver_operating_characteristic_curve"


@dataclass(frozen=True)
class Threshold:
    """The point of a model's ROC curve at which its mistakes on the held-out rows cost least.

    Attributes:
        value: the probability of the positive class; None if the report does not say it, as an older one.
        false_positive_rate: of the rows of the other class, the share that is taken for the positive one.
        recall: of the rows of the positive class, the share that is found.
        precision: of the rows taken for the positive class, the share that is of it; 1 if there are none.
        false_alarms: rows that are taken for the positive class and are of the other one.
        misses: rows of the positive class that are not found.
        cost: of all mistakes.
        usual_cost: that of the most probable class, which is what the server answers.
    """

    value: float | None
    false_positive_rate: float
    recall: float
    precision: float
    false_alarms: int
    misses: int
    cost: float
    usual_cost: float


def cheapest(report: Report, false_alarm: float, miss: float) -> Threshold | None:
    """The cheapest threshold by the curve in a report; None if there is no curve, as with three classes.

    Args:
        report: of a model.
        false_alarm: what it costs to take a row of the other class for the positive one.
        miss: what it costs not to find a row of the positive class, in the same unit.

    Raises:
        BadInput: a cost is negative, or both are zero.
    """
    if min(false_alarm, miss) < 0 or false_alarm == miss == 0:
        raise BadInput(
            f"A false alarm costs {false_alarm!r} and a miss {miss!r}; give two costs of zero or more, at "
            "least one of them above zero."
        )
    found = quality(report)
    if CURVE not in found or "positive" not in report:
        return None
    counts, label = found["confusion_matrix"], str(report["positive"])
    positives = sum(counts[label].values())
    negatives = sum(sum(row.values()) for row in counts.values()) - positives
    usual_misses = positives - counts[label][label]
    usual_alarms = sum(row[label] for row in counts.values()) - counts[label][label]
    false_positive, true_positive = (
        np.array(found[CURVE][f"{name}_positive_rates"]) for name in ("false", "true")
    )
    alarms, misses = false_positive * negatives, (1 - true_positive) * positives
    costs = alarms * false_alarm + misses * miss
    place = int(costs.argmin())
    hits = positives - misses[place]
    taken = alarms[place] + hits
    known = report.get("thresholds", [])
    return Threshold(
        value=known[place] if len(known) == len(costs) else None,
        false_positive_rate=float(false_positive[place]),
        recall=float(true_positive[place]),
        precision=float(hits / taken) if taken else 1.0,
        false_alarms=round(float(alarms[place])),
        misses=round(float(misses[place])),
        cost=float(costs[place]),
        usual_cost=usual_alarms * false_alarm + usual_misses * miss,
    )


def table(reports: Mapping[str, Report], false_alarm: float, miss: float) -> pd.DataFrame:
    """A row for each data set of two classes: the cheapest threshold, its mistakes, and what it saves."""
    rows = {}
    for name, report in reports.items():
        one = cheapest(report, false_alarm, miss)
        if one is not None:
            rows[name] = {
                "positive class": str(report["positive"]),
                "threshold": "not known" if one.value is None else f"{one.value:.3g}",
                "false alarms": one.false_alarms,
                "misses": one.misses,
                "precision": round(one.precision, 3),
                "recall": round(one.recall, 3),
                "cost": float(one.cost),
                "cost of the most probable class": float(one.usual_cost),
            }
    found = pd.DataFrame.from_dict(rows, orient="index").rename_axis("data set")
    found.attrs["instead"] = (
        "None of these tables has two classes, so there is no threshold to choose; name one that has, such "
        "as deliveries, in DATASETS."
    )
    return found
