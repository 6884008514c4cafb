"""What is used of botocore beyond its documented interface is as it was seen."""

import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from botocore import xform_name
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import ParamValidator, ValidationErrors

from local_aws.core.validation import SEEN_ON, service_model

ADVICE = (
    f"local_aws was written for botocore {SEEN_ON}; installed is {version('botocore')}, in which {{}} has "
    "changed. Adapt core/validation.py (with its SEEN_ON) or services/signatures.py."
)


@pytest.mark.parametrize(
    ("what", "parameters"),
    [
        (SigV4Auth.canonical_request, ["self", "request"]),
        (SigV4Auth.string_to_sign, ["self", "request", "canonical_request"]),
        (SigV4Auth.signature, ["self", "string_to_sign", "request"]),
        (HmacV1QueryAuth._get_date, ["self"]),
        (HmacV1QueryAuth.get_signature, ["self", "method", "split", "headers", "expires", "auth_path"]),
        (ParamValidator.validate, ["self", "params", "shape"]),
        (ValidationErrors.has_errors, ["self"]),
        (ValidationErrors.generate_report, ["self"]),
    ],
    ids=lambda value: value.__qualname__ if inspect.isfunction(value) else "",
)
def test_what_is_called_takes_what_it_is_given(what: Callable[..., Any], parameters: list[str]) -> None:
    assert list(inspect.signature(what).parameters) == parameters, ADVICE.format(what.__qualname__)


def test_those_of_s3_are_kinds_of_it() -> None:
    assert issubclass(S3SigV4Auth, SigV4Auth)
    assert issubclass(S3SigV4QueryAuth, SigV4Auth)
    assert HmacV1QueryAuth(Credentials("key", "secret"), "until")._expires == "until"


def test_a_signature_is_that_of_the_published_example() -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-test-suite.html: get-vanilla
    headers = {"Host": "example.amazonaws.com", "X-Amz-Date": "20150830T123600Z"}
    request = AWSRequest("GET", "https://example.amazonaws.com/", headers)
    request.context["timestamp"] = headers["X-Amz-Date"]
    key = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    signer = SigV4Auth(key, "service", "us-east-1")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    expected = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    assert signer.signature(text, request) == expected, ADVICE.format("SigV4Auth")


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
