"""The multi-model endpoint: invokes it once, and translates its failures for the caller."""

import json
from dataclasses import dataclass

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from lambdas.errors import RequestError, code_of, status_of
from lambdas.invoker.question import Question
from lambdas.invoker.runtime import CUSTOM_ATTRIBUTES, Runtime

__all__ = ["Answer", "EndpointGoneError", "RowsRefusedError", "TargetRefusedError", "invoke"]

SOON = {"retry-after": "1"}
LATER = {"retry-after": "10"}


@dataclass(frozen=True)
class Answer:
    """The container's answer."""

    body: bytes
    content_type: str
    custom_attributes: str | None

    @property
    def rows(self) -> int:
        """The number of predictions: a line of CSV, or an entry in the list `predictions`, for each."""
        if not self.content_type.startswith("application/json"):
            return self.body.count(b"\n")
        try:
            document = json.loads(self.body)
        except ValueError:
            return 0
        return len(document.get("predictions", ())) if isinstance(document, dict) else 0


class EndpointGoneError(RequestError):
    """There is no endpoint of this name."""


class RowsRefusedError(RequestError):
    """The model has answered that it cannot read the rows."""


class TargetRefusedError(RequestError):
    """The endpoint cannot serve the target model; most likely its artifact is gone."""


def invoke(runtime: Runtime, endpoint_name: str, target_model: str, question: Question) -> Answer:
    """Invoke one model of the endpoint; a RequestError has the HTTP status for the caller."""
    headers = {
        "Content-Type": question.content_type,
        "Accept": question.accept,
        CUSTOM_ATTRIBUTES: question.custom_attributes,
    }
    asked = {name: value for name, value in headers.items() if value}
    try:
        body, answered = runtime.invoke(endpoint_name, target_model, question.body, asked)
    except ClientError as error:
        raise _failure(error) from error
    except ReadTimeoutError as error:
        raise RequestError(504, "The endpoint did not answer in time; send fewer rows.") from error
    except (ConnectTimeoutError, EndpointConnectionError) as error:
        raise RequestError(503, "The endpoint cannot be reached; try again later.", LATER) from error
    except BotoCoreError as error:
        raise RequestError(502, f"The call to the endpoint failed ({type(error).__name__}).") from error
    content_type = answered.get("content-type", "application/octet-stream")
    return Answer(body, content_type, answered.get(CUSTOM_ATTRIBUTES.lower()))


def _failure(error: ClientError) -> RequestError:
    code = code_of(error)
    if code == "ModelError":
        return _container_failure(error)
    if code == "ModelNotReadyException":
        return RequestError(503, "The model is still being loaded; try again in a few seconds.", LATER)
    if code == "ValidationError":
        return _refusal(error)
    if "Throttl" in code or status_of(error) == 429:
        return RequestError(429, "Too many requests; try again more slowly.", SOON)
    if code.startswith("ServiceUnavailable") or status_of(error) == 503:
        return RequestError(503, "The endpoint is not available; try again in a few seconds.", LATER)
    return RequestError(502, f"The endpoint failed ({code}).")


def _container_failure(error: ClientError) -> RequestError:
    """Pass on the container's 4xx with its message; a container that failed or hung is a gateway error."""
    status = int(error.response.get("OriginalStatusCode") or 0)
    if 400 <= status < 500:
        return RowsRefusedError(status, _sentence(str(error.response.get("OriginalMessage") or "")))
    if "timed out" in error.response["Error"].get("Message", ""):
        return RequestError(504, "The model did not answer in time; send fewer rows.")
    return RequestError(502, f"The model's container failed ({status}); its log says why.")


def _sentence(message: str) -> str:
    try:
        document = json.loads(message)
    except ValueError:
        document = None
    if isinstance(document, dict) and isinstance(document.get("error"), str):
        return document["error"]
    return message.strip() or "The model refused the request without a reason."


def _refusal(error: ClientError) -> RequestError:
    message = error.response["Error"].get("Message", "")
    if message.startswith("Endpoint ") and "not found" in message:
        sentence = "The endpoint does not exist at the moment; it may be switched off."
        return EndpointGoneError(503, sentence, LATER)
    return TargetRefusedError(503, "The endpoint cannot load the model's artifact; try again later.", LATER)
