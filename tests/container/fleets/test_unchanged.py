"""What a search depends on besides the rows, so that unchanged rows need no other search."""

from dataclasses import replace

import pytest
from tabular.fleets.unchanged import code_sha256, conditions, differences
from tabular.jobs.fleet import Clock
from tabular.spec.columns import Column, Schema
from tabular.spec.options import Options
from tabular.spec.search import Plan

PLAN = Plan("LightGBM", 12, "neg_log_loss", 5, 7)
SCHEMA = Schema(
    "binary", "sold", ("no", "yes"), (Column("store", "categorical"),), Options(partition=("store",))
)


def test_the_same_search_of_new_rows_does_not_differ():
    later = replace(PLAN, seconds=60, group="other")
    assert (
        differences(conditions(PLAN, SCHEMA), conditions(later, replace(SCHEMA, baseline={"rows": 9}))) == ""
    )


@pytest.mark.parametrize(
    ("plan", "schema", "said"),
    [
        ({"random_state": 8}, {}, "random_state was 7 and is 8"),
        ({"trials": 24, "folds": 3}, {}, "trials was 12 and is 24, folds was 5 and is 3"),
        ({}, {"columns": (*SCHEMA.columns, Column("size", "numeric"))}, "the schema has changed"),
        ({}, {"options": Options(partition=("store",), class_weight="balanced")}, "the schema has changed"),
    ],
)
def test_another_plan_or_schema_differs(plan, schema, said):
    now = conditions(replace(PLAN, **plan), replace(SCHEMA, **schema))
    assert differences(conditions(PLAN, SCHEMA), now) == said


def test_other_code_and_libraries_differ(tmp_path):
    (tmp_path / "search.py").write_text("trials = 1\n")
    files = [tmp_path / "search.py", tmp_path / "custom_steps.py"]
    first = code_sha256(files)
    assert code_sha256(files[::-1]) == first
    (tmp_path / "custom_steps.py").write_text("ALGORITHMS = []\n")
    then = conditions(PLAN, SCHEMA)
    now = then | {"code": code_sha256(files), "libraries": then["libraries"] | {"numpy": "9.9"}}
    said = f"numpy was {then['libraries']['numpy']} and is 9.9, the code has changed"
    assert differences(then | {"code": first}, now) == said


def test_the_seconds_of_a_search_are_shared_by_the_partitions_that_are_left():
    time, cores = [100.0], [2]
    clock = Clock(60, 12, lambda: cores[0], time[0], lambda: time[0])
    cores[0] = 1
    assert clock.share() == 5, "another job has the other core, so that they come one after the other"
    cores[0] = 2
    assert clock.share() == clock.share() == 10
    time[0] += 1  # the first two take a second together, and leave the others more
    clock.done += 2
    assert clock.share() == pytest.approx(59 * 2 / 10)
    clock.done += 9
    assert clock.share() == 59, "the last one has all that is left, but only one process"
    time[0] += 60
    assert clock.share() == 0
    assert Clock(0, 12, lambda: 2, 0.0).share() is None
