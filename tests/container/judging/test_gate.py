"""The gate: the threshold, and whether the challenger is shown to be no worse than the champion."""

import numpy as np
import pytest
from tabular.judging.gate import (
    MARGIN,
    check_champion_rule,
    compare,
    no_champion,
    passes_threshold,
    same_as_champion,
)
from tabular.judging.metrics import bootstrap
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput

BINARY = Schema("binary", "t", ("no", "yes"), ())
REGRESSION = Schema("regression", "t", (), ())


@pytest.mark.parametrize(
    ("metric", "schema", "value", "threshold", "margin"),
    [
        ("accuracy", BINARY, 0.9, 0.8, 0.1),
        ("accuracy", BINARY, 0.7, 0.8, -0.1),
        ("accuracy", BINARY, 0.8, 0.8, 0.0),
        ("log_loss", BINARY, 0.2, 0.5, 0.3),
        ("brier", BINARY, 0.6, 0.5, -0.1),
        ("rmse", REGRESSION, 3.0, 2.5, -0.5),
        ("r2", REGRESSION, 0.5, -1.0, 1.5),
    ],
)
def test_the_threshold_is_passed_when_its_margin_is_not_negative(metric, schema, value, threshold, margin):
    assert passes_threshold(metric, threshold, schema, value) == {
        "metric": metric,
        "value": value,
        "threshold": threshold,
        "threshold_margin": pytest.approx(margin),
    }


@pytest.mark.parametrize(("metric", "schema"), [("rmse", BINARY), ("accuracy", REGRESSION), ("AUC", BINARY)])
def test_a_metric_of_another_task_is_refused(metric, schema):
    with pytest.raises(BadInput, match=f"MetricForRegistrationThreshold {metric!r} does not fit"):
        passes_threshold(metric, 0.5, schema, 0.5)


@pytest.mark.parametrize(
    ("value", "threshold"), [(float("nan"), 0.5), (0.5, float("nan")), (0.5, float("inf"))]
)
def test_what_cannot_be_compared_is_refused_and_never_passes(value, threshold):
    with pytest.raises(BadInput, match=r"The auc is .* on the held-out rows, which cannot be compared with"):
        passes_threshold("auc", threshold, BINARY, value)


def test_without_a_champion_its_margin_is_zero():
    part = no_champion("No model of this data set is in service.")
    assert (part["champion_version"], part["champion_value"], part["champion_margin"]) == (None, None, 0.0)


def test_the_same_model_again_does_not_pass():
    part = same_as_champion(4, 0.9)
    assert part["champion_margin"] < 0
    assert part["comparison"].startswith("This is version 4 again")


def answers(truth, right, rng):
    """A model that is right on a fraction of the rows, and fairly confident."""
    predicted = np.where(rng.random(len(truth)) < right, truth, 1 - truth)
    positive = np.where(predicted == 1, 0.8, 0.2) + rng.uniform(-0.1, 0.1, len(truth))
    return predicted, np.stack([1 - positive, positive], axis=1)


def judged(ours, theirs, rows=600, metric="accuracy", margin=MARGIN, confidence=0.95):
    """The gate's result for two models that are right on these fractions of the rows."""
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, rows)
    champion = answers(truth, theirs, rng)
    # Most of their answers are the same, as those of two models of one table are.
    challenger = tuple(part.copy() for part in champion)
    others = answers(truth, ours, rng)
    for mine, other in zip(challenger, others, strict=True):
        mine[: rows // 2] = other[: rows // 2]
    return compare(metric, BINARY, 4, truth, challenger, champion, margin, confidence, 0)


@pytest.mark.parametrize("metric", ["accuracy", "f1", "auc", "average_precision", "brier", "log_loss"])
def test_a_better_model_passes_and_a_much_worse_one_does_not(metric):
    better, worse = judged(0.95, 0.85, metric=metric), judged(0.7, 0.85, metric=metric)
    assert better["champion_margin"] > 0 > worse["champion_margin"]
    assert better["comparison"].endswith("It is not worse.")
    assert worse["comparison"].endswith("It may be worse.")
    assert better["metrics"][metric]["difference"] > 0 > worse["metrics"][metric]["difference"]


def test_an_equal_model_passes_if_a_loss_is_allowed_and_just_so_if_none_is():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 50)
    same = answers(truth, 0.8, rng)
    for margin in (MARGIN, 0.0):
        part = compare("log_loss", BINARY, 4, truth, same, same, margin, 0.95, 0)
        assert part["champion_margin"] == pytest.approx(margin * part["skill"])
        assert part["champion_margin"] >= 0


def test_rounding_is_no_difference():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 200)
    predicted, probabilities = answers(truth, 0.8, rng)
    rounded = (predicted, probabilities * (1 - 1e-14))
    part = compare("brier", BINARY, 4, truth, rounded, (predicted, probabilities), 0.0, 0.95, 0)
    assert part["champion_margin"] == 0.0


def test_a_slightly_worse_model_passes_where_so_small_a_loss_is_allowed():
    strict, allowed = (judged(0.848, 0.85, rows=20_000, margin=margin) for margin in (0.0, MARGIN))
    assert strict["metrics"]["accuracy"]["difference"] < 0
    assert strict["champion_margin"] < 0 < allowed["champion_margin"]


def equally_good(rows):
    """Two models that err equally often, but on different rows."""
    row = np.arange(rows)
    truth = row % 2
    certain = [np.where(row % 7 == wrong, 1 - truth, truth) for wrong in (0, 3)]
    ours, theirs = ((predicted, np.eye(2)[predicted]) for predicted in certain)
    return compare("accuracy", BINARY, 4, truth, ours, theirs, MARGIN, 0.95, 0)


def test_with_few_rows_the_champion_stays_in_doubt():
    few, many = equally_good(70), equally_good(21_000)
    assert few["challenger_value"] == few["champion_value"] == many["champion_value"]
    assert few["champion_margin"] < 0 < many["champion_margin"]


def test_more_confidence_asks_for_more():
    margins = [judged(0.86, 0.85, confidence=share)["champion_margin"] for share in (0.5, 0.8, 0.95, 0.99)]
    assert margins == sorted(margins, reverse=True)


def test_the_margin_is_in_the_unit_of_the_metric_whatever_that_is():
    """The same regression in metres and in millimetres has the same outcome."""
    rng = np.random.default_rng(1)
    truth = rng.normal(10, 2, 300)
    ours, theirs = truth + rng.normal(0, 1.02, 300), truth + rng.normal(0, 1.0, 300)
    in_metres, in_millimetres = (
        compare("rmse", REGRESSION, 4, truth * unit, (ours * unit, None), (theirs * unit, None), 0.3, 0.95, 0)
        for unit in (1.0, 1000.0)
    )
    assert in_millimetres["champion_margin"] == pytest.approx(1000 * in_metres["champion_margin"])
    assert in_millimetres["allowed_loss"] == pytest.approx(0.3 * in_millimetres["skill"])


def test_a_champion_without_skill_leaves_nothing_to_lose():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=100)
    theirs = rng.normal(size=100) * 3
    part = compare("r2", REGRESSION, 4, truth, (theirs, None), (theirs, None), 0.5, 0.95, 0)
    assert (part["skill"], part["champion_margin"]) == (0.0, 0.0)


@pytest.mark.slow
def test_how_often_equally_good_models_pass_is_what_the_confidence_promises(monkeypatch):
    """If no loss is allowed, a model as good as the champion passes in about 5 of 100 trials."""
    monkeypatch.setattr(bootstrap, "MOST", 500)
    passed = 0
    rng = np.random.default_rng(0)
    for seed in range(200):
        truth = rng.normal(size=120)
        ours, theirs = truth + rng.normal(size=120), truth + rng.normal(size=120)
        part = compare("mae", REGRESSION, 1, truth, (ours, None), (theirs, None), 0.0, 0.95, seed)
        passed += part["champion_margin"] >= 0
    assert 2 <= passed <= 22  # 10 expected; the binomial's three standard deviations, rounded up


def test_a_metric_that_is_not_defined_on_the_rows_leaves_the_threshold():
    truth = np.array([1.0, 0.0] * 20)  # a target of zero has no percentage error
    part = compare("mape", REGRESSION, 4, truth, (truth + 1, None), (truth, None), MARGIN, 0.95, 0)
    assert (part["champion_version"], part["champion_value"], part["champion_margin"]) == (4, None, 0.0)
    assert part["comparison"].startswith("The mape is not defined on the rows")


@pytest.mark.parametrize("margin", [-0.01, 1.01, float("nan")])
def test_a_margin_that_is_no_share_is_refused(margin):
    with pytest.raises(
        BadInput, match=r"ChampionMargin is .*; it must be a fraction of the champion's skill"
    ):
        check_champion_rule(margin, 0.95)


@pytest.mark.parametrize("confidence", [0.49, 1.0, 95.0, float("nan")])
def test_a_confidence_that_is_no_probability_is_refused(confidence):
    with pytest.raises(BadInput, match=r"ChampionConfidence is .*; it must be at least 0\.5 and less than 1"):
        check_champion_rule(0.05, confidence)


def test_the_summary_has_only_characters_that_the_registry_takes():
    import re

    for summary in (
        judged(0.7, 0.85)["summary"],
        no_champion("Why, (if) so?", 3)["summary"],
        no_champion("")["summary"],
        same_as_champion(3, 0.5)["summary"],
    ):
        assert re.fullmatch(r"[\w .:/=+\-@]{1,256}", summary), summary
