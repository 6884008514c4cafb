"""Parameters: an invalid one is refused with what was seen and what is allowed."""

from pathlib import Path
from typing import Any

import pytest
from tabular.spec.metrics import METRICS, SCORERS

from helpers import parameters
from helpers.errors import BadInput
from helpers.parameters import PARAMETERS


def refused(name: str, value: Any) -> str:
    with pytest.raises(BadInput) as raised:
        parameters.check({name: value}, PARAMETERS)
    return str(raised.value)


def test_an_unknown_name_is_answered_with_the_nearest_known_one() -> None:
    assert refused("MAX_TUNING_JOB", 3) == "Unknown parameter 'MAX_TUNING_JOB': did you mean MAX_TUNING_JOBS?"
    assert "did you mean RANDOM_STATE?" in refused("RANDOMSTATE", 3)


def test_a_name_near_to_none_is_answered_with_all_of_them() -> None:
    complaint = refused("xyz", 3)
    assert all(name in complaint for name in PARAMETERS)


def test_a_name_that_is_no_text_is_unknown_too() -> None:
    assert refused(5, 3).startswith("Unknown parameter 5")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("ENVIRONMENT", "gcp", "ENVIRONMENT is 'gcp'; it must be one of local, aws."),
        ("MAX_TUNING_JOBS", "6", "MAX_TUNING_JOBS is '6'; it must be a whole number from 1 to 750."),
        ("MAX_TUNING_JOBS", 6.0, "must be a whole number"),
        ("MAX_TUNING_JOBS", True, "must be a whole number"),
        ("MAX_TUNING_JOBS", 0, "from 1 to 750"),
        ("MAX_TUNING_JOBS", 751, "from 1 to 750"),
        ("CROSS_VALIDATION_FOLDS", 1, "from 2 to 20"),
        ("SEARCH_ROWS", 999, "it must be 0 for all rows, or a whole number from 1000 to 2147483647."),
        ("SEARCH_ROWS", False, "0 for all rows"),
        ("SEARCH_ROWS", None, "0 for all rows"),
        ("RANDOM_STATE", 0, "from 1 to 2147483647"),
        ("TEST_SET_SIZE", 0.6, "TEST_SET_SIZE is 0.6; it must be a number from 0.05 to 0.5."),
        ("TEST_SET_SIZE", float("nan"), "a number from 0.05 to 0.5"),
        ("TEST_SET_SIZE", None, "a number from 0.05 to 0.5"),
        ("STRATIFY_SPLIT", "yes", "STRATIFY_SPLIT is 'yes'; it must be true or false."),
        ("STRATIFY_SPLIT", 1, "true or false"),
        ("APPROVE", "accept", "one of none, approve, reject"),
        ("APPROVE", True, "one of none, approve, reject"),
        ("LOAD_TEST_CLIENTS", 65, "from 1 to 64"),
        ("TRAINING_INSTANCE", "m5.large", "an instance type such as ml.m5.large"),
        ("TERRAFORM_OUTPUTS", 5, "text"),
        ("CROSS_VALIDATION_SCORER", "log_loss", "one of accuracy, balanced_accuracy"),
        ("METRIC_FOR_REGISTRATION", "r2", "one of accuracy, balanced_accuracy"),
        ("PIPELINE_NAME", "Many_Models", "lower-case letters, digits and single hyphens"),
        ("PIPELINE_NAME", "many--models", "single hyphens"),
        ("PIPELINE_NAME", "m" * 33, "up to 32"),
        ("PIPELINE_NAME", "", "up to 32"),
        ("DEVELOPER", "Ana Lima", "lower-case letters"),
        ("DEVELOPER", "regression", "but not 'regression'"),
        ("DATASETS", [], "a list of data sets"),
        ("DATASETS", "wine", "a list of data sets"),
        ("DATASETS", [5], "a list of data sets"),
        ("DATASETS", [{"uri": "x.csv"}], "each a name or {name: ..., uri: ..., target: ...}"),
        ("DATASETS", [{"name": 5, "uri": "x.csv"}], "each a name or {name: ..., uri: ..., target: ...}"),
        ("REGRESSION_SCORER", "neg_log_loss", "one of neg_mean_absolute_error, neg_mean_squared_error"),
        ("REGRESSION_METRIC", "auc", "one of mae, mse, rmse"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(name: str, value: Any, complaint: str) -> None:
    assert complaint in refused(name, value)
    assert "\n" not in refused(name, value)


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
    assert parameters.check({name: value}, PARAMETERS) is None


def test_a_long_value_is_shown_by_its_beginning() -> None:
    complaint = refused("DATASETS", [{"uri": "x" * 500}])
    assert len(complaint) < 250
    assert "..." in complaint


def test_a_parameter_of_no_notebook_that_is_run_is_unknown() -> None:
    with pytest.raises(BadInput, match="Unknown parameter 'APPROVE': known are LOAD_TEST"):
        parameters.check({"APPROVE": "none"}, ["LOAD_TEST"])


def test_a_metric_that_only_some_classifications_have_is_allowed_for_all_of_them() -> None:
    for name, values in (("METRIC_FOR_REGISTRATION", METRICS), ("CROSS_VALIDATION_SCORER", SCORERS)):
        for value in {*values["binary"], *values["multiclass"]}:
            parameters.check({name: value}, PARAMETERS)


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


@pytest.mark.parametrize("name", ["nowhere.yaml", ""])
def test_a_parameter_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"cannot be read \(.+\); give a YAML file"):
        parameters.read(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6", 6),
        ("0.5", 0.5),
        ("true", True),
        ("approve", "approve"),
        ("[wine, {name: x, uri: x.csv, target: y}]", ["wine", {"name": "x", "uri": "x.csv", "target": "y"}]),
        ("", ""),
    ],
)
def test_a_value_on_the_command_line_is_read_as_yaml(text: str, value: Any) -> None:
    assert parameters.assignments([("NAME", text)]) == {"NAME": value}


@pytest.mark.parametrize("text", ["[wine", "{", "2024-13-45", "a: b: c"])
def test_a_value_on_the_command_line_that_is_no_yaml_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"DATASETS is .* which is not valid YAML; put quotes"):
        parameters.assignments([("DATASETS", text)])


def test_of_a_name_given_twice_the_later_value_counts() -> None:
    assert parameters.assignments([("RANDOM_STATE", "1"), ("RANDOM_STATE", "2")]) == {"RANDOM_STATE": 2}
