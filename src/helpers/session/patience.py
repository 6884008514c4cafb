"""Calls that are repeated while AWS throttles or cannot be reached, or until somebody has logged in again.

boto3 repeats a call for some seconds. What takes hours must survive more: a network that is gone for minutes,
a laptop that slept, credentials that expired.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from helpers.errors import one_line
from helpers.session import Session

__all__ = ["LIMIT", "Hindrance", "hindrance", "patiently"]

Answer = TypeVar("Answer")

LIMIT = 900.0  # seconds for which a call is repeated
# Seconds, for a local session and for AWS; each pause is twice the one before, up to the longest.
FIRST_PAUSE = {True: 0.5, False: 5.0}
LONGEST_PAUSE = 60.0
# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
EXPIRED = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "RequestExpired",
    "UnrecognizedClientException",
)
# What botocore throws when it has no credentials, or cannot fetch or renew them.
NO_CREDENTIALS = (
    exceptions.CredentialRetrievalError,
    exceptions.LoginError,
    exceptions.NoAuthTokenError,
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.SSOError,
    exceptions.TokenRetrievalError,
)
# As botocore's own retries: https://docs.aws.amazon.com/boto3/latest/guide/retries.html
THROTTLED = (
    "LimitExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
)
UNREACHABLE = (exceptions.HTTPClientError, exceptions.ConnectionError)


class Hindrance(str):
    """Why a call failed that may succeed later, in a sentence; `credentials` if somebody must log in."""

    credentials: bool

    def __new__(cls, sentence: str, credentials: bool = False) -> "Hindrance":
        """Attach the cause to the sentence."""
        hindrance = super().__new__(cls, sentence)
        hindrance.credentials = credentials
        return hindrance


def hindrance(error: BotoCoreError | ClientError) -> Hindrance | None:
    """Why a call failed, if it may succeed later, else None."""
    said = one_line(error)
    if isinstance(error, ClientError):
        code = error.response["Error"].get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in EXPIRED:
            return Hindrance(f"The credentials have expired ({code})", credentials=True)
        if code in THROTTLED:
            return Hindrance(f"AWS throttles the calls ({code})")
        return Hindrance(f"AWS fails ({said})") if status >= 500 else None
    if isinstance(error, NO_CREDENTIALS):
        return Hindrance(f"The credentials cannot be used ({said})", credentials=True)
    return Hindrance(f"AWS cannot be reached ({said})") if isinstance(error, UNREACHABLE) else None


def patiently(session: Session, call: Callable[[], Answer]) -> Answer:
    """Return what a call returns; repeat it for up to LIMIT seconds while something hinders it.

    It must be safe to repeat, and get its client from the session each time, because the session reads the
    credentials again.

    Raises:
        BotoCoreError: as the call, after LIMIT seconds, or at once if it cannot succeed later.
        ClientError: likewise.
    """
    begin, pause, told = time.monotonic(), FIRST_PAUSE[session.is_local], ""
    while True:
        try:
            answer = call()
        except (BotoCoreError, ClientError) as error:
            found = hindrance(error)
            left = begin + LIMIT - time.monotonic()
            if found is None or left <= 0:
                raise
            if found != told:
                todo = "log in again, such as by `aws sso login`; " if found.credentials else ""
                print(f"{found}; {todo}this goes on trying for {left / 60:.0f} minutes.")
                told = found
            if found.credentials:
                session.renew()
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            if told:
                print(f"AWS answers again after {time.monotonic() - begin:.0f} s.")
            return answer
