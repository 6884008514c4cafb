"""What a client gets when a request fails: an AWS error code, a message and an HTTP status.

`LocalAwsError` is what whoever starts and stops the server gets.
"""

from typing import Any

__all__ = ["AwsError", "LocalAwsError", "already_exists", "invalid", "not_emulated", "not_found"]


class LocalAwsError(Exception):
    """local_aws could not do what was requested; the message says why."""


class AwsError(Exception):
    """An error that boto3 raises as a ClientError with this code.

    Attributes:
        code: The AWS error code, such as `ValidationException`.
        message: One or two sentences for a person.
        status: The HTTP status.
        details: Further members of the error's shape in AWS's model, such as `OriginalStatusCode`.
    """

    def __init__(self, code: str, message: str, status: int = 400, **details: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.details = code, message, status, details


def invalid(message: str) -> AwsError:
    """Return the error for a request with values that AWS would not accept."""
    return AwsError("ValidationException", message)


def not_found(message: str) -> AwsError:
    """Return the error of the SageMaker operations that have their own error code for a missing resource."""
    return AwsError("ResourceNotFound", message)


def already_exists(message: str) -> AwsError:
    """Return the error for a name that is already taken."""
    return AwsError("ResourceInUse", message)


def not_emulated(what: str) -> AwsError:
    """Return the error for something that AWS has and local_aws does not."""
    return AwsError(
        "UnsupportedOperation",
        f"local_aws does not emulate {what}. src/local_aws/README.md lists what it emulates.",
    )
