"""Requests are held against botocore's models, with the limits botocore itself does not check."""

import re
from typing import Any

import pytest

from local_aws.core.errors import AwsError
from local_aws.core.requests.validation import service_model, translate_pattern, validate
from local_aws.services.jobs.run import failure_reason
from local_aws.services.pipelines.cache import expiry
from local_aws.services.pipelines.expressions import Scope, UnresolvedError, tokens

TUNING_NAME = {"HyperParameterTuningJobName": "x" * 33}


@pytest.mark.parametrize(
    ("operation", "request_", "complaint"),
    [
        ("DescribePipeline", {}, "Missing required parameter"),
        ("DescribePipeline", {"PipelineName": "x", "Color": "red"}, "Unknown parameter"),
        ("DescribePipeline", {"PipelineName": 3}, "Invalid type"),
        ("DescribeHyperParameterTuningJob", TUNING_NAME, "length less than or equal to 32"),
        ("DescribeTrainingJob", {"TrainingJobName": "under_score"}, "regular expression pattern"),
        ("ListPipelines", {"SortOrder": "Sideways"}, r"enum value set: \[Ascending, Descending\]"),
        ("ListPipelines", {"MaxResults": 101}, "value less than or equal to 100"),
        (
            "AddTags",
            {"ResourceArn": "arn:aws:sagemaker:r:1:x", "Tags": [{"Key": "*", "Value": "v"}]},
            r"Tags\[0\]",
        ),
        ("ListEndpoints", {"CreationTimeAfter": 1e18}, "timestamp is out of range"),
    ],
)
def test_what_aws_would_refuse(operation: str, request_: dict[str, Any], complaint: str) -> None:
    with pytest.raises(AwsError, match=complaint) as raised:
        validate("sagemaker", operation, request_)
    assert raised.value.code == "ValidationException"


def test_what_aws_would_take() -> None:
    validate("sagemaker", "ListPipelines", {"SortOrder": "Ascending", "MaxResults": 1, "CreatedAfter": 1.5})


def test_every_problem_is_named() -> None:
    with pytest.raises(AwsError, match=r"2 validation errors detected: .*SortOrder.*; .*MaxResults"):
        validate("sagemaker", "ListPipelines", {"SortOrder": "Sideways", "MaxResults": 101})


def test_every_pattern_of_sagemakers_model_compiles() -> None:
    model = service_model("sagemaker")
    patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
    assert len(patterns) > 100
    for pattern in patterns:
        assert isinstance(translate_pattern(pattern), re.Pattern)


@pytest.mark.parametrize(
    ("text", "expected"), [("größe 1", True), ("a/b=c@d", True), ("a*b", False), ("a\u0301", False)]
)
def test_unicode_classes(text: str, expected: bool) -> None:
    pattern = translate_pattern(r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,256}")
    assert bool(pattern.fullmatch(text)) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (".*", "one line\tonly", True),
        (".*", "two\nlines", False),
        (".*", "two\rlines", False),
        (".*", "two\u2028lines", False),
        (r"[\S\s]*", "two\rlines", True),
        (r"[\w+=,.@-]+", "gross.@", True),
        (r"[\w+=,.@-]+", "größe", False),
        (r"\d{2}\.x", "12.x", True),
        (r"\d{2}\.x", "١٢.x", False),
        (r"[.[\]]x.", "]x\r", False),
        (r"\p{Print}+", "a b", True),
        (r".*(?:[ \r\n\t].*)*", "{\n 1 }\r", True),
        (r".*(?:[ \r\n\t].*)*", "a " * 1000 + "\u2028", False),  # at once
    ],
)
def test_patterns_mean_what_they_mean_in_java(pattern: str, text: str, expected: bool) -> None:
    assert bool(translate_pattern(pattern).fullmatch(text)) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Parameters.Name", ["Parameters", "Name"]),
        ("Steps.A.Outputs['train-1.x'].S3Uri", ["Steps", "A", "Outputs", "train-1.x", "S3Uri"]),
        ('a["b"][0].c', ["a", "b", 0, "c"]),
        ("a[0][1]", ["a", 0, 1]),
    ],
)
def test_paths(path: str, expected: list[Any]) -> None:
    assert tokens(path) == expected


def scope(**objects: bytes) -> Scope:
    values = Scope({"Count": 3}, {"PipelineName": "toy"}, lambda uri: objects[uri.removeprefix("s3://b/")])
    values.properties["Fit"] = {"Metrics": [{"MetricName": "score", "Value": 0.5}], "Names": ["a", "b"]}
    return values


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"Get": "Parameters.Count"}, 3),
        ({"Get": "Steps.Fit.Metrics['score'].Value"}, 0.5),
        ({"Get": "Steps.Fit.Names[1]"}, "b"),
        ({"a": [{"Get": "Execution.PipelineName"}]}, {"a": ["toy"]}),
        ({"Std:Join": {"On": "-", "Values": ["x", {"Get": "Parameters.Count"}, True]}}, "x-3-true"),
        ({"Std:JsonGet": {"S3Uri": "s3://b/report", "Path": "a.b[0]['c d']"}}, 7),
    ],
)
def test_expressions(expression: Any, expected: Any) -> None:
    assert scope(report=b'{"a": {"b": [{"c d": 7}]}}').resolve(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        {"Get": "Parameters.Absent"},
        {"Get": "Steps.Fit.Absent"},
        {"Get": "Steps.Fit.Names[9]"},
        {"Get": ""},
        {"Std:JsonGet": {"S3Uri": "s3://b/report", "Path": "a"}},
        {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Fit.PropertyFiles.R"}, "Path": "a"}},
    ],
)
def test_expressions_without_a_value(expression: Any) -> None:
    with pytest.raises(UnresolvedError):
        scope(report=b"not JSON").resolve(expression)


def test_what_cannot_be_compared_is_no_false() -> None:
    with pytest.raises(UnresolvedError, match="cannot compare 'a' with 1"):
        scope().holds({"Type": "LessThan", "LeftValue": "a", "RightValue": 1})


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("P30D", 30 * 86400),
        ("PT1H", 3600),
        ("T16m", 960),
        ("30dT5h", 30 * 86400 + 5 * 3600),
        ("P1Y", 365 * 86400),
    ],
)
def test_cache_periods(duration: str, seconds: int) -> None:
    step = {"Name": "A", "CacheConfig": {"Enabled": True, "ExpireAfter": duration}}
    assert expiry(step) == seconds
    assert expiry({**step, "CacheConfig": {"Enabled": False, "ExpireAfter": duration}}) is None


def test_a_failure_reason_ends_with_the_logs_last_line(tmp_path: Any) -> None:
    log = tmp_path / "log.txt"
    log.write_text("x" * 5000 + "\nlast line")
    reason = failure_reason("AlgorithmError: exit code 1", log)
    assert str(log) in reason
    assert reason.endswith("last line")
    assert len(reason) <= 1024
