"""PreprocessData: from a raw table to typed columns in two splits, or one sentence that says what to fix."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from support.container.tables import give_options, mixed, refusal


def numbered(rows=40, **more):
    """A table of one numeric column and two classes."""
    return pd.DataFrame({"size": np.arange(rows) * 0.5, "target": ["no", "yes"] * (rows // 2), **more})


def test_a_table_becomes_two_splits_with_a_schema_and_a_report(preprocess_data):
    table = pd.concat([mixed(rows=100), mixed(rows=100).head(10)])
    table.iloc[3, table.columns.get_loc("target")] = None
    done = preprocess_data(table.assign(constant=1, empty=None))
    assert (done.schema.task, done.schema.target) == ("binary", "target")
    assert done.schema.classes == ("no", "yes, it is")
    assert done.kinds == {
        "colour": "categorical",
        "size": "numeric",
        "member": "boolean",
        "income": "numeric",
        "code": "categorical",
    }
    report = json.loads(done.report)
    assert report["files"][0]["name"] == "table.csv"
    assert {name: count for name, count in report.items() if name.startswith("rows_")} == {
        "rows_read": 110,
        "rows_not_data": {},
        "rows_without_target": 1,
        "rows_without_time": 0,
        "rows_repeated": 0,
        "rows_outliers": 0,
        "rows_train": 81,
        "rows_test": 28,
    }
    assert report["columns_dropped"] == {"constant": "has only one value", "empty": "is empty"}
    assert report["split"] == {"by": "stratified", "test_size": 0.25, "random_state": 7}
    assert report["classes"] == {"no": 53, "yes, it is": 56}
    assert [column["name"] for column in report["columns"]] == list(done.kinds)
    assert len(done.train) == len(done.train_target) == 81
    assert len(done.test) == len(done.test_target) == 28


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2", ""], "numeric"),
        (["1.5", "NA", "-2e3"], "numeric"),
        (["0", "1", "0"], "numeric"),
        (["True", "False", "True"], "boolean"),
        (["true", "false", ""], "boolean"),
        (["yes", "NO", "null"], "boolean"),
        (["t", "f", "t"], "boolean"),
        (["yes", "no", "maybe"], "categorical"),
        (["yes", "y", "yes"], "categorical"),
        (["1", "2", "three"], "categorical"),
        (["2024-01-05", "2024-01-06", ""], "date"),
        (["1_000", "2", "3"], "categorical"),
        (["yes", "", ""], "categorical"),
    ],
)
def test_the_type_of_a_column_is_found_in_its_cells(preprocess_data, cells, kind):
    assert preprocess_data(numbered(column=(cells * 14)[:40])).kinds["column"] == kind


@pytest.mark.parametrize(
    ("labels", "classes", "task"),
    [
        (["no", "yes"], ("no", "yes"), "binary"),
        (["2", "1"], (1, 2), "binary"),
        (["0.5", "1"], (0.5, 1.0), "binary"),
        (["a", "b", "c", "B"], ("B", "a", "b", "c"), "multiclass"),
        (["True", "False"], ("False", "True"), "binary"),
        (["1", "two"], ("1", "two"), "binary"),
        (["007", "x"], ("007", "x"), "binary"),
    ],
)
def test_classes_keep_their_type_and_spelling(preprocess_data, labels, classes, task):
    done = preprocess_data(numbered(target=labels * (40 // len(labels))))
    assert (done.schema.classes, done.schema.task) == (classes, task)
    assert sorted(set(done.train_target)) == list(range(len(classes)))


def test_whole_numbers_stay_whole_when_some_rows_have_no_target(preprocess_data):
    table = numbered(rows=60)
    table["target"] = [1, 2, None] * 20
    done = preprocess_data(table)
    assert done.schema.classes == (1, 2)
    assert all(type(label) is int for label in done.schema.classes)


def test_boolean_labels_are_the_same_with_and_without_gaps(preprocess_data):
    table = numbered(rows=80)
    table["target"] = [True, False, True, None] * 20
    assert preprocess_data(table).schema.classes == ("False", "True")


def test_a_column_is_typed_as_a_whole_however_long_the_table_is(preprocess_data):
    """pandas would read numbers in the first part of a long file and texts in the last."""
    rows = 12_000
    table = pd.DataFrame({f"x{i}": np.arange(rows) for i in range(64)})
    table["code"] = [f"{i % 9:03d}" for i in range(rows - 1)] + ["x"]
    table["target"] = ["no", "yes"] * (rows // 2)
    done = preprocess_data(table)
    assert set(done.train["code"]) | set(done.test["code"]) == {*(f"{i:03d}" for i in range(9)), "x"}


def test_names_and_cells_lose_the_spaces_in_front_of_them(preprocess_data):
    lines = [f"{i}, {'red' if i % 2 else 'blue'}, {'a' if i % 3 else 'b'}" for i in range(30)]
    done = preprocess_data("\n".join([" size , colour,target ", *lines]))
    assert done.kinds == {"size": "numeric", "colour": "categorical"}
    assert set(done.train["colour"]) == {"red", "blue"}
    assert done.schema.classes == ("a", "b")


def test_a_byte_order_mark_is_not_part_of_the_first_name(preprocess_data):
    assert "size" in preprocess_data(b"\xef\xbb\xbf" + numbered().to_csv(index=False).encode()).kinds


def test_names_may_hold_commas_quotes_and_any_script(preprocess_data):
    table = numbered().rename(columns={"size": 'größe, "in" cm'})
    assert preprocess_data(table).kinds == {'größe, "in" cm': "numeric"}


def test_a_target_may_have_any_name(preprocess_data):
    assert (
        preprocess_data(numbered().rename(columns={"target": "self"}), target="self").schema.target == "self"
    )


def test_a_parquet_file_is_read_as_a_csv_file_is(preprocess_data):
    table = mixed(rows=80)
    as_csv = preprocess_data(table)
    table["colour"] = table["colour"].astype("category")
    (as_csv.folder.parent / "input/data/table.csv").unlink()
    as_parquet = preprocess_data(table, "table.parquet")
    pd.testing.assert_frame_equal(as_parquet.train, as_csv.train)
    assert as_parquet.schema == as_csv.schema


def test_the_share_of_each_class_is_kept(preprocess_data):
    table = numbered(rows=200, target=["a"] * 140 + ["b"] * 40 + ["c"] * 20)
    done = preprocess_data(table, test_size="0.2")
    assert np.bincount(done.train_target).tolist() == [112, 32, 16]
    assert np.bincount(done.test_target).tolist() == [28, 8, 4]


def test_no_row_is_lost_and_none_is_in_both_splits(preprocess_data):
    for stratify in ("true", "false"):
        done = preprocess_data(numbered(rows=50), stratify=stratify, test_size="0.3")
        train, test = set(done.train["size"]), set(done.test["size"])
        assert not train & test
        assert train | test == set(numbered(rows=50)["size"])
        assert len(test) == 15


def test_a_regression_keeps_its_numbers_and_ignores_stratification(preprocess_data):
    table = mixed("regression", rows=80)
    done = preprocess_data(table, family="regression")
    assert (done.schema.task, done.schema.classes) == ("regression", ())
    assert sorted([*done.train_target, *done.test_target]) == sorted(table["target"])


def digests(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)
    }


def test_the_same_table_and_seed_give_the_same_bytes(preprocess_data):
    first = digests(preprocess_data(mixed()).folder)
    assert list(first) == [
        "report/preprocessing.json",
        "test/cells.parquet",
        "test/data.parquet",
        "test/schema.json",
        "test/training.json",
        "train/data.parquet",
        "train/schema.json",
    ]
    assert digests(preprocess_data(mixed()).folder) == first
    assert digests(preprocess_data(mixed(), random_state="8").folder) != first


def test_nothing_of_the_held_out_rows_is_in_the_training_split(preprocess_data):
    table = mixed()
    before = preprocess_data(table)
    held_out = table["size"].isin(before.test["size"].dropna())
    bytes_before = (before.folder / "train/data.parquet").read_bytes()
    after = preprocess_data(table.assign(income=table["income"].where(~held_out, 1e30)))
    assert after.test["income"].max() == 1e30
    assert (after.folder / "train/data.parquet").read_bytes() == bytes_before


def test_held_out_rows_are_kept_as_they_stand_in_the_file(preprocess_data):
    price = [f"{i}.234,50 \u20ac" for i in range(1, 41)]
    code, when = [f"{i:05d}" for i in range(40)], [f"{i % 28 + 1:02d}/02/2024" for i in range(40)]
    table = numbered(price=price, code=code, when=when, country=["NA", "DE", None, "n/a"] * 10)
    cells = pd.read_parquet(preprocess_data(table).folder / "test/cells.parquet")
    assert list(cells) == ["size", "price", "code", "when", "country"]
    known = table[list(cells)].astype({"size": str}).fillna("").to_numpy().tolist()
    assert all(row in known for row in cells.fillna("").to_numpy().tolist())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("7,b,7\n1,2,3\n", r"the column names \['7'\] occur more than once"),
        ("7,b, 7 \n1,2,3\n", r"the column names \['7'\] occur more than once"),
        ("a,,target\n1,2,3\n", "column 2 of its header has no name"),
        ("a,target\n1,2\n3,4,5\n", "line 3 has 3 cells, but the header has 2"),
        ("a,target\n1,2,x\n3,4,x\n", "its rows have more cells than its header"),
        (
            b"a,target\n" + bytes(range(128, 256)) + b",1\n",
            "it is neither UTF-8 nor text in another encoding",
        ),
        ('a,target\n"1,2\n', "a quote is never closed"),
    ],
)
def test_a_file_that_is_no_table_is_refused(preprocess_data, content, sentence):
    said = refusal(preprocess_data, content)
    assert said.startswith("Cannot read the table table.csv: ")
    assert ";" in said or said.endswith("Give a CSV with a header line.")
    with pytest.raises(SystemExit, match=sentence):
        preprocess_data(content)


def test_a_parquet_file_that_is_none_is_refused(preprocess_data):
    assert "Cannot read the table table.parquet" in refusal(preprocess_data, b"PAR1", "table.parquet")


def test_names_of_a_parquet_file_that_differ_by_spaces_alone_are_told_apart_as_in_csv(preprocess_data):
    done = preprocess_data(numbered(**{" size": np.arange(40.0)[::-1]}), "table.parquet")
    assert list(done.kinds) == ["size", "size.1"]
    assert "it is called 'size.1', as in pandas" in done.report


def test_an_unknown_target_is_refused_with_the_nearest_column(preprocess_data):
    said = refusal(preprocess_data, numbered(), target="Target")
    assert (
        said == "Unknown target column 'Target'; the known ones are 'size', 'target'. Did you mean 'target'?"
    )


@pytest.mark.parametrize("rows", [0, 2, 18])
def test_too_few_rows_are_refused_with_what_was_found(preprocess_data, rows):
    said = refusal(preprocess_data, numbered(rows=rows))
    assert said == f"Only {rows} rows are left after cleaning ({rows} read); at least 20 are needed."


def test_too_few_rows_are_refused_with_what_was_left_out(preprocess_data, base):
    give_options(base, repeated="drop")
    said = refusal(preprocess_data, pd.concat([numbered(rows=18)] * 2))
    assert said == "Only 18 rows are left after cleaning (36 read, 18 repeated); at least 20 are needed."


def test_rows_that_repeat_are_kept_and_told(preprocess_data):
    done = preprocess_data(pd.concat([numbered(rows=30)] * 10))
    assert len(done.train) + len(done.test) == 300
    (told,) = json.loads(done.report)["warnings"]
    assert told["said"].startswith(
        "270 of 300 rows are duplicates of others and are kept; set repeated to 'drop'"
    )


def test_rows_that_repeat_are_left_out_where_that_is_asked(preprocess_data, base):
    give_options(base, repeated="drop")
    assert "Only 10 rows are left" in refusal(preprocess_data, pd.concat([numbered(rows=10)] * 10))


def test_rows_that_repeat_stay_on_one_side_where_that_is_asked(preprocess_data, base):
    give_options(base, repeated="together")
    done = preprocess_data(pd.concat([numbered(rows=30)] * 10))
    assert not set(map(tuple, done.train.to_numpy())) & set(map(tuple, done.test.to_numpy()))
    assert len(done.train) + len(done.test) == 300
    assert json.loads(done.report)["split"]["by"] == "duplicate rows together"


def test_one_class_is_refused(preprocess_data):
    assert refusal(preprocess_data, numbered(target="yes")) == (
        "The target 'target' contains only 'yes'; classification needs two classes."
    )


def test_one_value_of_a_quantity_is_refused(preprocess_data):
    assert "contains only 3" in refusal(preprocess_data, numbered(target=3), family="regression")


def test_a_quantity_is_no_set_of_classes(preprocess_data):
    said = refusal(preprocess_data, pd.DataFrame({"a": range(300), "target": np.arange(300) / 7}))
    assert "has 300 distinct values, and at most 100 classes are allowed" in said
    assert "use the regression pipeline" in said


@pytest.mark.parametrize("family", ["classification", "regression"])
@pytest.mark.parametrize(
    ("cells", "what", "code"),
    [
        (pd.date_range("2024-01-31", periods=300).strftime("%d.%m.%Y"), "date", "format='%d.%m.%Y') - pd.T"),
        (pd.date_range("2024-01-31", periods=300).strftime("%Y-%m-%d"), "date", "format='ISO8601') - pd.T"),
        (
            pd.date_range("2024-01-31", periods=300, freq="7min").strftime("%H:%M"),
            "time of day",
            "').dt.hour",
        ),
    ],
)
def test_a_date_is_refused_with_what_can_be_predicted_instead(preprocess_data, family, cells, what, code):
    said = refusal(preprocess_data, pd.DataFrame({"a": range(300), "target": cells}), family=family)
    assert said.startswith(f"The target 'target' is a {what}, such as {cells[0]!r}, and only a number or a")
    assert f"frame['target'] = {'(' if what == 'date' else ''}pd.to_datetime(frame['target'], " in said
    assert code in said
    assert "month_name() or .dt.day_name()" in said or what == "time of day"


def test_labels_are_no_quantity(preprocess_data):
    said = refusal(preprocess_data, numbered(), family="regression")
    assert said.startswith("The target 'target' contains 'no', which is not a number")


def test_columns_of_one_value_alone_are_nothing_to_learn_from(preprocess_data):
    table = pd.DataFrame({"a": 1, "b": None, "target": np.arange(40) * 0.5})
    said = refusal(preprocess_data, table, family="regression")
    assert said.endswith("add columns from which the target can be predicted.")


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
@pytest.mark.parametrize("column", ["size", "target"])
def test_an_infinite_number_is_refused_with_its_column(preprocess_data, cell, column):
    table = numbered(target=np.arange(40) * 0.5).astype(object)
    table.loc[5, column] = cell
    assert refusal(preprocess_data, table, family="regression") == (
        f"The column {column!r} contains an infinite number; leave cells with unknown numbers empty."
    )


@pytest.mark.parametrize("stratify", ["true", "false"])
def test_a_class_too_rare_for_both_splits_is_refused(preprocess_data, stratify):
    table = numbered(target=["a"] * 39 + ["b"])
    said = refusal(preprocess_data, table, stratify=stratify)
    assert "Cannot split 40 rows with TestSetSize=0.25" in said
    assert "Give more rows of the rarest class" in said


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("stratify", ["true", "false"])
def test_every_class_is_in_both_splits_or_the_table_is_refused(preprocess_data, stratify, seed):
    table = numbered(rows=100, target=["a"] * 98 + ["b"] * 2)
    try:
        done = preprocess_data(table, stratify=stratify, random_state=str(seed))
    except SystemExit as ended:
        assert "split would have no row of 'b'. Give more rows" in str(ended.code)
    else:
        assert set(done.train_target) == set(done.test_target) == {0, 1}


@pytest.mark.parametrize("share", ["0", "1", "1.5", "-0.1", "0.001", "nan"])
def test_a_share_that_leaves_a_split_empty_is_refused(preprocess_data, share):
    assert "Cannot split" in refusal(preprocess_data, numbered(), test_size=share)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"test_size": "a quarter"}, "--test-size: invalid float value: 'a quarter'"),
        ({"stratify": "maybe"}, "--stratify: invalid choice: 'maybe'"),
        ({"family": "clustering"}, "--family: invalid choice: 'clustering'"),
        ({"random_state": "0.5"}, "--random-state: invalid int value: '0.5'"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(preprocess_data, changed, sentence):
    assert sentence in refusal(preprocess_data, numbered(), **changed)


def test_options_travel_beside_the_table(preprocess_data, base):
    give_options(base, drop=["income"], categorical=["size"], subgroups=["colour", "income"])
    done = preprocess_data(mixed(rows=60))
    assert done.kinds == {
        "colour": "categorical",
        "size": "categorical",
        "member": "boolean",
        "code": "categorical",
    }
    assert json.loads(done.report)["columns_dropped"] == {"income": "named in drop"}
    assert done.schema.options.categorical == ("size",)
    assert json.loads(done.report)["options"]["drop"] == ["income"]
    subgroups = pd.read_parquet(done.folder / "test/subgroups.parquet")
    assert list(subgroups) == ["colour", "income"]
    assert subgroups["colour"].tolist() == done.test["colour"].tolist()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "dataset.json next to the table is not JSON"),
        (b"\xff", "dataset.json next to the table is not JSON"),
        (b'{"dorp": []}', "Unknown option 'dorp'; .* Did you mean 'drop'"),
        (b'{"drop": ["sise"]}', "Unknown column in drop 'sise'; .* Did you mean 'size'"),
        (
            b'{"task": "regression"}',
            "The option task is regression, but this is the classification pipeline",
        ),
        (b'{"task": "multiclass"}', "The option task is multiclass, but the target 'target' has 2 classes"),
        (
            b'{"log_target": true}',
            "log_target needs a target of numbers greater than -1, and the task is binary",
        ),
        (b'{"numeric": ["colour"]}', r"Row \d+ of the column 'colour' is '.*', which is not a number"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(preprocess_data, base, content, sentence):
    give_options(base, content)
    with pytest.raises(SystemExit, match=sentence) as ended:
        preprocess_data(mixed(rows=60))
    assert "\n" not in ended.value.code


@pytest.mark.parametrize("name", ["class_weight", "log_target"])
def test_options_of_a_regression_fit_its_numbers(preprocess_data, base, name):
    given = {"class_weight": {"class_weight": "balanced"}, "log_target": {"log_target": True}}[name]
    give_options(base, **given)
    said = refusal(preprocess_data, mixed("regression", rows=60), family="regression")
    assert (
        "greater than -1, and the smallest is -" if name == "log_target" else "is only for classification"
    ) in said


def test_several_files_are_one_table(preprocess_data, base):
    table = mixed(rows=80)
    preprocess_data(table.head(50), "1.csv")
    report = json.loads(preprocess_data(table.tail(30), "2.csv").report)
    assert [(one["name"], one["rows"]) for one in report["files"]] == [("1.csv", 50), ("2.csv", 30)]
    assert report["rows_read"] == 80


def test_the_baseline_is_that_of_the_rows_of_training(preprocess_data):
    table = mixed(rows=100).assign(day="2024-01-05", other=["2024-01-05", "2024-03-01"] * 50)
    done = preprocess_data(table)
    found = done.schema.baseline
    assert list(found) == list(done.kinds)
    size = done.train["size"]
    assert found["size"]["mean"] == pytest.approx(size.mean(), rel=1e-5)
    assert found["size"]["standard_deviation"] == pytest.approx(size.std(ddof=0), rel=1e-5)
    assert found["size"]["median"] == pytest.approx(size.median(), rel=1e-5)
    assert found["size"]["missing"] == pytest.approx(size.isna().mean(), rel=1e-5)
    assert found["member"]["true"] == pytest.approx(done.train["member"].mean(), rel=1e-5)
    assert found["other"] == {"missing": 0.0, "first": "2024-01-05T00:00:00", "last": "2024-03-01T00:00:00"}
    assert found["colour"]["distinct"] == done.train["colour"].nunique()
    assert found["colour"]["most_frequent"]["red"] == pytest.approx((done.train["colour"] == "red").mean())
    assert len(found["code"]["most_frequent"]) == 10


def test_a_target_that_is_empty_in_every_row_is_refused(preprocess_data):
    said = refusal(preprocess_data, numbered(target=None))
    assert said == "The target 'target' is empty in every row; choose another target."


def test_cells_that_are_no_single_values_are_refused(preprocess_data):
    said = refusal(preprocess_data, numbered(tags=[[1, 2]] * 40), "table.parquet")
    assert said.startswith(
        "The column 'tags' contains lists or objects, which are not single values; name it in drop"
    )


def test_all_columns_of_cells_that_are_no_single_values_are_refused_at_once(preprocess_data):
    nested = {"tags": [[1, 2]] * 40, "place": [{"city": "Bern"}] * 40, "raw": [b"\xff"] * 40}
    said = refusal(preprocess_data, numbered(**nested), "table.parquet")
    assert said == (
        "The columns 'tags', 'place', 'raw' contain bytes or lists or objects, which are not single values; "
        "name them in drop, or flatten them in your own clean function."
    )


def test_cells_that_are_no_single_values_may_be_dropped(preprocess_data, base):
    give_options(base, drop=["tags"])
    assert preprocess_data(numbered(tags=[[1, 2]] * 40), "table.parquet").kinds == {"size": "numeric"}


def with_large_numbers(column):
    table = numbered(target=np.arange(40) * 0.5)
    table.loc[[5, 7], column] = 1.7976931348623157e308
    return table


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_a_few_numbers_beyond_single_precision_are_missing_and_told(preprocess_data, name):
    done = preprocess_data(with_large_numbers("size"), name, family="regression")
    assert done.train["size"].isna().sum() + done.test["size"].isna().sum() == 2
    (column,) = done.schema.columns
    assert column.missing == ("1.7976931348623157e+308",)
    (told,) = [one for one in json.loads(done.report)["warnings"] if one["column"] == "size"]
    assert "'1.7976931348623157e+308', in 2 of 40 rows, is too large for a model" in told["said"]


@pytest.mark.parametrize("column", ["size", "target"])
def test_a_number_beyond_single_precision_that_means_none_missing_is_refused(preprocess_data, base, column):
    give_options(base, missing=[])
    said = refusal(preprocess_data, with_large_numbers(column), family="regression")
    assert said.startswith(f"The column {column!r} contains 1.79769e+308 in 2 of 40 rows, which is too large")


def test_a_column_of_numbers_beyond_single_precision_is_refused(preprocess_data):
    said = refusal(preprocess_data, numbered(huge=np.arange(1, 41) * 1e300))
    assert said.startswith("The column 'huge' contains 1e+300 in 40 of 40 rows, which is too large")
