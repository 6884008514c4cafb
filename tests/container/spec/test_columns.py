"""Columns keep their types on their way from the raw table to the model."""

import json

import numpy as np
import pandas as pd
from pandas.testing import assert_frame_equal
from support.container.tables import mixed
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.data.splits.files import read_split, write_split
from tabular.spec.columns import Column, Schema

MIXED = Schema(
    "binary",
    "target",
    ("no", "yes, it is"),
    (
        Column("colour", "categorical"),
        Column("size", "numeric"),
        Column("member", "boolean"),
        Column("income", "numeric"),
        Column("code", "categorical"),
    ),
    positive="yes, it is",
)


def test_columns_stay_in_the_order_of_the_table():
    assert infer_schema(mixed(), "target", "classification") == MIXED
    assert MIXED.of_kind("numeric") == ["size", "income"]
    assert MIXED.of_kind("categorical", "boolean") == ["colour", "member", "code"]


def test_a_schema_travels_as_json():
    for schema in (MIXED, Schema("multiclass", "t", (0, 10, 20), ()), Schema("regression", "t", (), ())):
        assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    assert [Schema(task, "t", (), ()).family for task in ("binary", "multiclass", "regression")] == [
        "classification",
        "classification",
        "regression",
    ]


def test_features_are_numbers_and_texts():
    table = pd.DataFrame(
        {
            "colour": ["red", None, "NA", 3.5],
            "size": [1, 2, 3, 4],
            "member": [True, None, "no", " Yes"],
            "income": [0.5, None, 2.0, 3.0],
            "code": ["a", "b", "c", "d"],
        }
    )
    frame = features(table, MIXED)
    assert frame["colour"].tolist() == ["red", "", "NA", "3.5"]
    assert frame["size"].dtype == frame["income"].dtype == frame["member"].dtype == np.float64
    np.testing.assert_array_equal(frame["member"], [1.0, np.nan, 0.0, 1.0])
    np.testing.assert_array_equal(frame["income"], [0.5, np.nan, 2.0, 3.0])


def test_columns_of_a_parquet_file_may_have_the_types_of_their_own():
    schema = Schema("regression", "t", (), (Column("a", "categorical"), Column("b", "numeric")))
    table = pd.DataFrame(
        {"a": pd.Categorical(["x", None, "y"]), "b": pd.Series([1, None, 3], dtype="Int64")},
    )
    frame = features(table, schema)
    assert frame["a"].tolist() == ["x", "", "y"]
    np.testing.assert_array_equal(frame["b"], [1.0, np.nan, 3.0])


def test_a_split_is_read_as_it_was_written(tmp_path):
    table = mixed()
    frame = features(table, MIXED)
    target = encode(table["target"], MIXED)
    write_split(tmp_path / "train", frame, target, MIXED)
    read, read_target, schema = read_split(tmp_path / "train")
    assert schema == MIXED
    assert_frame_equal(read, frame)
    np.testing.assert_array_equal(read_target, target)


def test_a_split_does_not_change_what_it_was_given(tmp_path):
    schema = Schema("regression", "self", (), (Column("a", "numeric"),))
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    write_split(tmp_path, frame, [3.0, 4.0], schema)
    assert list(frame) == ["a"]
    assert read_split(tmp_path)[1].tolist() == [3.0, 4.0]
