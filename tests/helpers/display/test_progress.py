"""Progress: a table that is updated in place, and a line that the runner prints for each change."""

from typing import Any

import pandas as pd
import pytest

from helpers.display import progress
from helpers.display.progress import LINE, Progress


class Shown:
    """A notebook's output, and each change of it."""

    def __init__(self) -> None:
        self.tables: list[pd.DataFrame] = []
        self.lines: list[str] = []

    def display(self, table: pd.DataFrame, metadata: dict[str, Any], display_id: bool) -> "Shown":
        assert display_id
        assert not self.tables, "there is one output, which changes"
        self.update(table, metadata)
        return self

    def update(self, table: pd.DataFrame, metadata: dict[str, Any]) -> None:
        self.tables.append(table)
        self.lines.append(metadata[LINE])


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    shown = Shown()
    monkeypatch.setattr(progress, "display", shown.display)
    return shown


def test_only_what_changed_is_said(shown: Shown) -> None:
    steps = Progress()
    steps.update("wine", [("A", "Executing", "")])
    steps.update("wine", [("A", "Executing", "")])
    steps.update("wine", [("A", "Succeeded", ""), ("B", "Executing", "1 of 6 trials")])
    assert shown.lines == [
        "wine: A Executing",
        "wine: A Succeeded\nwine: B Executing 1 of 6 trials",
    ]


def test_executions_stand_side_by_side(shown: Shown) -> None:
    steps = Progress()
    steps.update("wine", [("A", "Succeeded", ""), ("B", "Executing", "1 of 6 trials")])
    steps.update("own", [("A", "Starting", "")])
    assert shown.tables[-1].to_dict() == {
        "wine": {"A": "done", "B": "1 of 6 trials"},
        "own": {"A": "waiting ...", "B": ""},
    }


def test_a_failure_is_shown_whatever_else_there_is_to_say(shown: Shown) -> None:
    Progress().update("wine", [("A", "Failed", "3 of 6 trials"), ("B", "Failed", "")])
    assert shown.tables[-1]["wine"].tolist() == ["FAILED: 3 of 6 trials", "FAILED"]


def test_a_status_without_a_sign_is_shown_as_it_is(shown: Shown) -> None:
    Progress().update("wine", [("A", "Stopping", "")])
    assert shown.tables[-1].loc["A", "wine"] == "Stopping"


def test_of_two_hundred_data_sets_a_dozen_are_shown_and_those_that_go_on_before_others(shown: Shown) -> None:
    many = Progress()
    for number in range(200):
        many.update(f"table-{number:03}", [("Train", "Executing" if number < 5 else "Succeeded", "")])
    table = shown.tables[-1]
    assert table.index.name == "12 of 200 data sets"
    assert set(table.index[-5:]) == {f"table-{number:03}" for number in range(5)}
    assert "table-199" in table.index
    assert table.loc["table-000", "Train"] == "running ..."
