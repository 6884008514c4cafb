"""The cheapest threshold: the point of the report's own curve where mistakes cost least."""

import copy

import numpy as np
import pytest
from sklearn.metrics import roc_curve
from support.helpers.documents.evaluated import BINARY, REGRESSION
from tabular.judging.metrics.bootstrap import resample
from tabular.judging.metrics.quality import model_quality, thresholds
from tabular.spec.columns import Schema

from helpers.errors import BadInput
from helpers.runs.evaluations.thresholds import cheapest, table

TOYS = {**BINARY, "positive": "yes", "thresholds": [1.0, 0.4, 0.1]}


def test_dear_misses_lower_the_threshold_and_dear_alarms_raise_it() -> None:
    low = cheapest(TOYS, false_alarm=1, miss=5)
    assert (low.value, low.false_alarms, low.misses, low.cost) == (0.4, 5, 0, 5)
    assert (low.recall, low.precision) == (1.0, pytest.approx(10 / 15))
    assert low.usual_cost == 2 + 5, "two false alarms and a miss, by the confusion matrix"
    high = cheapest(TOYS, false_alarm=10, miss=1)
    assert (high.value, high.false_alarms, high.misses, high.precision) == (1.0, 0, 10, 1.0)


def test_its_cost_is_the_least_of_all_thresholds() -> None:
    rng = np.random.default_rng(0)
    schema = Schema("binary", "t", ("no", "yes"), ())
    truth = (rng.random(150) < 0.2).astype(int)
    positive = np.clip(rng.normal(0.3 + 0.2 * truth, 0.15), 0, 1)
    probabilities = np.stack([1 - positive, positive], axis=1)
    predicted = (positive >= 0.5).astype(int)
    (resampled,) = resample("binary", truth, [(predicted, probabilities)], 0)
    report = model_quality(schema, truth, predicted, probabilities, resampled)
    found = cheapest(
        {**report, "positive": "yes", "thresholds": thresholds(truth, probabilities)}, false_alarm=1, miss=4
    )
    costs = [
        (positive[truth == 0] >= one).sum() + 4 * (positive[truth == 1] < one).sum()
        for one in roc_curve(truth, positive)[2]
    ]
    assert found.cost == pytest.approx(min(costs))
    assert (positive >= found.value).sum() == found.false_alarms + (truth == 1).sum() - found.misses


def test_an_earlier_report_has_the_point_but_not_the_probability() -> None:
    report = copy.deepcopy(TOYS)
    del report["thresholds"]
    assert cheapest(report, 1, 5).value is None
    assert table({"toys": report}, 1, 5).loc["toys", "threshold"] == "not known"


def test_only_tables_of_two_classes_have_a_row() -> None:
    found = table({"toys": TOYS, "houses": REGRESSION}, false_alarm=1, miss=5)
    assert found.index.tolist() == ["toys"]
    assert found.loc["toys", ["positive class", "false alarms", "misses"]].tolist() == ["yes", 5, 0]
    nothing = table({"houses": REGRESSION}, false_alarm=1, miss=5)
    assert nothing.empty
    assert "name one that has" in nothing.attrs["instead"]


@pytest.mark.parametrize("costs", [(-1, 1), (1, -1), (0, 0)])
def test_costs_must_be_costs(costs: tuple[float, float]) -> None:
    with pytest.raises(BadInput, match="give two costs of zero or more"):
        cheapest(TOYS, *costs)
