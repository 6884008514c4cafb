"""The champion: what can be compared, on which rows, and what differs."""

import copy
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.container.reports import ENSEMBLE, MEMBERS
from tabular.data.splits.statistics import ROWS, row_hashes
from tabular.judging.champion import FEWEST_ROWS, Champion, changed, not_comparable, too_few, unseen
from tabular.spec.columns import Column, Schema

COLUMNS = (Column("size", "numeric"), Column("colour", "categorical"))
SCHEMA = Schema("binary", "sold", ("no", "yes"), COLUMNS)
HISTORY = {
    "algorithm": "XGBoost",
    "hyperparameters": {"max_depth": "3", "n_estimators": "100"},
    "cross_validation": {"scorer": "neg_log_loss", "score": -0.25},
    "training": {"rows": 80, "data_sha256": "ab" * 32},
    "libraries": {"numpy": "2.4.6"},
    "encodings": [],
    "estimator": {"kind": "trees"},
    "files": {"model.safetensors": "cd" * 32},
}


def manifest(schema=SCHEMA, **changes):
    return json.loads(json.dumps({**HISTORY, **schema.to_dict(), **changes}))


@pytest.fixture
def champion(tmp_path):
    def make(schema=SCHEMA, **changes):
        return Champion(4, tmp_path, manifest(schema, **changes))

    return make


def rows(count, start=0):
    size = np.arange(start, start + count, dtype=float)
    return pd.DataFrame({"size": size, "colour": ["red" if one % 3 else "" for one in size]})


# What can be compared


def test_a_champion_of_the_same_columns_can_be_compared(champion):
    assert not_comparable(champion(), SCHEMA) == ""


def test_a_champion_may_have_fewer_columns_in_another_order(champion):
    assert not_comparable(champion(Schema("binary", "sold", ("no", "yes"), COLUMNS[1:])), SCHEMA) == ""
    assert not_comparable(champion(Schema("binary", "sold", ("no", "yes"), COLUMNS[::-1])), SCHEMA) == ""


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        (Schema("binary", "bought", ("no", "yes"), COLUMNS), r"predicts 'bought' \(binary\), not 'sold'"),
        (Schema("regression", "sold", (), COLUMNS), r"predicts 'sold' \(regression\), not 'sold' \(binary\)"),
        (Schema("binary", "sold", ("no", "si"), COLUMNS), "predicts the classes no, si, not those of this"),
        (
            Schema("binary", "sold", ("no", "yes"), (*COLUMNS, Column("age", "numeric"))),
            "needs the column 'age', which this table does not have",
        ),
        (
            Schema("binary", "sold", ("no", "yes"), (Column("size", "categorical"),)),
            "reads the column 'size' as categorical, which is now numeric",
        ),
    ],
)
def test_a_champion_of_another_table_cannot(champion, theirs, why):
    import re

    assert re.match(why, not_comparable(champion(theirs), SCHEMA))


# On which rows


def test_rows_that_the_champion_was_trained_on_are_left_out(champion, tmp_path):
    one, labels = champion(), np.array(["yes", "no"] * 10)
    row_hashes(rows(12), labels[:12], ["size", "colour"]).tofile(tmp_path / ROWS)
    held_out = rows(20, start=2)  # of which 10 are among those 12
    found = unseen(one, manifest(training={"data_sha256": "ef" * 32}), held_out, labels)
    assert found.tolist() == [False] * 10 + [True] * 10


def test_a_row_with_another_label_is_another_row(champion, tmp_path):
    row_hashes(rows(5), ["yes"] * 5, ["size", "colour"]).tofile(tmp_path / ROWS)
    assert unseen(champion(), manifest(), rows(5), np.array(["no"] * 5)).all()


def test_a_champion_knows_a_row_by_its_own_columns_alone(champion, tmp_path):
    narrow = champion(Schema("binary", "sold", ("no", "yes"), COLUMNS[1:]))
    row_hashes(rows(3), ["yes"] * 3, ["colour"]).tofile(tmp_path / ROWS)
    assert not unseen(narrow, manifest(), rows(6), np.array(["yes"] * 6)).any()


@pytest.mark.parametrize(("before", "now"), [("", ".0"), (".0", "")])
def test_a_champion_knows_a_row_whose_whole_numbers_were_written_otherwise(champion, tmp_path, before, now):
    schema = Schema("multiclass", "grade", (1, 2, 3), (Column("code", "categorical", whole=before),))
    old, new = (pd.DataFrame({"code": [f"{code}{ending}" for code in range(4)]}) for ending in (before, now))
    row_hashes(old[:3], np.array([1, 2, 3]), ["code"]).tofile(tmp_path / ROWS)
    found = unseen(champion(schema), manifest(schema), new, np.array([1.0, 2.0, 3.0, 1.0]))
    assert found.tolist() == [False, False, False, True]


def test_without_its_rows_a_champion_of_the_same_split_has_seen_none(champion):
    assert unseen(champion(), manifest(), rows(4), np.array(["no"] * 4)).all()


@pytest.mark.parametrize("training", [{"data_sha256": "ef" * 32}, {}])
def test_without_its_rows_nobody_knows_what_another_champion_has_seen(champion, training):
    old = champion(training=training)
    assert unseen(old, manifest(), rows(4), np.array(["no"] * 4)) is None
    assert unseen(old, manifest(training={}), rows(4), np.array(["no"] * 4)) is None


def test_too_few_rows_or_a_class_without_rows_compare_nothing():
    truth = np.tile([0, 1], FEWEST_ROWS)
    whole = np.ones(len(truth), dtype=bool)
    assert too_few(truth, whole, SCHEMA) == ""
    few = np.arange(len(truth)) < FEWEST_ROWS - 1
    assert too_few(truth, few, SCHEMA) == "only 29 of the 60 held-out rows are new to it, and 30 are needed"
    assert too_few(truth, truth == 0, SCHEMA) == "no held-out row of the class 'yes' is new to it"
    assert too_few(truth.astype(float), truth == 0, Schema("regression", "t", (), ())) == ""


# What differs


def test_the_same_model_is_known_again(champion):
    assert champion().is_same_as(manifest(training={"rows": 80, "data_sha256": "ab" * 32, "job": "later"}))


def test_a_model_that_lets_requests_write_true_for_1_is_the_same(champion):
    """Models of earlier versions do not say that all numbers of a column are 1 and 0."""
    columns = [replace(column, flag=True).to_dict() for column in COLUMNS]
    assert champion().is_same_as(manifest(columns=columns))
    assert not champion().is_same_as(manifest(columns=columns[::-1]))


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"data_sha256": "ef" * 32}},
        {"files": {"model.safetensors": "ef" * 32}},
        {"encodings": [{"levels": {"red": 0}, "unknown": None, "width": 1}]},
        {"classes": ["no", "si"]},
        {"members": [{"weight": 1.0, "estimator": {"kind": "trees"}}]},
    ],
)
def test_a_model_of_other_rows_arrays_levels_or_classes_is_another(champion, changes):
    assert not champion().is_same_as(manifest(**changes))


def test_an_ensemble_differs_from_a_single_model_by_its_members(champion):
    found = {
        one["what"]: (one["champion"], one["challenger"]) for one in changed(champion(), manifest(**ENSEMBLE))
    }
    assert found["algorithm"] == ("XGBoost", "Ensemble")
    assert found["max_depth"] == ("3", "")
    assert found["member 1"] == ("", MEMBERS["member 1"])
    assert found["nested cross-validated neg_log_loss"] == ("", "-0.34")
    fewer = copy.deepcopy(ENSEMBLE)
    fewer["ensemble"]["members"].pop()
    found = changed(champion(**ENSEMBLE), manifest(**fewer))
    assert found == [{"what": "member 2", "champion": MEMBERS["member 2"], "challenger": ""}]


def test_what_changed_is_listed_and_nothing_else(champion):
    after = manifest(
        algorithm="NaiveBayes",
        hyperparameters={"var_smoothing": "1e-09"},
        cross_validation={"scorer": "neg_log_loss", "score": -0.25},
        training={"rows": 90, "data_sha256": "ab" * 32},
    )
    found = {one["what"]: (one["champion"], one["challenger"]) for one in changed(champion(), after)}
    assert found == {
        "algorithm": ("XGBoost", "NaiveBayes"),
        "training rows": ("80", "90"),
        "max_depth": ("3", ""),
        "n_estimators": ("100", ""),
        "var_smoothing": ("", "1e-09"),
    }
    assert changed(champion(), manifest()) == []
