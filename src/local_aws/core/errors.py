"""What a client sees when a request cannot be answered: an AWS error code, a message, an HTTP status."""

from typing import Any

__all__ = ["AwsError", "already_exists", "invalid", "not_emulated", "not_found"]


class AwsError(Exception):
    """An error that boto3 raises as a ClientError with this code.

    Attributes:
        code: The AWS error code, such as `ValidationException`.
        message: One sentence or two for a person.
        status: The HTTP status.
        details: Further members of the modelled error shape, such as `OriginalStatusCode`.
    """

    def __init__(self, code: str, message: str, status: int = 400, **details: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.details = code, message, status, details


def invalid(message: str) -> AwsError:
    """Return the error for a request whose values AWS would not accept."""
    return AwsError("ValidationException", message)


def not_found(message: str) -> AwsError:
    """Return the error of the SageMaker operations that name a missing resource by its own error code."""
    return AwsError("ResourceNotFound", message)


def already_exists(message: str) -> AwsError:
    """Return the error for a name that is taken."""
    return AwsError("ResourceInUse", message)


def not_emulated(what: str) -> AwsError:
    """Return the refusal of something that AWS has and this stand-in has not."""
    return AwsError(
        "UnsupportedOperation",
        f"local_aws does not emulate {what}. src/local_aws/README.md lists what it does.",
    )
