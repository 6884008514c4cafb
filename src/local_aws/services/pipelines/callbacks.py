"""What Callback steps wait for: somebody reads their message from a queue and answers with its token."""

import secrets
import string
import threading
from dataclasses import dataclass, field
from typing import Any

from local_aws.core.errors import AwsError, not_found
from local_aws.core.store import Document

__all__ = ["Callback", "Callbacks"]

_LENGTH = 10
_ALPHABET = string.ascii_letters + string.digits


@dataclass
class Callback:
    """One step that waits.

    Attributes:
        execution_arn: The step's execution.
        token: What an answer names it by.
        answered: Set when there is an answer.
        outputs: The outputs of an answer that reports success.
        failure: The reason of an answer that reports a failure.
        request_token: The answer's ClientRequestToken.
    """

    execution_arn: str
    token: str = field(default_factory=lambda: "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))
    answered: threading.Event = field(default_factory=threading.Event)
    outputs: list[dict[str, str]] = field(default_factory=list)
    failure: str | None = None
    request_token: str | None = None


class Callbacks:
    """The operations that answer a waiting step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Callback] = {}

    def expect(self, execution_arn: str) -> Callback:
        """Let a step wait for an answer."""
        callback = Callback(execution_arn)
        with self._lock:
            self._known[callback.token] = callback
        return callback

    def send_pipeline_execution_step_success(self, request: Document) -> Document:
        """Let a step succeed, with its outputs."""
        return self._answer(request, outputs=request.get("OutputParameters", []))

    def send_pipeline_execution_step_failure(self, request: Document) -> Document:
        """Let a step fail, with a reason."""
        return self._answer(request, failure=request.get("FailureReason", "The callback reported a failure."))

    def _answer(self, request: Document, **answer: Any) -> Document:
        with self._lock:
            callback = self._known.get(request["CallbackToken"])
            if callback is None:
                raise not_found(f"No step waits for the callback token {request['CallbackToken']}.")
            token = request.get("ClientRequestToken")
            if callback.answered.is_set() and token != callback.request_token:
                raise AwsError(
                    "ConflictException", f"The callback token {callback.token} was already answered."
                )
            if not callback.answered.is_set():
                callback.request_token = token
                for name, value in answer.items():
                    setattr(callback, name, value)
                callback.answered.set()
        return {"PipelineExecutionArn": callback.execution_arn}
