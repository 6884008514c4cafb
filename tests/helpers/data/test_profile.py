"""Summaries of tables before training: what is shown, and what is warned about."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tabular.spec.options import Options

from helpers.data import datasets, profile
from helpers.data.datasets import Dataset
from helpers.session.storage import File

ROWS = 400


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Dataset]:
    """A table with a noisy column, a target with two classes, and these columns."""

    def table(columns: dict[str, Any] | None = None, **options: Any) -> Dataset:
        draw = np.random.default_rng(0)
        noise = draw.normal(size=ROWS)
        frame = {"noise": noise, "label": np.where(noise + draw.normal(size=ROWS) > 0, "yes", "no")}
        path = tmp_path / "made.csv"
        pd.DataFrame({**frame, **(columns or {})}).to_csv(path, index=False)
        return Dataset("made", "label", (File(path),), Options.from_dict(options))

    return table


def seen(table: Dataset) -> dict[str, str]:
    warned = profile.warnings([table])
    assert set(warned.index.get_level_values("data set")) <= {"made"}
    return {column: text for (_, column), text in warned["finding"].items()}


def test_the_overview_says_what_is_asked_of_each_table(made: Callable[..., Dataset]) -> None:
    gaps = np.where(np.arange(ROWS) < 3, np.nan, 1.5 + np.arange(ROWS) % 7)
    table = profile.overview([datasets.fetch("wine"), datasets.fetch("diabetes"), made({"gaps": gaps})])
    assert table.loc["wine", ["rows", "columns", "task", "target"]].tolist() == [
        *(178, 13, "multiclass", "cultivar")
    ]
    assert table.loc["wine", "values"] == "class_0: 59, class_1: 71, class_2: 48"
    assert table.loc["diabetes", "values"] == "25 to 346, mean 152.1"
    assert table.loc["made", "rows with an empty cell"] == 3
    assert table.loc["made", "values"].endswith(" (positive)"), "`yes` is what is looked for"
    assert profile.warnings([datasets.fetch("wine")]).attrs["instead"].startswith("The check found nothing")


def test_each_column_has_its_type_gaps_values_range_and_commonest_value(made: Callable[..., Dataset]) -> None:
    days = pd.date_range("2024-01-31", periods=ROWS).strftime("%d/%m/%Y")
    colours = ["red", "red", "green", None] * (ROWS // 4)
    table = made(
        {"day": days, "colour": colours, "paid": ["yes", "no"] * (ROWS // 2), "code": range(ROWS)},
        categorical=["code"],
        drop=["paid"],
    )
    shown = profile.columns([table]).loc["made"]
    assert shown["type"].to_dict() == {
        "noise": "numeric",
        "label": "boolean, target",
        "day": "date",
        "colour": "categorical",
        "paid": "boolean, dropped",
        "code": "categorical",
    }
    assert shown.loc["colour"].tolist()[:5] == ["categorical", "25%", 2, "", "red (50%)"]
    assert shown.loc["paid", "evidence"].endswith("not a feature: named in drop")
    assert shown.loc["day", ["distinct", "range"]].tolist() == [ROWS, "2024-01-31 to 2025-03-05"]
    low, _, high = shown.loc["noise", "range"].split()
    assert float(low) < -2 < 2 < float(high)


@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_lists_and_objects_that_are_dropped_are_shown_as_text(tmp_path: Path, kind: str) -> None:
    rows = [
        {"size": number, "label": "xy"[number % 2], "tags": [1, number % 3], "place": {"city": "Bern"}}
        for number in range(ROWS)
    ]
    path = tmp_path / f"made.{kind}"
    if kind == "json":
        pd.DataFrame(rows).to_json(path, orient="records", lines=True)
    else:
        pd.DataFrame(rows).to_parquet(path)
    table = Dataset("made", "label", (File(path),), Options.from_dict({"drop": ["tags", "place"]}))
    shown = profile.columns([table]).loc["made"]
    assert shown["distinct"].to_dict() == {"size": ROWS, "label": 2, "tags": 3, "place": 1}
    assert shown.loc["tags", "evidence"] == "lists or objects; not a feature: named in drop"
    assert "Bern" in str(profile.first_rows([table]).loc[("made", "place"), "row 1"])


def test_an_ordinary_table_is_warned_of_nothing(made: Callable[..., Dataset]) -> None:
    assert seen(made()) == {}
    assert profile.warnings([datasets.fetch("wine"), datasets.fetch("diabetes")]).empty


@pytest.mark.parametrize(
    ("column", "warning"),
    [
        ([""] * ROWS, "empty in every row, so the column is left out"),
        ([7] * ROWS, "the same in every row, so the column is left out"),
        ([1, None, None, None] * (ROWS // 4), "empty in 75% of the rows"),
        (range(1000, 1000 + ROWS), "a whole number that is different in every row, like an id"),
        ([f"c{number}" for number in range(ROWS)], "text that is different in every row, like an id"),
    ],
    ids=["empty", "constant", "mostly empty", "numbers of an id", "texts of an id"],
)
def test_a_column_that_says_nothing_is_warned_of(
    made: Callable[..., Dataset], column: Any, warning: str
) -> None:
    assert seen(made({"odd": list(column)}))["odd"].startswith(warning)
    assert seen(made({"odd": list(column)}, drop=["odd"])) == {}


@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_a_column_that_gives_the_answer_away_is_warned_of(made: Callable[..., Dataset], kind: str) -> None:
    label = made().read()["label"]
    leak = {
        "numbers": np.where(label == "yes", 5.0, -5.0) + np.random.default_rng(1).normal(size=ROWS),
        "texts": label.map({"yes": "refund", "no": "none"}),
    }[kind]
    warned = seen(made({"leak": leak}))
    assert list(warned) == ["leak"]
    assert warned["leak"].startswith("predicts the target on its own (score ")


def test_a_number_that_gives_the_number_away_is_warned_of(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    price = draw.gamma(2.0, 100.0, ROWS)
    frame = pd.DataFrame({"size": draw.normal(size=ROWS), "tax": price * 0.19, "price": price})
    frame.to_csv(tmp_path / "made.csv", index=False)
    (((_, column), text),) = profile.warnings([Dataset("made", "price", (File(tmp_path / "made.csv"),))])[
        "finding"
    ].items()
    assert (column, text[:37]) == ("tax", "predicts the target on its own (score")


def test_rows_that_will_be_left_out_are_counted(made: Callable[..., Dataset], tmp_path: Path) -> None:
    frame = made().read()
    frame.loc[:4, "label"] = None
    frame = pd.concat([frame, frame.tail(2)])
    frame.to_csv(tmp_path / "made.csv", index=False)
    table = Dataset("made", "label", (File(tmp_path / "made.csv"),))
    assert seen(table) == {
        "label": "empty in 5 rows, which are left out.",
        "(table)": "2 of 397 rows are duplicates of others and are kept; set repeated to 'drop' to leave "
        "them out, or to 'together' to keep them on the same side of every split.",
    }


def test_a_rare_class_is_warned_of(made: Callable[..., Dataset], tmp_path: Path) -> None:
    frame = made().read()
    frame.loc[:2, "label"] = "rare"
    frame.to_csv(tmp_path / "made.csv", index=False)
    warned = seen(Dataset("made", "label", (File(tmp_path / "made.csv"),)))
    assert warned == {"label": "only 3 rows are 'rare': too few to learn or to evaluate it well."}


def test_the_first_rows_are_shown_by_column(made: Callable[..., Dataset]) -> None:
    table = made({"colour": ["red", "green"] * (ROWS // 2)})
    shown = profile.first_rows([table, datasets.fetch("wine")])
    assert shown.loc[("made", "colour")].tolist() == ["red", "green", "red", "green", "red"]
    assert list(shown) == [f"row {number}" for number in range(1, 6)]
    assert set(shown.loc["wine"].index) == set(datasets.fetch("wine").read())


def test_a_wide_table_is_looked_at_by_fewer_rows(made: Callable[..., Dataset]) -> None:
    draw = np.random.default_rng(2)
    wide = {f"c{number}": draw.normal(size=ROWS).round(3) for number in range(300)}
    label = made().read()["label"]
    warned = seen(made({**wide, "leak": label.map({"yes": 1.0, "no": 2.0})}))
    assert list(warned) == ["leak"]
