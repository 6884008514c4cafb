"""Parameters: an invalid one is refused with what was seen and what is allowed."""

import json
from pathlib import Path
from typing import Any

import pytest
from tabular.spec.metrics import METRICS, SCORERS

from helpers import parameters
from helpers.errors import BadInput
from helpers.parameters import PARAMETERS


def refused(name: str, value: Any) -> str:
    with pytest.raises(BadInput) as raised:
        parameters.parse({name: value})
    return str(raised.value)


def test_an_unknown_name_is_answered_with_the_nearest_known_one() -> None:
    assert refused("MAX_TUNING_JOB", 3) == "Unknown parameter 'MAX_TUNING_JOB': did you mean MAX_TUNING_JOBS?"
    assert "did you mean RANDOM_STATE?" in refused("RANDOMSTATE", 3)


@pytest.mark.parametrize("name", ["max_tuning_jobs", "Max_Tuning_Jobs", "max-tuning-jobs", "maxTuningJobs"])
def test_a_name_in_another_case_or_spelling_is_understood_as_a_hint(name: str) -> None:
    assert refused(name, 3) == f"Unknown parameter {name!r}: did you mean MAX_TUNING_JOBS?"


def test_a_name_near_to_none_is_answered_with_all_of_them() -> None:
    complaint = refused("xyz", 3)
    assert all(name in complaint for name in PARAMETERS)


def test_a_name_that_is_no_text_is_unknown_too() -> None:
    assert refused(5, 3).startswith("Unknown parameter 5")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("ENVIRONMENT", "gcp", "ENVIRONMENT is 'gcp'; it must be one of local, aws."),
        ("MAX_TUNING_JOBS", "six", "MAX_TUNING_JOBS is 'six'; it must be a whole number from 1 to 750."),
        ("MAX_TUNING_JOBS", "751", "MAX_TUNING_JOBS is 751; it must be a whole number from 1 to 750."),
        ("MAX_TUNING_JOBS", "6.0", "must be a whole number"),
        ("MAX_TUNING_JOBS", "", "must be a whole number"),
        ("MAX_TUNING_JOBS", 6.0, "must be a whole number"),
        ("MAX_TUNING_JOBS", True, "must be a whole number"),
        ("MAX_TUNING_JOBS", 0, "from 1 to 750"),
        ("MAX_TUNING_JOBS", 751, "from 1 to 750"),
        ("CROSS_VALIDATION_FOLDS", 1, "from 2 to 20"),
        ("SEARCH_ROWS", 999, "it must be 0 for all rows, or a whole number from 1000 to 2147483647."),
        (
            "SEARCH_SECONDS",
            39_601,
            "a whole number of seconds up to 39600, so that",
        ),
        ("SEARCH_ROWS", False, "0 for all rows"),
        ("SEARCH_ROWS", None, "0 for all rows"),
        ("RANDOM_STATE", 0, "from 1 to 2147483647"),
        ("MAX_COST_USD", -1, "MAX_COST_USD is -1; it must be 0 or null for no cap, or a number of dollars."),
        ("MAX_COST_USD", "much", "0 or null for no cap"),
        ("MAX_COST_USD", True, "0 or null for no cap"),
        ("MAX_COST_USD", ".nan", "0 or null for no cap"),
        ("MAX_COST_USD", " ", "0 or null for no cap"),
        ("TEST_SET_SIZE", 0.6, "TEST_SET_SIZE is 0.6; it must be a number from 0.05 to 0.5."),
        ("TEST_SET_SIZE", float("nan"), "a number from 0.05 to 0.5"),
        ("TEST_SET_SIZE", None, "a number from 0.05 to 0.5"),
        ("TEST_SET_SIZE", "nan", "a number from 0.05 to 0.5"),
        ("STRATIFY_SPLIT", "maybe", "STRATIFY_SPLIT is 'maybe'; it must be true or false."),
        ("STRATIFY_SPLIT", 1, "true or false"),
        ("APPROVE", "accept", "one of none, approve, reject, or of these for each data set"),
        ("APPROVE", {"wine": "accept"}, "one of none, approve, reject"),
        ("APPROVE", "{wine: [approve]}", "one of none, approve, reject"),
        ("VERSIONS", "newest", "empty, latest, or a version for each data set"),
        ("VERSIONS", "{wine: three}", "a version for each data set to decide on"),
        ("VERSIONS", 3, "a version for each data set to decide on"),
        ("APPROVE", True, "one of none, approve, reject"),
        ("LOAD_TEST_CLIENTS", 65, "from 1 to 64"),
        ("TRAINING_INSTANCE", "m5.large", "an instance type such as ml.m5.large"),
        ("TERRAFORM_OUTPUTS", 5, "text"),
        ("CROSS_VALIDATION_SCORER", "log_loss", "one of accuracy, balanced_accuracy"),
        ("METRIC_FOR_REGISTRATION", "r2", "one of accuracy, balanced_accuracy"),
        ("PIPELINE_NAME", "Many_Models", "lower-case letters, digits and single hyphens"),
        ("PIPELINE_NAME", "many--models", "single hyphens"),
        ("PIPELINE_NAME", "m" * 33, "2 to 32"),
        ("PIPELINE_NAME", "", "2 to 32"),
        ("PIPELINE_NAME", "m", "2 to 32"),
        ("PIPELINE_NAME", "aws-models", "not begin with amzn-s3-demo-, aws, ssm or sthree-"),
        ("DEVELOPER", "Ana Lima", "lower-case letters"),
        ("DEVELOPER", "regression", "but not 'regression'"),
        ("DATASETS", [], "DATASETS is an empty list; name at least one data set, such as [wine]."),
        ("DATASETS", "wine", "DATASETS is 'wine'; it must be a list of data sets"),
        ("DATASETS", "[wine", "DATASETS is '[wine', which is not valid YAML (while parsing"),
        ("DATASETS", "[{name: x, name: y}]", "not valid YAML (line 1 repeats the key 'name'"),
        (
            "DATASETS",
            ["wine", 5],
            "Entry 2 of DATASETS is 5; it must be a name or {name: ..., uri: ..., target",
        ),
        (
            "DATASETS",
            [None],
            "Entry 1 of DATASETS is empty; it must be a name or {name: ..., uri: ..., target",
        ),
        ("DATASETS", "[[a, b]]", "Entry 1 of DATASETS is ['a', 'b']; it must be a name or {name: ..., uri: "),
        (
            "DATASETS",
            [{}],
            "Entry 1 of DATASETS is {}, which has no name; give it one, as in {name: ..., uri",
        ),
        (
            "DATASETS",
            [{"uri": "x.csv"}],
            "Entry 1 of DATASETS is {'uri': 'x.csv'}, which has no name; give it",
        ),
        (
            "DATASETS",
            [{"name": 5, "uri": "x.csv"}],
            "Entry 1 of DATASETS has the name 5; it must be text, so put qu",
        ),
        ("DATASETS", [{"name": ["a"]}], "Entry 1 of DATASETS has the name ['a']; it must be text."),
        ("REGRESSION_SCORER", "neg_log_loss", "one of neg_mean_absolute_error, neg_mean_squared_error"),
        ("REGRESSION_METRIC", "auc", "one of mae, mse, rmse"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(name: str, value: Any, complaint: str) -> None:
    assert complaint in refused(name, value)
    assert "\n" not in refused(name, value)


def test_every_entry_that_is_not_read_is_named_and_the_others_are_kept_for_their_own_mistakes() -> None:
    given = [{}, "wine", 5, {"name": "Iris", "tarqet": "x"}, {"name": 7, "uri": 8}]
    for written in (given, json.dumps(given)):
        assert [line.split(" of")[0] for line in refused("DATASETS", written).splitlines()] == [
            "Entry 1",
            "Entry 3",
            "Entry 5",
        ]
        assert parameters.readable(written) == ["wine", given[3], {"name": "7", "uri": 8}]
    assert parameters.readable("[wine") == parameters.readable("wine") == parameters.readable(None) == []


def test_all_mistakes_are_named_at_once_each_on_its_line() -> None:
    given = {"PIPELINE_NAME": "Many_Models", "MAX_TUNING_JOB": 24, "RANDOM_STATE": 7, "TEST_SET_SIZE": 0.6}
    with pytest.raises(BadInput) as raised:
        parameters.parse(given)
    name, unknown, size = str(raised.value).splitlines()
    assert name.startswith("PIPELINE_NAME is 'Many_Models'; it must be")
    assert unknown == "Unknown parameter 'MAX_TUNING_JOB': did you mean MAX_TUNING_JOBS?"
    assert size == "TEST_SET_SIZE is 0.6; it must be a number from 0.05 to 0.5."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TEST_SET_SIZE", 0.05),
        ("MIN_METRIC_FOR_REGISTRATION", 1),
        ("DEVELOPER", ""),
        ("DEVELOPER", "ana"),
        ("DATASETS", ["wine", {"name": "x", "uri": "x.csv", "target": "y"}]),
        ("RANDOM_STATE", 1),
    ],
)
def test_a_value_that_is_allowed_is_taken(name: str, value: Any) -> None:
    assert parameters.parse({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("MAX_TUNING_JOBS", "12", 12),
        ("SEARCH_ROWS", "0", 0),
        ("MAX_COST_USD", "null", None),
        ("MAX_COST_USD", "2.5", 2.5),
        ("MAX_COST_USD", "0", 0),
        ("TEST_SET_SIZE", "0.5", 0.5),
        ("CHAMPION_MARGIN", "1e-3", 0.001),
        ("MIN_METRIC_FOR_REGISTRATION", "1", 1.0),
        ("LOAD_TEST", "false", False),
        ("LOAD_TEST", "True", True),
        ("APPROVE", "approve", "approve"),
        ("DATASETS", "[wine]", ["wine"]),
        ("DATASETS", "['wine', \"iris\"]", ["wine", "iris"]),
        (
            "DATASETS",
            "[wine, {name: x, uri: x.csv, target: y}]",
            ["wine", {"name": "x", "uri": "x.csv", "target": "y"}],
        ),
    ],
)
def test_text_is_read_as_the_value_that_it_says(name: str, text: str, value: Any) -> None:
    """The command line, papermill's `-r` and Studio's notebook jobs have nothing but text."""
    parsed = parameters.parse({name: text})
    assert parsed == {name: value}
    assert type(parsed[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text"), [("RUN_ID", "20261126"), ("DEVELOPER", "no"), ("STEPS", "a: [b # c.py"), ("RUN_ID", "")]
)
def test_a_parameter_that_is_text_takes_it_as_it_is(name: str, text: str) -> None:
    assert parameters.parse({name: text}) == {name: text}


def test_a_notebook_that_got_nothing_but_text_has_values_with_their_types_afterwards() -> None:
    notebook = {"LOAD_TEST": "false", "DATASETS": "[wine]", "In": [], "_": 1, "session": None}
    parameters.check(notebook)
    assert notebook == {"LOAD_TEST": False, "DATASETS": ["wine"], "In": [], "_": 1, "session": None}


def test_a_name_that_papermill_set_but_no_notebook_has_is_refused_if_it_is_near_to_one() -> None:
    with pytest.raises(BadInput, match="Unknown parameter 'MAX_TUNING_JOB': did you mean MAX_TUNING_JOBS"):
        parameters.check({"MAX_TUNING_JOBS": 12, "MAX_TUNING_JOB": "3"})
    parameters.check({"MY_OWN_FOLDER": "x", "dataset": "y", "datasets": "z"})


def test_a_long_value_is_shown_by_its_beginning() -> None:
    complaint = refused("DATASETS", [{"uri": "x" * 500}])
    assert len(complaint) < 250
    assert "..." in complaint


def test_a_parameter_of_no_notebook_that_is_run_is_unknown() -> None:
    with pytest.raises(BadInput, match="Unknown parameter 'APPROVE': known are LOAD_TEST"):
        parameters.parse({"APPROVE": "none"}, ["LOAD_TEST"])


def test_a_metric_that_only_some_classifications_have_is_allowed_for_all_of_them() -> None:
    for name, values in (("METRIC_FOR_REGISTRATION", METRICS), ("CROSS_VALIDATION_SCORER", SCORERS)):
        for value in {*values["binary"], *values["multiclass"]}:
            assert parameters.parse({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        (b"", "has no `NAME: value` lines; see parameters/local.yaml."),
        (b"# nothing but a comment\n", "has no `NAME: value` lines"),
        (b"- RANDOM_STATE\n", "has no `NAME: value` lines"),
        (b"just words", "has no `NAME: value` lines"),
        (b"RANDOM_STATE: [1\n", "cannot be read (while parsing a flow sequence"),
        (b"RANDOM_STATE:\t1\n  x: 2", "cannot be read ("),
        (b"RANDOM_STATE: 2024-13-45", "cannot be read (month must be in 1..12)"),
        (b"RANDOM_STATE: 1\nAPPROVE: none\nRANDOM_STATE: 2\n", "(line 3 repeats the key 'RANDOM_STATE', so"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "cannot be read ("),
        (b"RANDOM_STATE: !!python/object:os.system x", "cannot be read (could not determine a constructor"),
    ],
)
def test_a_parameter_file_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, contents: bytes, complaint: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(contents)
    with pytest.raises(BadInput) as raised:
        parameters.read(file)
    assert str(raised.value).startswith(f"The parameter file {file} ")
    assert complaint in str(raised.value)
    assert "parameters/local.yaml" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "why"), [("nowhere.yaml", "No such file or directory"), ("", "Is a direct.+")]
)
def test_a_parameter_file_that_is_not_there_or_a_folder_is_refused(
    tmp_path: Path, name: str, why: str
) -> None:
    with pytest.raises(BadInput, match=rf"cannot be read \({why}\); give a YAML file"):
        parameters.read(tmp_path / name)
