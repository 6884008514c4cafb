"""Held-out rows are sent as they stand in the table."""

import pyarrow as pa
import pytest
from tabular.data.splits.held_out import as_json
from tabular.spec.columns import Column, Schema


@pytest.mark.parametrize(
    ("cell", "sent"),
    [
        ("3", 3),
        ("-3", -3),
        ("3.0", 3.0),
        ("1e3", 1000.0),
        ("9007199254740993", 9007199254740992.0),  # no double is between it and this one
        ("1_000", "1_000"),
        ("unknown", "unknown"),
        (None, None),
    ],
)
def test_a_number_is_sent_as_it_is_written(cell: str | None, sent: object) -> None:
    schema = Schema("regression", "y", (), (Column("x", "numeric"),))
    ((found,),) = as_json(pa.table({"x": pa.array([cell], pa.string())}), schema)
    assert (found, type(found)) == (sent, type(sent))
