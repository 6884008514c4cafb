"""What is used of botocore beyond its documented interface is as it was seen."""

import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from botocore import xform_name
from botocore.auth import HmacV1QueryAuth
from botocore.credentials import Credentials
from botocore.utils import normalize_url_path
from botocore.validate import ParamValidator, ValidationErrors

from local_aws.core.requests.validation import SEEN_ON, service_model

ADVICE = (
    f"local_aws was written for botocore {SEEN_ON}; installed is {version('botocore')}, in which {{}} has "
    "changed. Adapt core/requests/validation.py (with its SEEN_ON) or core/requests/signatures.py."
)


@pytest.mark.parametrize(
    ("what", "parameters"),
    [
        (HmacV1QueryAuth._get_date, ["self"]),
        (HmacV1QueryAuth.get_signature, ["self", "method", "split", "headers", "expires", "auth_path"]),
        (normalize_url_path, ["path"]),
        (ParamValidator.validate, ["self", "params", "shape"]),
        (ValidationErrors.has_errors, ["self"]),
        (ValidationErrors.generate_report, ["self"]),
    ],
    ids=lambda value: value.__qualname__ if inspect.isfunction(value) else "",
)
def test_what_is_called_takes_what_it_is_given(what: Callable[..., Any], parameters: list[str]) -> None:
    assert list(inspect.signature(what).parameters) == parameters, ADVICE.format(what.__qualname__)


def test_a_presigned_url_of_version_2_expires_when_it_is_told_to() -> None:
    assert HmacV1QueryAuth(Credentials("key", "secret"), "until")._expires == "until"


def test_the_models_say_what_is_asked_of_them() -> None:
    operation = service_model("s3").operation_model("GetObjectTagging")
    bucket = operation.input_shape.members["Bucket"]
    name = service_model("sagemaker").operation_model("DescribePipeline").input_shape.members["PipelineName"]
    seen = [
        operation.http["method"] == "GET",
        operation.http["requestUri"].endswith("?tagging"),
        bucket.serialization["location"] == "uri",
        "Bucket" in operation.input_shape.required_members,
        {"min", "max", "pattern"} <= set(name.metadata),
        service_model("sagemaker").metadata["serviceId"] == "SageMaker",
        xform_name("CreateHyperParameterTuningJob") == "create_hyper_parameter_tuning_job",
    ]
    assert all(seen), ADVICE.format(f"the service models {seen}")
