"""Fleets in the registry, and rows of several partitions in one request."""

from typing import cast

from helpers.deployment.fleets import UNKNOWN, chosen, compared
from helpers.deployment.registry import ModelVersion
from helpers.session import Session

ROWS = [
    [number, store, brand] for store in ("north", "01", "1", "south") for brand in "ab" for number in (1, 2)
]


def test_models_that_are_not_fleets_are_not_read_and_nothing_is_shown_of_them() -> None:
    nowhere = cast(Session, None)
    wine = ModelVersion("wine", 1, "Approved", "arn")
    shown = compared(nowhere, [wine], {"wine": {"gate": {"metric": "auc"}}})
    assert shown.empty and "None of these versions is a fleet" in shown.attrs["instead"]


def test_the_first_rows_of_partitions_all_over_the_table_are_asked_about_and_one_that_nobody_knows() -> None:
    *known, unknown = chosen(ROWS, places=[1], most=3)
    assert known == [[1, "north", "a"], [1, "01", "a"], [1, "1", "a"]]
    assert unknown == [1, UNKNOWN, "a"]
    assert ROWS[0] == [1, "north", "a"], "the rows stay as they are"


def test_a_partition_may_be_named_by_several_columns() -> None:
    *known, unknown = chosen(ROWS, places=[1, 2], most=4)
    assert [row[1:] for row in known] == [["north", "a"], ["01", "a"], ["1", "a"], ["south", "a"]]
    assert unknown[1:] == [UNKNOWN, UNKNOWN]


def test_fewer_partitions_than_asked_for_are_all_of_them() -> None:
    assert len(chosen(ROWS[:2], places=[1])) == 2
