"""The user's options for a table: known, of the right type, and without contradictions."""

import json
import subprocess
import sys

import pytest
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

FULL = {
    "task": "regression",
    "drop": ["id"],
    "categorical": ["zip"],
    "numeric": ["age"],
    "date": ["born"],
    "text": ["note"],
    "group": "patient",
    "time": None,
    "subgroups": ["sex"],
    "outliers": "iqr",
    "log_target": True,
    "class_weight": "none",
    "repeated": "drop",
    "encoding": "cp1250",
    "delimiter": ";",
    "decimal": ",",
    "thousands": ".",
    "skip_rows": 2,
    "missing": {"age": ["?", "-999"], "sex": []},
    "date_format": {"born": "%d.%m.%y"},
    "dayfirst": True,
}


def test_options_travel_as_json():
    options = Options.from_dict(FULL)
    assert options.drop == ("id",)
    assert Options.from_dict(json.loads(json.dumps(options.to_dict()))) == options
    assert options.to_dict() == FULL


def test_nothing_said_is_nothing_done():
    options = Options.from_dict({})
    assert options == Options()
    assert (options.task, options.outliers, options.class_weight) == ("auto", "none", "none")


def test_an_option_that_is_not_given_is_not_stored_so_that_a_new_one_changes_no_address():
    stored = Options(drop=("a",)).to_dict()
    assert stored["drop"] == ["a"]
    assert not {"text", "encoding", "missing", "skip_rows", "dayfirst"} & set(stored)
    given = Options.from_dict({"skip_rows": 0, "missing": [], "thousands": "", "dayfirst": False}).to_dict()
    assert (given["skip_rows"], given["missing"], given["thousands"], given["dayfirst"]) == (0, [], "", False)


def test_words_and_formats_are_for_every_column_or_for_those_named():
    everywhere = Options.from_dict({"missing": ["?"], "date_format": "%d.%m.%Y"})
    assert (everywhere.missing_in("age"), everywhere.date_format_of("born")) == (("?",), "%d.%m.%Y")
    named = Options.from_dict({"missing": {"age": []}, "date_format": {"born": "%Y"}})
    assert (named.missing_in("age"), named.missing_in("sex")) == ((), None)
    assert (named.date_format_of("born"), named.date_format_of("day")) == ("%Y", None)
    assert named.date == ("born",)  # so that its cells are dates, whatever they look like
    assert (Options().missing_in("age"), Options().date_format_of("born")) == (None, None)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"dropped": ["a"]}, "Unknown option 'dropped'; .* Did you mean 'drop'"),
        (
            {"task": "clustering"},
            "task is 'clustering'; it must be one of auto, binary, multiclass, regression",
        ),
        ({"outliers": True}, "outliers is True; it must be one of none, iqr"),
        ({"class_weight": None}, "class_weight is None; it must be one of none, balanced"),
        ({"repeated": "all"}, "repeated is .all.; it must be one of keep, drop, together"),
        ({"repeated": "together", "time": "t"}, "A split by time cannot keep duplicate rows together"),
        ({"drop": "id"}, "drop is 'id'; it must be a list of column names"),
        ({"drop": ["a", "b", "a"]}, "drop names the column 'a' more than once; name each column once"),
        ({"partition": ["store", "store"]}, "partition names the column 'store' more than once"),
        ({"date": [1]}, r"date is \[1\]; it must be a list of column names"),
        ({"group": ["a"]}, r"group is \['a'\]; it must be the name of one column"),
        ({"log_target": "yes"}, "log_target is 'yes'; it must be true or false"),
        ({"dayfirst": "yes"}, "dayfirst is 'yes'; it must be true or false"),
        ({"encoding": "latin9000"}, "encoding is 'latin9000'; it must be the name of one that Python knows"),
        ({"encoding": "unicode_escape"}, "encoding is 'unicode_escape'; .* such as utf-8, cp1252"),
        ({"encoding": "base64"}, "encoding is 'base64'; .* such as utf-8, cp1252"),
        ({"delimiter": "\\t"}, r"delimiter is '\\\\t'; it must be one character"),
        ({"delimiter": '"'}, "it must be one character, such as ';'"),
        ({"decimal": ""}, "decimal is ''; it must be one of '.', ','"),
        ({"thousands": "_"}, "thousands is '_'; it must be one of '', ',', '.', ' ', \"'\""),
        ({"thousands": ",", "decimal": ","}, "decimal and thousands are both ','"),
        ({"skip_rows": -1}, "skip_rows is -1; it must be the number of lines above the header"),
        ({"skip_rows": True}, "skip_rows is True; it must be the number"),
        ({"missing": "?"}, r"missing is '\?'; it must be a list of words, such as \['\?', '-999'\]"),
        ({"missing": {"age": "?"}}, "it must be a list of words, .* or one for each column"),
        (
            {"missing": ["?", False]},
            "YAML reads no, off and false as False, so put quotes around the word, such as 'no'",
        ),
        (
            {"drop": [True]},
            "YAML reads yes, on and true as True, so put quotes around the word, such as 'yes'",
        ),
        ({"drop": [2019]}, "a list of column names; put quotes around it, such as '2019'"),
        ({"time": 2019}, "the name of one column; put quotes around it, such as '2019'"),
        ({"missing": [-999]}, "has the word -999, which is not text; put quotes around it, such as '-999'"),
        ({"date_format": "%H:%M"}, "date_format is '%H:%M'; it must be a format with a year"),
        ({"date_format": {"born": "%Q"}}, "it must be a format with a year"),
        ({"date_format": "%d/%m/%Y", "dayfirst": True}, "already says whether the day comes first"),
        ({"date_format": {"a": "%Y"}, "numeric": ["a"]}, "'a' is in numeric and has a date_format"),
        ({"date_format": {"a": "%Y"}, "drop": ["a"]}, "'a' is in drop and has a date_format"),
        ({"date_format": {"a": "%Y"}, "partition": "a"}, "'a' is in partition and has a date_format"),
        ({"text": ["a"], "categorical": ["a"]}, "'a' is both in categorical and in text; choose one"),
        ({"numeric": ["a"], "drop": ["a"]}, "'a' is both in drop and in numeric; choose one"),
        ({"date": ["a"], "categorical": ["a"]}, "'a' is both in categorical and in date"),
        ({"group": "a", "time": "b"}, "by group or by time, not by both"),
        ({"group": "a", "drop": ["a"]}, "The group column 'a' is in drop"),
        ({"task": "binary", "log_target": True}, "log_target is only for regression, and the task is binary"),
        ({"task": "regression", "class_weight": "balanced"}, "class_weight is only for classification"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(values, sentence):
    with pytest.raises(BadInput, match=sentence) as refused:
        Options.from_dict(values)
    assert "\n" not in str(refused.value)


def test_options_that_are_no_object_are_refused():
    with pytest.raises(BadInput, match="they must be an object"):
        Options.from_dict(["drop"])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"drop": ["Ag"]},
            "Unknown column in drop 'Ag'; the known ones are 'age', 'born', 'y'. Did you mean 'age'",
        ),
        ({"group": "patient"}, "Unknown column in group 'patient'"),
        ({"time": "bron"}, "Unknown column in time 'bron'; .* Did you mean 'born'"),
        ({"subgroups": ["y"]}, "The target 'y' is in subgroups"),
        ({"time": "y"}, "The target 'y' is in time"),
        ({"date": ["y"]}, "The target 'y' is in date"),
        ({"categorical": ["y"], "task": "regression"}, "'y' is in categorical, but the task is regression"),
        ({"missing": {"aeg": ["?"]}}, "Unknown column in missing 'aeg'; .* Did you mean 'age'"),
        ({"date_format": {"day": "%Y"}}, "Unknown column in date_format 'day'"),
    ],
)
def test_columns_that_are_named_are_those_of_the_table(values, sentence):
    with pytest.raises(BadInput, match=sentence):
        Options.from_dict(values).check_columns(["age", "born", "y"], "y")


def test_the_target_is_one_of_the_columns():
    with pytest.raises(BadInput, match=r"Unknown target column 'Y'; .* Did you mean 'y'"):
        Options().check_columns(["age", "y"], "Y")
    Options.from_dict({"drop": ["age"]}).check_columns(["age", "y"], "y")


@pytest.mark.slow
def test_a_notebook_can_read_them_without_importing_a_library():
    code = (
        "import sys, tabular.spec.options; print(sorted({'numpy', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
