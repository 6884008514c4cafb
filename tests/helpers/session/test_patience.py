"""Which failures of a call pass, in AWS's codes and botocore's exceptions, and which do not."""

from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from helpers.session.patience import hindrance

AT = {"endpoint_url": "https://api.sagemaker.us-east-1.amazonaws.com"}


def answered(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "No."}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "DescribePipelineExecution")


@pytest.mark.parametrize(
    "error",
    [
        answered("ExpiredToken", 403),
        answered("ExpiredTokenException"),
        answered("RequestExpired"),
        answered("UnrecognizedClientException"),
        exceptions.CredentialRetrievalError(provider="sso", error_msg="no"),
        exceptions.NoCredentialsError(),
        exceptions.SSOTokenLoadError(error_msg="no"),
        exceptions.TokenRetrievalError(provider="sso", error_msg="no"),
        exceptions.UnauthorizedSSOTokenError(),
    ],
    ids=str,
)
def test_somebody_must_log_in(error: Any) -> None:
    found = hindrance(error)
    assert found is not None
    assert found.credentials
    assert found.startswith("The credentials ")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (answered("ThrottlingException"), "AWS throttles the calls (ThrottlingException)"),
        (answered("Throttling"), "AWS throttles the calls (Throttling)"),
        (answered("InternalFailure", 500), "AWS fails (An error occurred (InternalFailure)"),
        (exceptions.EndpointConnectionError(**AT), "AWS cannot be reached (Could not connect"),
        (exceptions.ConnectTimeoutError(**AT), "AWS cannot be reached (Connect timeout"),
        (exceptions.ReadTimeoutError(**AT), "AWS cannot be reached (Read timeout"),
        (exceptions.ConnectionClosedError(**AT), "AWS cannot be reached (Connection was closed"),
    ],
    ids=str,
)
def test_it_passes_by_itself(error: Any, sentence: str) -> None:
    found = hindrance(error)
    assert found is not None
    assert not found.credentials
    assert found.startswith(sentence)


@pytest.mark.parametrize(
    "error",
    [
        answered("AccessDeniedException"),
        answered("ResourceNotFound"),
        answered("ValidationException"),
        exceptions.ParamValidationError(report="no"),
    ],
    ids=str,
)
def test_waiting_would_not_help(error: Any) -> None:
    assert hindrance(error) is None
