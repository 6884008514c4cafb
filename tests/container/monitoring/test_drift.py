"""What counts as drift: streams with and without a change, sizes, and rows that are not independent."""

import json
from collections import Counter
from datetime import timedelta

import jsonschema
import numpy as np
import pytest
from support import ROOT
from support.container import streams
from support.container.documents import faults
from tabular.monitoring import drift, quality
from tabular.monitoring.baseline import distribution
from tabular.monitoring.captured import Answer
from tabular.monitoring.page import html
from tabular.monitoring.quality import LateLabel, late_quality
from tabular.monitoring.report import Report, complete

FORM = json.loads((ROOT / "docs/schemas/monitoring.schema.json").read_text())
RATE, LEAST = 0.01, drift.LEAST_SHIFT


@pytest.fixture(scope="module")
def known():
    return streams.baseline(np.random.default_rng(0))


def checked(known, rng, change=None, count=500, positive=0.4):
    frame = streams.rows(rng, count)
    if change is not None:
        change(frame)
    one = streams.compared(known, streams.requests(frame, streams.predicted(rng, count, positive)))
    return complete("2026-11-26T00:00:05Z", streams.WINDOW, {streams.GROUP: one}, RATE, LEAST)


def test_streams_without_drift_raise_no_alarm(known):
    rng = np.random.default_rng(1)
    found = [checked(known, rng)["totals"]["drifted"] for _ in range(12)]
    assert sum(found) == 0


@pytest.mark.parametrize("change", streams.CHANGES)
def test_a_change_is_caught_and_its_column_named(known, change):
    column, make = streams.CHANGES[change]
    rng = np.random.default_rng(2)
    for _ in range(3):
        one = checked(known, rng, make)["models"][streams.GROUP]
        assert (one["status"], one["worst_column"], one["drifted_columns"]) == ("drifted", column, 1)
        assert column in one["said"]


def test_a_moved_class_prior_is_drift_of_the_predictions(known):
    one = checked(known, np.random.default_rng(3), positive=0.7)["models"][streams.GROUP]
    assert (one["status"], one["drifted_columns"], one["worst_column"]) == ("drifted", 0, None)
    assert one["predictions"]["drifted"]
    assert "redictions" in one["said"]


def test_a_small_difference_is_no_drift_however_many_rows_show_it():
    rng = np.random.default_rng(4)
    known = distribution(rng.normal(0, 1, 50_000))
    one = drift.difference("numeric", known, rng.normal(0.1, 1, 50_000), np.arange(50_000))
    drift.control([("x", one)], RATE, LEAST)
    assert one["q"] < 1e-6
    assert not one["drifted"]


def test_a_large_difference_of_few_rows_is_no_drift():
    known = distribution(np.linspace(-2, 2, 200))
    one = drift.difference("numeric", known, np.array([1.5, -0.2, 1.9, 0.1]), np.arange(4))
    drift.control([("x", one)], RATE, LEAST)
    assert one["population_stability"] > LEAST
    assert not one["drifted"]


def test_a_single_request_decides_nothing_and_two_are_compared(known):
    rng = np.random.default_rng(8)
    frame = streams.rows(rng, 500)
    frame["x5"] = 3.0  # as similar as rows of one request may be
    answers = streams.predicted(rng, 500)
    statuses = {}
    for size in (500, 250):
        one = streams.compared(known, streams.requests(frame, answers, size))
        found = complete("2026-11-26T00:00:05Z", streams.WINDOW, {streams.GROUP: one}, RATE, LEAST)
        statuses[len(frame) // size] = found["models"][streams.GROUP]
    assert (statuses[1]["status"], statuses[1]["rows"], statuses[1]["columns"]) == ("too_few_rows", 500, {})
    assert "All 500 rows came in one request" in statuses[1]["said"]
    assert statuses[2]["status"] in ("steady", "drifted")
    assert len(statuses[2]["columns"]) == 10


def test_rows_of_one_request_count_as_fewer_if_they_resemble_each_other():
    rng = np.random.default_rng(5)
    requests = np.repeat(np.arange(20), 50)
    known = distribution(rng.normal(0, 1, 5000))
    values = rng.normal(0, 1, 20)[requests] + rng.normal(0, 0.05, 1000)
    one = drift.difference("numeric", known, values, requests)
    assert 10 <= one["effective_rows"] <= 40
    single = drift.difference("numeric", known, values, np.arange(1000))
    assert single["effective_rows"] == 1000
    assert single["p"] < one["p"]
    alike = np.repeat(["a", "b"], 500)[np.argsort(np.tile(np.arange(2), 500), kind="stable")].tolist()
    levels = drift.difference("categorical", distribution(["a", "b"] * 500), alike, requests)
    assert levels["effective_rows"] < 40


@pytest.mark.parametrize("count", [2, 5, 20])
@pytest.mark.parametrize("levels", [False, True])
def test_a_few_requests_whose_rows_resemble_each_other_are_no_drift(count, levels):
    rng = np.random.default_rng(9)
    requests = np.repeat(np.arange(count), 500 // count)
    cut = (lambda values: np.digitize(values, [-0.8, 0, 0.8]).astype(str).tolist()) if levels else np.array
    sure = 0
    for _ in range(40):
        values = np.sqrt(0.5) * (rng.normal(size=count)[requests] + rng.normal(size=len(requests)))
        known = distribution(cut(rng.normal(size=1000)))
        sure += (
            drift.difference("categorical" if levels else "numeric", known, cut(values), requests)["p"]
            <= RATE
        )
    assert sure <= 2  # 18% to 28% if the design effect is taken for certain


ZEROS = np.repeat([0.0, 1.0], [900, 100])


@pytest.mark.parametrize(
    ("training", "window"),
    [
        (np.full(1000, 5.0), np.full(500, -1.0)),
        (ZEROS * np.linspace(1, 3, 1000), ZEROS[::2] * np.linspace(1000, 3000, 500)),
        (ZEROS * np.linspace(1, 3, 1000), ZEROS[::2] * np.linspace(-3, -1, 500)),
    ],
    ids=["below the only value", "another unit beside zeros", "another sign beside zeros"],
)
def test_a_frequent_value_does_not_hide_the_others(training, window):
    one = drift.difference("numeric", distribution(training), window, np.arange(len(window)))
    drift.control([("x", one)], RATE / 100, LEAST)
    assert one["drifted"]
    same = drift.difference("numeric", distribution(training), training[::2], np.arange(500))
    assert same["population_stability"] < 0.01


def test_a_new_level_is_seen_among_many_and_the_ones_that_training_missed_are_not():
    rng = np.random.default_rng(10)
    shares = 1 / np.arange(1, 301)

    def drawn(rows, new):
        levels = rng.choice(300, rows, p=shares / shares.sum()).astype(str)
        return np.where(rng.random(rows) < new, "new", levels).tolist()

    found = {new: [] for new in (0, 0.2)}
    for new, each in found.items():
        for _ in range(20):
            one = drift.difference(
                "categorical", distribution(drawn(1000, 0)), drawn(500, new), np.arange(500)
            )
            drift.control([("town", one)], RATE, LEAST)
            each.append(one["drifted"])
    assert sum(found[0]) == 0
    assert sum(found[0.2]) == 20


def test_dates_that_follow_the_clock_are_said_and_no_drift_and_others_are():
    known, now = distribution(np.arange(20_000.0, 20_700.0)), 20_707.0
    requests = np.arange(100)

    def of(values):
        one = drift.difference("date", known, values, requests, now)
        drift.control([("day", one)], RATE, LEAST)
        return one

    on = of(now - 7 + np.arange(100) / 15)
    assert on["q"] < RATE
    assert not on["drifted"]
    assert "as the clock goes; no drift" in on["said"]
    for values in (np.full(100, now + 300), np.full(100, 19_000.0), np.where(requests < 50, np.nan, now - 1)):
        assert of(values)["drifted"]


def test_false_discoveries_are_controlled_over_all_columns():
    rng = np.random.default_rng(6)
    known = distribution(rng.normal(0, 1, 1000))
    alone = drift.difference("numeric", known, rng.normal(0.25, 1, 150), np.arange(150))
    many = [drift.difference("numeric", known, rng.normal(0, 1, 150), np.arange(150)) for _ in range(50)]
    drift.control([("x", alone)], RATE, 0.0)
    before = alone["q"]
    drift.control([("x", alone), *(("y", one) for one in many)], RATE, 0.0)
    assert alone["q"] > before


def test_levels_that_are_rare_in_training_are_no_drift():
    rng = np.random.default_rng(7)
    names = np.array([f"name {number}" for number in range(100_000)])
    known = distribution(rng.choice(names, 5000).tolist())
    one = drift.difference("categorical", known, rng.choice(names, 500).tolist(), np.arange(500))
    drift.control([("name", one)], RATE, LEAST)
    assert one["unseen"] is None
    assert not one["drifted"]


def test_baselines_and_windows_without_values_are_compared():
    empty = distribution(np.full(100, np.nan))
    one = drift.difference("numeric", empty, np.full(80, np.nan), np.arange(80))
    assert (one["p"], one["wasserstein"]) == (1.0, None)
    filled = drift.difference("numeric", empty, np.ones(80), np.arange(80))
    assert filled["p"] < 1e-6
    assert filled["population_stability"] > 1
    constant = drift.difference("numeric", distribution(np.ones(100)), np.ones(80), np.arange(80))
    assert constant["p"] == 1.0


def test_the_report_is_as_its_schema_and_type_say():
    found = streams.report(np.random.default_rng(8), models=3, drifted=2)
    jsonschema.validate(json.loads(json.dumps(found, allow_nan=False)), FORM)
    assert faults(json.loads(json.dumps(found)), Report) == []
    statuses = [one["status"] for one in found["models"].values()]
    assert statuses == ["drifted", "drifted", "no_baseline", "steady"]
    assert found["totals"] == {
        **dict.fromkeys(found["totals"], 0),
        **{"models": 4, "drifted": 2, "no_baseline": 1, "steady": 1},
    }


def test_a_page_shows_every_column_the_drifted_ones_first(known):
    report = checked(known, np.random.default_rng(9), streams.CHANGES["kilograms as grams"][1])
    page = html(report["models"][streams.GROUP], report)
    assert page.count("<svg") == 11
    assert page.index("x6 (drifted)") < page.index("<h2>x1")
    assert len(page) < 100_000


def test_the_bins_of_dates_have_the_names_of_days(known):
    days = np.arange(19_000.0, 20_000.0)
    one = drift.difference("date", distribution(days), days + 400, np.arange(1000))
    report = checked(known, np.random.default_rng(11))
    report["models"][streams.GROUP]["columns"] = {"born": one}
    assert "\u2264 2022-04-17" in html(report["models"][streams.GROUP], report)


def test_a_request_before_the_window_is_not_compared(known):
    rng = np.random.default_rng(10)
    frame = streams.rows(rng, 100)
    early = streams.line(frame, streams.predicted(rng, 100), at=streams.WINDOW.since - timedelta(seconds=1))
    one = streams.compared(known, [early])
    assert (one["requests"], one["rows"], one["status"]) == (0, 0, "no_capture")
    assert "CAPTURE_RATE" in one["said"]


def late(known, right, metric="accuracy", truth="yes"):
    """The quality of a model of which so many of a hundred answers are right."""
    labels = [LateLabel("r", row, truth) for row in range(100)]
    answer = Answer(["yes" if row < right else "no" for row in range(100)], [[0.3, 0.7]] * 100)
    left_out = Counter()
    return late_quality({**known, "metric": metric}, {"r": answer}, labels, left_out), left_out


def test_a_model_is_worse_if_its_labels_say_so_surely_among_all_models(known):
    alone, _ = late(known, 75)
    quality.control([alone], RATE)
    assert alone["worse"]
    assert alone["low"] < 0.75 < alone["high"] < 0.85
    one = late(known, 75)[0]
    quality.control([one, *(late(known, 90)[0] for _ in range(9))], alone["p"] * 9)
    assert not one["worse"]
    assert one["q"] == pytest.approx(10 * alone["p"], rel=0.01)
    lost = late(known, 20)[0]
    quality.control([lost, *(late(known, 90)[0] for _ in range(9))], RATE)
    assert lost["worse"]


def test_labels_of_one_class_give_no_auc_and_are_counted(known):
    found, left_out = late(known, 90, "auc")
    assert found is None
    assert left_out == {"labels from which the auc cannot be computed": 100}
