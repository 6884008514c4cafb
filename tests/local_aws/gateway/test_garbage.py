"""Whatever is sent, what comes back is an error as AWS has it: never a traceback."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.local_aws.pipeline import (
    compare,
    condition,
    definition,
    fail,
    get,
    processing,
    register,
    training,
)

from local_aws.core.errors import AwsError
from local_aws.core.requests.validation import service_model, validate
from local_aws.services.pipelines.definitions import parse, typed_parameters

pytestmark = pytest.mark.slow

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=5,
)
PARAMETERS = [{"Name": "Count", "Type": "Integer", "DefaultValue": 1, "EnumValues": [1, 2]}]
STEPS = [
    processing(
        "Prepare",
        "pass",
        {"in": "s3://toys/in"},
        ["out"],
        CacheConfig={"Enabled": True, "ExpireAfter": "P1D"},
        RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2}],
        PropertyFiles=[{"PropertyFileName": "F", "OutputName": "out", "FilePath": "f.json"}],
    ),
    training("Fit", "pass") | {"DependsOn": ["Prepare"]},
    condition(
        "Choose",
        [
            compare("Equals", get("Parameters.Count"), 1),
            {"Type": "In", "QueryValue": "b", "Values": ["a", "b"]},
            {"Type": "Not", "Expression": {"Type": "Or", "Conditions": [compare("LessThan", 1, 2)]}},
        ],
        [register("Register", "toy", get("Steps.Fit.ModelArtifacts.S3ModelArtifacts"))],
        [fail("Fail", {"Std:Join": {"On": " ", "Values": ["a", 1]}})],
    ),
]
GOOD = json.loads(definition(STEPS, PARAMETERS))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the way to everything inside a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy with something else in one place."""
    result = copy.deepcopy(value)
    target = result
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = new
    return result


def test_the_unchanged_definition_is_good() -> None:
    assert parse(json.dumps(GOOD)) == GOOD


@settings(max_examples=400, derandomize=True)
@given(path=st.sampled_from(list(places(GOOD))), new=JSON)
def test_a_definition_with_anything_in_any_place(path: tuple[Any, ...], new: Any) -> None:
    try:
        typed_parameters(parse(json.dumps(changed(GOOD, path, new))), [])
    except AwsError as error:
        assert 400 <= error.status < 500


@settings(max_examples=100, derandomize=True)
@given(document=JSON)
def test_a_definition_that_is_any_json(document: Any) -> None:
    try:
        parse(json.dumps(document))
    except AwsError as error:
        assert 400 <= error.status < 500


OPERATIONS = sorted(service_model("sagemaker").operation_names)


@settings(max_examples=300, derandomize=True)
@given(operation=st.sampled_from(OPERATIONS), data=st.data())
def test_a_request_with_anything_in_any_member(operation: str, data: st.DataObject) -> None:
    shape = service_model("sagemaker").operation_model(operation).input_shape
    members = list(shape.members) if shape else []
    request = data.draw(st.dictionaries(st.sampled_from(members), JSON, max_size=4) if members else JSON)
    try:
        validate("sagemaker", operation, request)
    except AwsError as error:
        assert 400 <= error.status < 500
