"""A forecast is a range that holds what it must: sums, limits, spot capacity, missing prices, and the cap."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from support.helpers.shared import FOR_FORECAST

from helpers.cost.forecast import jobs
from helpers.cost.forecast.cap import check_cap
from helpers.cost.forecast.estimate import Forecast, Limits, StepForecast, Work, outlook
from helpers.cost.forecast.jobs import Step
from helpers.cost.forecast.pace import START, Observation, Sample, Size
from helpers.cost.prices import load
from helpers.cost.ranges import Range
from helpers.errors import BadInput

SIZES = {"wine": Size(178, 14), "churn": Size(5000, 30), "unread": None}
REGION = "us-east-1"


def work(*names: str, **values: Any) -> list[Work]:
    return [Work(name, jobs.own(FOR_FORECAST | values), SIZES[name]) for name in names or SIZES]


def on_aws(works: list[Work], region: str = REGION, **options: Any) -> Forecast:
    return outlook(works, "aws", region, load(), **options).aws


def costs(forecast: Forecast) -> Range:
    assert forecast.dollars
    return forecast.dollars


def observed(seconds: float, *, cells: int | None, **facts: Any) -> Observation:
    """One trial of an earlier run on AWS that was billed so long."""
    known = {"environment": "aws", "run": "1", "data_set": "wine", "step": "TuningWithCrossValidation"}
    known |= {"types": ("ml.m5.large",), "spot": False, "waited_seconds": 60.0}
    return Observation(**{**known, "cells": cells, "jobs": 1, "billable_seconds": seconds, **facts})


def test_more_trials_are_never_cheaper_nor_faster() -> None:
    found = [on_aws(work(MAX_TUNING_JOBS=number)) for number in (1, 2, 3, 10, 24, 25, 100)]
    for fewer, more in itertools.pairwise(found):
        assert costs(fewer).low < costs(more).low
        assert costs(fewer).high < costs(more).high
        assert fewer.seconds.low <= more.seconds.low
        assert fewer.seconds.high <= more.seconds.high


def test_one_job_for_all_trials_pays_for_one_start() -> None:
    packed, jobs = (on_aws(work(MAX_TUNING_JOBS=60, SEARCH=way)) for way in ("packed", "jobs"))
    assert packed.jobs == 3 * 3
    assert costs(packed).high < costs(jobs).low / 2
    more = on_aws(work(MAX_TUNING_JOBS=90, SEARCH="packed"))
    assert costs(packed).high < costs(more).high
    limited = on_aws(work(MAX_TUNING_JOBS=60, SEARCH="packed", SEARCH_SECONDS=1))
    assert costs(limited).high < costs(packed).high, "SageMaker bills no trial that is not run"
    (note,) = (one for one in limited.notes if "SEARCH_SECONDS" in one)
    assert note.startswith("SEARCH_SECONDS is 1, but one trial and the fit on all rows may take 2 to ")
    roomy = on_aws(work("wine", MAX_TUNING_JOBS=700, SEARCH="packed", SEARCH_SECONDS=100))
    assert not [one for one in roomy.notes if "SEARCH_SECONDS" in one]
    (search,) = (it for it in roomy.tables[0].steps if it.step.packed)
    assert search.pace.runs.high == START["aws"].high + 100, "the time ends with the budget"


def test_an_earlier_packed_search_says_how_long_the_next_takes() -> None:
    (table,) = work("wine", SEARCH="packed")
    assert table.size
    search = next(step for step in table.steps if step.packed)
    known = [observed(100, cells=table.size.cells(search), step="SearchAndRefit")]
    (found,) = (it for it in on_aws([table], known=known).tables[0].steps if it.step.packed)
    assert found.billable_seconds == Range(60, 160)


def test_more_rows_are_never_cheaper() -> None:
    found = [on_aws([Work("a", jobs.own(FOR_FORECAST), Size(rows, 20))]) for rows in (20, 1000, 10**5, 10**7)]
    for fewer, more in itertools.pairwise(found):
        assert costs(fewer).low <= costs(more).low
        assert costs(fewer).high <= costs(more).high


def test_the_total_is_the_sum_of_the_data_sets_and_of_their_steps() -> None:
    whole = on_aws(work())
    facts, tables = whole.facts(), [table.facts() for table in whole.tables]
    assert facts["jobs"] == sum(table["jobs"] for table in tables) == 3 * 27
    for end in ("low", "high"):
        dollars = [table["dollars"][end] for table in tables]  # type: ignore[index,literal-required]
        assert facts["dollars"][end] == pytest.approx(sum(dollars))  # type: ignore[index,literal-required]
        for table in whole.tables:
            parts = [getattr(step.dollars, end) for step in table.steps]
            assert getattr(table.dollars, end) == pytest.approx(sum(parts))


def test_dollars_are_billed_seconds_at_the_price_of_instance_and_disk() -> None:
    step = Step("Fit", "training", ("ml.m5.large",), instances=2, volume_gb=73, limit_seconds=3600)
    known = [observed(3600, cells=None, step="Fit", data_set="a")] * 2
    forecast = on_aws([Work("a", (step,))], known=known)
    (found,) = forecast.tables[0].steps
    hours = found.billable_seconds * (1 / 3600)
    assert costs(forecast).low == pytest.approx(hours.low * (0.115 + 73 * 0.14 / 730))
    assert hours.high == pytest.approx(2 * (3600 + 180) / 3600), "SageMaker stops a job at its limit"


def test_no_data_sets_cost_nothing() -> None:
    forecast = on_aws([])
    assert (costs(forecast), forecast.seconds, forecast.jobs) == (Range(0, 0), Range(0, 0), 0)
    check_cap(forecast, 0.01)


def test_spot_capacity_may_cost_less_and_never_more_and_may_take_longer() -> None:
    spot, listed = on_aws(work(USE_SPOT=True)), on_aws(work())
    assert costs(spot).low < costs(listed).low
    assert costs(spot).high == pytest.approx(costs(listed).high)
    assert spot.seconds.high > listed.seconds.high
    assert any("spot capacity" in note for note in spot.notes)


def test_fewer_at_a_time_take_longer_and_cost_the_same() -> None:
    works = [replace(each, name=f"{place}") for place, each in enumerate(work("wine") * 6)]
    found = [on_aws(works, limits=Limits(number)) for number in (1, 2, 3, 6, 100)]
    for slower, faster in itertools.pairwise(found):
        assert slower.seconds.low >= faster.seconds.low
        assert costs(slower) == costs(faster)
    one = found[-1].tables[0].seconds
    assert found[0].seconds.high == pytest.approx(6 * one.high)
    assert found[1].seconds.high == pytest.approx(3 * one.high)
    assert found[-1].seconds == one


def test_trials_at_a_time_shorten_the_run() -> None:
    found = [
        on_aws(work("wine", MAX_TUNING_PARALLEL_JOBS=number)).seconds.high for number in (1, 2, 4, 24, 99)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] == found[-2]


def test_a_quota_of_the_account_holds_for_all_tables_together() -> None:
    works = work("wine", "churn")
    quota = {("training", "ml.m5.large"): 1.0}
    limited = on_aws(works, limits=Limits(20, quota))
    trials = [step for table in limited.tables for step in table.steps if step.step.kind == "training"]
    assert limited.seconds.high >= sum(step.pace.runs.high * step.step.jobs for step in trials)
    assert limited.seconds.high > on_aws(works, limits=Limits(20)).seconds.high
    none = on_aws(works, limits=Limits(20, {("training", "ml.m5.large"): 0.0}))
    assert "this account may run no ml.m5.large for training jobs" in none.notes


def test_here_nothing_is_billed_and_no_instance_is_started() -> None:
    found = outlook(work("wine"), "local", REGION, load(), processors=2)
    assert found.here
    assert found.here.dollars is None
    assert found.here.seconds.high < found.aws.seconds.low
    assert found.own is found.here
    assert costs(found.aws) == costs(on_aws(work("wine"))), "the same on AWS, wherever it is asked"


def test_processors_limit_what_runs_here() -> None:
    one, many = (outlook(work("wine"), "local", REGION, load(), processors=it).here for it in (1, 64))
    assert one
    assert many
    assert one.seconds.low > many.seconds.low


def test_an_earlier_run_of_the_same_table_narrows_the_range() -> None:
    (table,) = work("wine")
    assert table.size
    tuning = next(step for step in table.steps if step.trials)
    known = [observed(100, cells=table.size.cells(tuning))]
    before, after = on_aws([table]), on_aws([table], known=known)
    trials = next(step for step in after.tables[0].steps if step.step.trials)
    assert trials.billable_seconds == Range(24 * 60, 24 * 160)
    assert costs(after).high - costs(after).low < costs(before).high - costs(before).low
    assert "1 earlier run of wine" in after.basis


def test_more_runs_that_agree_narrow_it_further() -> None:
    found = []
    for number in (1, 2, 3, 4):
        known = [observed(100, cells=None, run=f"{place}") for place in range(number)]
        steps = on_aws(work("wine"), known=known).tables[0].steps
        found.append(next(step for step in steps if step.step.trials).pace.billed)
    for fewer, more in itertools.pairwise(found):
        assert fewer.low <= more.low < more.high <= fewer.high
    assert found[0] != found[1] != found[2] == found[3]


def test_a_run_on_a_smaller_table_says_between_which_times_a_larger_one_lies() -> None:
    (table,) = work("churn")
    assert table.size
    tuning = next(step for step in table.steps if step.trials)
    known = [observed(100, cells=table.size.cells(tuning) // 10)]
    trials = next(step for step in on_aws([table], known=known).tables[0].steps if step.step.trials)
    # 60 of 100 seconds are for starting, whatever the table; the other 40 may become 400.
    assert trials.billable_seconds == Range(24 * 60, pytest.approx(24 * 1.6 * 460))


@pytest.mark.parametrize(
    "other", [{"environment": "local"}, {"types": ("ml.c5.xlarge",)}, {"spot": True}, {"step": "Other"}]
)
def test_nothing_is_learnt_from_another_kind_of_run(other: dict[str, Any]) -> None:
    assert on_aws(work("wine"), known=[observed(1, cells=10, **other)]) == on_aws(work("wine"))


def test_without_a_price_there_are_no_dollars_but_everything_else() -> None:
    forecast = on_aws(work("wine", TRAINING_INSTANCE="ml.p9.huge"))
    assert forecast.dollars is None
    assert forecast.unknown == ["there is no price of ml.p9.huge in us-east-1"]
    assert (forecast.jobs, forecast.seconds) == (27, on_aws(work("wine")).seconds)
    check_cap(forecast, 0)
    check_cap(forecast, None)


def test_a_price_that_could_not_be_verified_is_named() -> None:
    forecast = on_aws(work("wine"), "eu-central-1")
    assert "the price of ml.t3.medium, ml.m5.large in eu-central-1 could not be verified" in forecast.notes
    assert not any("verified" in note for note in on_aws(work("wine")).notes)


@pytest.mark.parametrize(
    ("forecast", "why"),
    [
        (on_aws(work("wine"), "mars-1"), "there is no price of ml.t3.medium in mars-1"),
        (
            on_aws([Work("a", (), None, {"Spark": "a step of the type EMR"})]),
            "Spark is a step of the type EMR",
        ),
        (on_aws([Work("a", (Step("Fit", "training", ()),))]), "Fit does not say its instance type"),
    ],
    ids=["region", "step", "instance"],
)
def test_a_cap_that_cannot_be_checked_does_not_pass(forecast: Forecast, why: str) -> None:
    with pytest.raises(BadInput, match="it is not known what this run may cost") as refused:
        check_cap(forecast, 1e6)
    assert why in str(refused.value)
    assert str(refused.value).endswith("nothing was uploaded or started.")
    assert "\n" not in str(refused.value)


def test_the_cap_holds_to_the_cent() -> None:
    forecast = on_aws(work("wine"))
    most = -(-round(costs(forecast).high * 100, 6) // 1) / 100
    check_cap(forecast, most)
    check_cap(forecast, most + 0.01)
    with pytest.raises(
        BadInput, match=f"to {most:.2f} dollars on AWS, and MAX_COST_USD allows {most - 0.01:g};"
    ):
        check_cap(forecast, most - 0.01)


def test_a_refusal_says_how_many_trials_would_fit() -> None:
    forecast = on_aws(work())
    cap = round(costs(forecast).high / 2, 2)
    with pytest.raises(
        BadInput, match=r"lower MAX_TUNING_JOBS to \d+, shorten DATASETS, or raise"
    ) as refused:
        check_cap(forecast, cap)
    fitting = int(str(refused.value).split("MAX_TUNING_JOBS to ")[1].split(",")[0])
    check_cap(on_aws(work(MAX_TUNING_JOBS=fitting)), cap)
    with pytest.raises(BadInput):
        check_cap(on_aws(work(MAX_TUNING_JOBS=fitting + 1)), cap)


def test_a_refusal_of_a_packed_search_names_its_limit() -> None:
    with pytest.raises(BadInput, match="lower MAX_TUNING_JOBS, limit SEARCH_SECONDS, shorten DATASETS, or"):
        check_cap(on_aws(work(SEARCH="packed")), 0.001)


def test_a_cap_below_the_jobs_that_every_run_has_names_no_number_of_trials() -> None:
    with pytest.raises(BadInput, match="lower MAX_TUNING_JOBS, or raise MAX_COST_USD"):
        check_cap(on_aws(work("wine")), 0.001)


def fleet(partitions: int, instances: int = 1, rows: int = 200) -> Work:
    """The search of a table with so many partitions, of so many rows each."""
    steps = jobs.own(
        {**FOR_FORECAST, "SEARCH": "packed", "FLEET_INSTANCES": instances, "MAX_TUNING_JOBS": 12}
    )
    return Work("stores", steps, Size(partitions * rows, 6, partitions=partitions))


def searched(found: Forecast) -> StepForecast:
    return next(it for it in found.tables[0].steps if it.step.packed)


def test_a_fleet_takes_longer_with_every_partition_and_less_on_several_instances() -> None:
    few, many = (searched(on_aws([fleet(partitions)])) for partitions in (100, 1000))
    assert many.billable_seconds.high > 5 * few.billable_seconds.high
    shared = searched(on_aws([fleet(1000, instances=4)]))
    assert shared.pace.runs.high < many.pace.runs.high / 2
    assert shared.billable_seconds.high > many.billable_seconds.high, "the pooled model is searched on one"
    # A table without partitions cannot be shared.
    one = Work("wine", fleet(1, instances=4).steps, Size(200, 6))
    assert searched(on_aws([one])).step.instances == 1


def test_an_earlier_run_of_a_fleet_says_how_long_more_instances_take() -> None:
    before, now = fleet(1000), fleet(1000, instances=2)
    search = next(step for step in before.steps if step.packed)
    assert before.size
    known = [observed(1000, cells=before.size.cells(search), step="SearchAndRefit", data_set="stores")]
    once = searched(on_aws([before], known=known)).pace.runs
    twice = searched(on_aws([now], known=known)).pace.runs
    assert once.low < 1000 < once.high
    assert 500 < twice.middle < once.middle
    # What both instances took is known from a run on two of them.
    cells = now.size.cells(next(step for step in now.steps if step.packed)) if now.size else 0
    known = [observed(1200, cells=cells, step="SearchAndRefit", data_set="stores", instances=2)]
    assert searched(on_aws([now], known=known)).billable_seconds == Range(720, 1920)


def here(works: list[Work], **options: Any) -> Forecast:
    found = outlook(works, "local", REGION, load(), processors=2, **options).here
    assert found
    return found


def test_a_timed_sample_narrows_the_forecast_for_a_fleet_here_and_is_named() -> None:
    assumed = fleet(300)
    assert assumed.size
    sample = Sample(Range(200, 600), Range(30, 150), 6, 138)
    timed = replace(assumed, size=replace(assumed.size, sample=sample))
    search = searched(here([timed]))
    assert search.pace.runs == START["local"] + Range(230, 750)
    assert "a timed sample of 6 of 138 partitions" in here([timed]).basis
    assert outlook([timed], "aws", REGION, load()) == outlook([assumed], "aws", REGION, load())
    # An earlier run of the same table says more, and one of another table says less.
    facts = {"environment": "local", "step": "SearchAndRefit", "cells": 10_000_000}
    assert searched(here([timed], known=[observed(9, **facts)])).pace == search.pace
    after = here([timed], known=[observed(400, **facts, data_set="stores")])
    assert "1 earlier run of stores" in after.basis


def test_a_run_on_a_far_smaller_table_widens_no_forecast() -> None:
    stores = fleet(300)
    small = observed(4.0, environment="local", step="SearchAndRefit", cells=150_000)
    assumed, learnt = (searched(here([stores], known=known)).pace.runs for known in ([], [small]))
    assert assumed.low <= learnt.low < learnt.high <= assumed.high
    # One that was slower than any assumption is believed.
    slow = observed(90_000.0, environment="local", step="SearchAndRefit", cells=150_000)
    assert searched(here([stores], known=[slow])).pace.runs.low > assumed.high


def test_a_quick_look_at_a_part_of_a_table_says_nothing_beside_a_run_of_all_of_it() -> None:
    stores = fleet(300)
    assert stores.size
    cells = stores.size.cells(next(step for step in stores.steps if step.packed))
    facts = {"environment": "local", "step": "SearchAndRefit", "data_set": "stores"}
    whole = observed(2334.0, **facts, cells=cells)
    look = observed(360.0, **facts, cells=cells // 30, run="2")
    alone, both = (searched(here([stores], known=known)).pace for known in ([whole], [whole, look]))
    assert both == alone
    assert both.basis == "1 earlier run of stores"
    assert searched(here([stores], known=[look])).pace != alone
