"""What is billed, beside what was forecast; and what earlier runs say about how long a job takes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helpers.cost import tables
from helpers.cost.actual import accuracy, compared, trained
from helpers.cost.forecast.pace import ASSUMED, observations
from helpers.cost.month import Serving, by_month, per_million
from helpers.cost.ranges import Range
from helpers.errors import BadInput

BEGIN = datetime(2026, 11, 26, 2, 15, tzinfo=UTC)


def span(low: float, high: float) -> dict[str, float]:
    return {"low": low, "high": high}


def table(seconds: float, *, jobs: int = 1, **facts: Any) -> dict[str, Any]:
    """A data set of a summary, with one step of which 50 to 150 seconds had been forecast."""
    step = {
        "jobs": jobs,
        "instances": ["ml.m5.large"],
        "spot": False,
        "billable_seconds": seconds,
        "saved_seconds": 0.0,
        "waited_seconds": 3.0,
        "dollars": 0.5,
    }
    billed = {"jobs": jobs, "billable_seconds": seconds, "saved_seconds": 0.0, "dollars": 0.5}
    forecast = {"steps": {"Fit": {"billable_seconds": span(50, 150), "cells": 700}}}
    known = {"outcome": "registered", "billed": billed | {"steps": {"Fit": step}}, "forecast": forecast}
    return known | {"forecast_here": None} | facts


def run(number: int, environment: str = "aws", **data_sets: dict[str, Any]) -> dict[str, Any]:
    started = f"2026-11-{number:02}T00:00:00.000Z"
    return {"run": f"{number}", "started": started, "environment": environment, "data_sets": data_sets}


def job(**facts: Any) -> dict[str, Any]:
    return {
        "CreationTime": BEGIN,
        "TrainingStartTime": BEGIN + timedelta(seconds=90),
        "TrainingEndTime": BEGIN + timedelta(seconds=590),
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 30},
        **facts,
    }


def test_on_spot_capacity_the_billable_seconds_are_billed() -> None:
    times = {"TrainingTimeInSeconds": 500, "BillableTimeInSeconds": 100}
    (found,) = trained(job(EnableManagedSpotTraining=True, **times))
    assert (found.ran, found.billable, found.waited, found.instances, found.spot) == (500, 100, 90, 2, True)


def test_a_job_that_has_not_started_is_not_billed() -> None:
    waiting = job()
    del waiting["TrainingStartTime"], waiting["TrainingEndTime"]
    assert list(trained(waiting)) == []


def test_the_forecast_is_compared_with_what_the_steps_that_ran_are_billed() -> None:
    cached = table(0, jobs=0)
    failed = table(70, outcome="failed")
    pair = compared([table(100), table(80), cached, failed], "aws")
    assert pair == (Range(100, 300), 180)
    assert compared([cached, failed], "aws") is None
    assert compared([table(100)], "local") is None, "the forecast for AWS says nothing about seconds here"


def test_the_error_of_the_last_forecasts_is_the_median_of_the_runs_of_the_same_kind() -> None:
    runs = [run(1, a=table(100)), run(2, a=table(140)), run(3, a=table(300)), run(4, "local", a=table(1))]
    assert accuracy(runs, "aws") == {"runs": 3, "within": 2, "error": 0.4}
    assert accuracy(runs[3:], "aws") is None
    told = tables.trusted({"runs": 3, "within": 2, "error": 0.4})
    assert told.startswith("Of 3 earlier runs, 2 billed the seconds that had been forecast")
    assert "40% off" in told


@pytest.mark.parametrize(("within", "said"), [(1, "were within its forecast"), (0, "were not within")])
def test_one_earlier_run_is_no_median(within: int, said: str) -> None:
    told = tables.trusted({"runs": 1, "within": within, "error": 0.47})
    assert said in told
    assert told.endswith("47% off the middle of its range.")
    assert "median" not in told


def test_a_forecast_that_rests_on_the_runs_of_many_tables_names_a_few() -> None:
    basis = [*(f"2 runs of t{number}" for number in range(50)), ASSUMED]
    few = "2 runs of t0, 2 runs of t1, 2 runs of t2"
    assert tables._listed(basis) == f"{few}, 47 more and assumptions about the rest"


def test_only_the_last_runs_count() -> None:
    old = [run(number, a=table(1000)) for number in range(1, 11)]
    new = [run(number, a=table(100)) for number in range(11, 21)]
    assert accuracy(old + new, "aws") == {"runs": 10, "within": 10, "error": 0.0}
    assert {it.run for it in observations(old + new)} == {f"{number}" for number in range(11, 21)}


def test_steps_that_ran_are_learnt_from_and_others_are_not() -> None:
    earlier = {"outcome": "registered"}  # as an earlier release wrote it
    document = run(
        1, wine=table(100), cached=table(0, jobs=0), failed=table(7, outcome="failed"), old=earlier
    )
    (found,) = observations([document])
    assert (found.data_set, found.step, found.jobs, found.billable_seconds) == ("wine", "Fit", 1, 100)
    assert (found.cells, found.types, found.waited_seconds) == (700, ("ml.m5.large",), 3.0)


def test_a_search_that_took_partitions_over_says_nothing_of_the_next_one() -> None:
    billed = table(100)["billed"]
    steps = dict.fromkeys(("PreprocessData", "SearchAndRefit"), billed["steps"]["Fit"])
    whole, rest = (
        table(100, billed=billed | {"steps": steps}, fleet={"taken_over": number}) for number in (0, 9)
    )
    found = [(it.data_set, it.step) for it in observations([run(1, whole=whole, rest=rest)])]
    assert found == [("whole", "PreprocessData"), ("whole", "SearchAndRefit"), ("rest", "PreprocessData")]


def test_forecast_and_bill_stand_side_by_side_with_their_sum() -> None:
    shown = tables.billed({"wine": table(100), "churn": table(80.5)}, "aws")
    assert shown["billed seconds"].to_dict() == {"wine": 100, "churn": 80.5, "(all)": 180.5}
    assert shown["forecast seconds"].to_dict() == {
        "wine": "50 to 150",
        "churn": "50 to 150",
        "(all)": "100 to 300",
    }
    assert shown["dollars"]["(all)"] == "1.0000"
    here = tables.billed({"wine": table(3, billed={**table(3)["billed"], "dollars": None})}, "local")
    assert "dollars" not in here


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (Range(0, 0), "0 s"),
        (Range(7, 90), "7 to 90 s"),
        (Range(19, 156), "19 s to 2.6 min"),
        (Range(1506, 6396), "25 to 110 min"),
        (Range(7200, 90_000), "2 to 25 h"),
    ],
)
def test_a_time_has_two_digits_and_a_unit(seconds: Range, said: str) -> None:
    assert tables.as_time(seconds) == said


@pytest.mark.parametrize(
    ("dollars", "said"),
    [
        (None, "unknown"),
        (Range(0, 0), "0.0000"),
        (Range(0.301, 1.291), "0.30 to 1.30"),
        (Range(5, 5), "5.00"),
    ],
)
def test_dollars_are_never_less_than_what_may_be_billed(dollars: Range | None, said: str) -> None:
    assert tables.as_dollars(dollars) == said


def test_models_share_the_price_of_an_endpoint() -> None:
    few, many = (by_month(Serving(number), "us-east-1") for number in (1, 1000))
    one, each = "one endpoint for all", "an endpoint for each"
    assert few[one]["instances"] == few[each]["instances"] == pytest.approx(83.95)
    assert many[one]["instances"] == pytest.approx(83.95)
    assert many[each]["instances"] == pytest.approx(83_950)
    assert many["for each model"]["all"] < 0.1
    for shown in (few, many):
        assert shown[one]["all"] == pytest.approx(shown[one].drop("all").sum(), abs=0.05)


def test_metrics_of_each_model_and_captured_requests_are_in_the_month() -> None:
    plain = by_month(Serving(200), "us-east-1")["one endpoint for all"]
    more = by_month(Serving(200, metrics_by_model=True, captured=1), "us-east-1")["one endpoint for all"]
    assert more["metrics and alarms"] - plain["metrics and alarms"] == pytest.approx(300)
    # A request of 1 kB is billed as 5 kB, and a million of them is 5 GB.
    assert more["captured requests"] == pytest.approx(5 * 0.029 + 0.023, abs=0.01)
    assert plain["captured requests"] == 0


def test_checks_are_billed_by_their_number_not_by_that_of_the_models() -> None:
    daily = [by_month(Serving(number, checks=30), "us-east-1") for number in (3, 3000)]
    for shown in daily:
        assert shown["one endpoint for all"]["checks for drift"] == pytest.approx(
            30 * 5 / 60 * 0.115, abs=0.01
        )
    with pytest.raises(BadInput, match=r"There is no price of ml\.x9\.large"):
        by_month(Serving(3, checks=1, check_instance="ml.x9.large"), "us-east-1")


def test_a_month_without_a_price_is_refused() -> None:
    with pytest.raises(BadInput, match=r"There is no price of ml\.x9\.large in us-east-1"):
        by_month(Serving(3, "ml.x9.large"), "us-east-1")


def test_a_million_predictions_cost_less_the_more_there_are_and_always_less_on_one_endpoint() -> None:
    table = per_million(Serving(100), "us-east-1", millions=(1, 10))
    one, each = (by_month(Serving(100), "us-east-1").loc["all", name] for name in table.columns)
    assert table.loc[1].tolist() == pytest.approx([one, each], abs=0.01)
    assert (table.loc[10] < table.loc[1]).all()
    assert (table["one endpoint for all"] < table["an endpoint for each"]).all()
