"""The worst mistakes: the surest first, as they stand in the table, few and short."""

import datetime
import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
from support.container.documents import faults
from tabular.judging.mistakes import LONGEST, MOST, mistakes
from tabular.spec.columns import Column, Schema
from tabular.spec.documents.reports import MistakesDocument

COLUMNS = (Column("size", "numeric"), Column("day", "date"), Column("word", "categorical"))
BINARY = Schema("binary", "late", ("no", "yes"), COLUMNS)
NUMBERS = Schema("regression", "price", (), COLUMNS)


def cells(rows: int) -> pa.Table:
    return pa.table(
        {
            "word": [f"w{place}" for place in range(rows)],
            "size": pa.array([f"{place},5" for place in range(rows)]),
            "day": pa.array([datetime.date(2025, 1, 1)] * rows),
            "not a feature": ["secret"] * rows,
        }
    )


def test_the_row_on_which_it_was_surest_comes_first_with_its_raw_cells():
    truth, predicted = np.array([0, 1, 0, 1]), np.array([1, 1, 1, 0])
    positive = np.array([0.7, 0.99, 0.9, 0.2])
    found = mistakes(BINARY, truth, (predicted, np.stack([1 - positive, positive], axis=1)), cells(4))
    assert faults(found, MistakesDocument) == []
    assert found["wrong"] == 3
    assert [one["row"] for one in found["rows"]] == [2, 3, 0]
    first, second, _ = found["rows"]
    assert (first["label"], first["predicted"], first["probability"]) == ("no", "yes", 0.9)
    assert first["cells"] == {"size": "2,5", "day": "2025-01-01", "word": "w2"}
    assert (second["label"], second["predicted"], second["probability"]) == ("yes", "no", 0.8)


def test_of_numbers_the_row_that_is_furthest_off_comes_first():
    found = mistakes(NUMBERS, np.array([1.0, 2.0, 3.0]), (np.array([1.5, 2.0, -3.0]), None), cells(3))
    assert faults(found, MistakesDocument) == []
    assert [(one["row"], one["predicted"]) for one in found["rows"]] == [(2, -3.0), (0, 1.5)]
    assert "probability" not in found["rows"][0]


def test_the_rows_are_few_and_long_cells_are_cut():
    rows = 3 * MOST
    table = cells(rows).set_column(0, "word", pa.array(["x" * 1000] * rows))
    answers = (np.ones(rows, dtype=int), np.tile([0.1, 0.9], (rows, 1)))
    found = mistakes(BINARY, np.zeros(rows, dtype=int), answers, table)
    assert (found["wrong"], len(found["rows"])) == (rows, MOST)
    assert len(found["rows"][0]["cells"]["word"]) == LONGEST


def test_without_a_mistake_there_is_none():
    found = mistakes(BINARY, np.array([0, 1]), (np.array([0, 1]), np.eye(2)), cells(2))
    assert (found["wrong"], found["rows"]) == (0, [])


def test_typed_cells_are_written_as_json_can_say_them():
    typed = {"size": pa.array([Decimal("1.50")]), "word": pa.array([None], pa.string())}
    table = cells(1).drop(["size", "word"])
    for name, values in typed.items():
        table = table.append_column(name, values)
    (one,) = mistakes(NUMBERS, np.array([1.0]), (np.array([2.0]), None), table)["rows"]
    assert one["cells"] == {"size": "1.50", "day": "2025-01-01", "word": None}
    table = table.set_column(table.column_names.index("size"), "size", pa.array([float("nan")]))
    (one,) = mistakes(NUMBERS, np.array([1.0]), (np.array([2.0]), None), table)["rows"]
    assert json.loads(json.dumps(one, allow_nan=False))["cells"]["size"] == ""
