"""Rows are held out by class, by group or by time, and none of them is ever in a fold."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.container.tables import give_options, mixed, refusal
from tabular.data.splits.files import read_groups, read_split
from tabular.data.splits.rows import sizes, split, without_outliers
from tabular.data.splits.statistics import row_hashes
from tabular.learning.folds import folds_of
from tabular.spec.columns import Column, Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

BINARY = Schema("binary", "target", ("no", "yes"), (Column("x", "numeric"),))
NUMBER = Schema("regression", "target", (), (Column("x", "numeric"),))


def patients(rows=300, groups=30, seed=0):
    """Rows of patients, of whom each has nearly the same numbers in all rows."""
    rng = np.random.default_rng(seed)
    patient = rng.integers(groups, size=rows)
    of_patient = rng.normal(size=groups)[patient]
    return pd.DataFrame(
        {
            "patient": [f"p{i:03d}" for i in patient],
            "size": of_patient + 0.01 * rng.normal(size=rows),
            "age": rng.integers(20, 90, size=rows),
            "target": np.where(of_patient + rng.normal(size=rows) > 0, "ill", "well"),
        }
    )


def visits(rows=200):
    """Rows in no order of their days, several on each."""
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.random.default_rng(1).integers(60, size=rows), "D")
    return mixed(rows=rows, gaps=False).assign(day=days.strftime("%d.%m.%Y"))


def hashes(folder):
    frame, target, schema = read_split(folder)
    return row_hashes(frame, target, [column.name for column in schema.columns])


@pytest.mark.parametrize("stratify", ["true", "false"])
def test_rows_of_a_group_are_in_the_same_split_and_in_the_same_fold(preprocess_data, base, stratify):
    give_options(base, group="patient", subgroups=["patient"])
    done = preprocess_data(patients(), stratify=stratify)
    assert "patient" not in done.kinds
    sides = {part: pd.read_parquet(done.folder / part / "subgroups.parquet") for part in ("train", "test")}
    assert not set(sides["train"]["patient"]) & set(sides["test"]["patient"])
    assert 0.15 < len(done.test) / 300 < 0.35
    groups = read_groups(done.folder / "train")
    assert pd.Series(groups).groupby(sides["train"]["patient"]).nunique().eq(1).all()
    assert len(set(groups)) == sides["train"]["patient"].nunique()
    for rows, scored in folds_of(done.train_target, done.schema, 5, 7, groups):
        assert not set(groups[rows]) & set(groups[scored])
        assert set(done.train_target[rows]) == {0, 1}
    assert json.loads(done.report)["split"]["by"] == "group"


def test_rows_without_a_group_are_kept_together(preprocess_data, base):
    give_options(base, group="patient", subgroups=["patient"])
    table = patients()
    table.loc[::9, "patient"] = None
    done = preprocess_data(table)
    sides = [
        pd.read_parquet(done.folder / part / "subgroups.parquet")["patient"] for part in ("train", "test")
    ]
    assert sum("" in set(side) for side in sides) == 1


def test_the_newest_rows_are_held_out_and_every_fold_looks_ahead(preprocess_data, base):
    give_options(base, time="day", subgroups=["day"])
    done = preprocess_data(visits())
    assert "day" not in done.kinds
    days = {
        part: pd.to_datetime(pd.read_parquet(done.folder / part / "subgroups.parquet")["day"], dayfirst=True)
        for part in ("train", "test")
    }
    assert days["train"].max() < days["test"].min()
    assert days["train"].is_monotonic_increasing
    assert 50 <= len(done.test) <= 60
    for rows, scored in folds_of(done.train_target, done.schema, 4, 7):
        assert days["train"][rows].max() <= days["train"][scored].min()
    assert json.loads(done.report)["split"] == {"by": "time", "test_size": 0.25, "random_state": 7}


@pytest.mark.parametrize("gap", [None, "NA", "?", "31.12.9999", "later"])
def test_rows_without_a_time_are_left_out_and_counted(preprocess_data, base, gap):
    give_options(base, time="day", missing={"day": ["later"]} if gap == "later" else None)
    table = visits()
    table.loc[:9, "day"] = gap
    report = json.loads(preprocess_data(table).report)
    assert report["rows_without_time"] == 10
    assert report["columns_dropped"] == {"day": "the time of a row"}


def test_a_time_may_be_a_number(preprocess_data, base):
    give_options(base, time="year")
    done = preprocess_data(mixed(rows=100).assign(year=np.arange(100) // 10 + 2000))
    assert len(done.test) == 30  # rows of one year stay together


@pytest.mark.parametrize(
    ("options", "changed", "sentence"),
    [
        ({"time": "colour"}, {}, "The time column 'colour' is categorical, but it must"),
        ({"time": "same"}, {"same": 5}, "All rows have the same time. Give more rows, change TestSetSize"),
        (
            {"group": "same"},
            {"same": "a"},
            "All rows are in the same group. Give more groups",
        ),
        (
            {"time": "when", "subgroups": []},
            {"when": "sorted"},
            "The held-out split would have no row of 'no'",
        ),
    ],
)
def test_a_split_that_cannot_be_is_refused(preprocess_data, base, options, changed, sentence):
    give_options(base, **options)
    table = mixed(rows=100).assign(**changed)
    if "when" in table:
        table["when"] = table["target"].map({"no": 1, "yes, it is": 2}) + np.arange(100) / 1000
    assert sentence in refusal(preprocess_data, table)


@pytest.mark.parametrize("seed", range(8))
def test_a_timed_split_holds_the_share_out_that_was_asked_for(seed):
    rng = np.random.default_rng(seed)
    times = rng.permutation(100).astype(float)
    train, test = split(rng.normal(size=100), NUMBER, 0.2, True, 7, times=times)
    assert sorted(times[test]) == list(range(80, 100))
    assert sorted([*train, *test]) == list(range(100))


def test_groups_of_which_each_has_one_class_may_be_too_few():
    target, groups = np.repeat([0, 1], 20), np.repeat([0, 1], 20)
    with pytest.raises(
        BadInput,
        match=r"No choice among the 2 groups puts a row of each class into both splits. Give more groups",
    ):
        split(target, BINARY, 0.25, True, 7, groups=groups)


def test_groups_of_a_regression_are_held_out_whole():
    groups = np.repeat(np.arange(20), 10)
    train, test = split(np.arange(200.0), NUMBER, 0.25, True, 7, groups=groups)
    assert len(set(groups[test])) == 5
    assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize(
    ("schema", "target", "groups", "sentence"),
    [
        (BINARY, [0] * 30 + [1] * 4, None, "The rarest class has 4 training rows, fewer than the 5 folds"),
        (
            NUMBER,
            range(40),
            np.arange(40) % 4,
            "training rows have 4 groups, fewer than the 5 folds; set Cross",
        ),
        (BINARY, [0] * 30 + [1], None, "has 1 training row, fewer than the 5 folds; give more rows of"),
        (NUMBER, [0.5, 1.5, 2.5], None, "There are only 3 training rows, fewer than the 5 folds; set Cross"),
        (BINARY, [0, 1] * 20, np.arange(40) % 2, "have 2 groups, fewer than the 5 folds"),
        (
            BINARY,
            [0] * 20 + [1] * 20,
            np.arange(40) // 8,
            "Fold . of 5 has no row of the class '(no|yes)' to score",
        ),
    ],
)
def test_folds_that_cannot_be_are_refused(schema, target, groups, sentence):
    with pytest.raises(BadInput, match=sentence):
        list(folds_of(np.array(target), schema, 5, 7, groups))


def test_a_fold_of_early_rows_without_a_class_is_refused():
    timed = Schema("binary", "target", ("no", "yes"), (), Options(time="day"))
    with pytest.raises(BadInput, match="Fold 1 of 3 has no row of the class 'yes' to train on; set Cross"):
        list(folds_of(np.array([0] * 20 + [1, 0] * 10), timed, 3, 7))


@pytest.mark.parametrize("options", [{}, {"group": "patient"}, {"time": "age"}])
def test_no_fold_sees_a_held_out_row(preprocess_data, base, options):
    """By the numbers that a model keeps of the rows it has seen."""
    give_options(base, **options)
    table = patients().drop_duplicates()
    done = preprocess_data(table)
    held_out, seen = hashes(done.folder / "test"), hashes(done.folder / "train")
    assert len(held_out) + len(seen) == len(table)
    assert not np.isin(held_out, seen).any()
    groups = read_groups(done.folder / "train")
    folds = list(folds_of(done.train_target, done.schema, 3, 7, groups))
    for rows, scored in folds:
        assert not set(rows) & set(scored)
        assert not np.isin(held_out, seen[np.concatenate([rows, scored])]).any()


def test_outliers_leave_the_training_split_alone(preprocess_data, base):
    table = mixed("regression", rows=200, gaps=False)
    table["income"] = table["income"].rank()
    table.loc[::20, "size"] = 1e6
    plain = preprocess_data(table, family="regression")
    give_options(base, outliers="iqr")
    done = preprocess_data(table, family="regression")
    assert (plain.train["size"] == 1e6).sum() + (plain.test["size"] == 1e6).sum() == 10
    assert (plain.test["size"] == 1e6).any()
    pd.testing.assert_frame_equal(done.test, plain.test)
    assert not (done.train["size"] == 1e6).any()
    report = json.loads(done.report)
    assert report["rows_outliers"] == (plain.train["size"] == 1e6).sum()
    assert report["rows_train"] == len(done.train) == 150 - report["rows_outliers"]
    assert done.schema.baseline["size"]["max"] < 10


def test_an_outlier_is_beyond_three_interquartile_ranges():
    frame = pd.DataFrame({"x": [0.0, 1, 2, 3, 4, np.nan, 10.1, 9.9, -6.1]})
    fences = frame["x"].quantile(0.25), frame["x"].quantile(0.75)
    width = 3 * (fences[1] - fences[0])
    kept = without_outliers(frame, np.zeros(9), BINARY)
    expected = frame["x"].isna() | frame["x"].between(fences[0] - width, fences[1] + width)
    assert kept.tolist() == expected.tolist()
    assert without_outliers(pd.DataFrame({"x": [0.0] * 9 + [5]}), np.zeros(10), BINARY).all()
    far = np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 900])
    for schema in (NUMBER, replace(NUMBER, target="self")):
        assert without_outliers(frame, far, schema).tolist()[-1] is False


def test_outliers_that_are_half_of_the_rows_are_none(preprocess_data, base):
    give_options(base, outliers="iqr")
    rng = np.random.default_rng(0)
    wild = {f"x{i}": rng.standard_cauchy(200) for i in range(20)}
    said = refusal(preprocess_data, mixed(rows=200).assign(**wild))
    assert "which is too few; set outliers to none." in said


@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("schema", [BINARY, NUMBER])
def test_sizes_are_known_without_dividing_the_rows_only_where_a_split_certainly_succeeds(schema, stratify):
    draw, known = np.random.default_rng(3), 0
    for _ in range(400):
        rows, test_size = int(draw.integers(2, 60)), float(draw.choice([0.02, 0.1, 0.2, 0.5, 0.9, 0.98, 1.0]))
        target = (draw.random(rows) < draw.choice([0.05, 0.5])).astype(int)
        fewest = int(draw.integers(1, 6))
        found = sizes(target, schema, test_size, stratify, fewest)
        if found is None:
            continue
        known += 1
        train, test = split(target, schema, test_size, stratify, 42)
        assert found == (len(train), len(test))
        assert min(np.bincount(target[train], minlength=2) if schema is BINARY else [len(train)]) >= fewest
        if fewest > 1:
            assert len(list(folds_of(target[train], schema, fewest, 42))) == fewest
    assert (known > 0) == (stratify or schema is NUMBER)


def test_sizes_of_a_class_that_is_too_rare_are_not_known():
    assert sizes(np.array([0] * 99 + [1] * 4), BINARY, 0.2, True) is None
    assert sizes(np.array([0] * 94 + [1] * 6), BINARY, 0.2, True) == (80, 20)
    assert sizes(np.array([0] * 94 + [1] * 6), BINARY, 0.2, True, fewest=5) is None
    assert sizes(np.arange(10.0), NUMBER, float("nan"), True) is None
