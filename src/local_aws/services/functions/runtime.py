"""The process a function runs in: `python -m local_aws.services.functions.runtime HANDLER ARN DESCRIPTOR...`.

It handles many invocations of the function with this ARN, one at a time in each lane, which is a socket, and
ends with the server, whose end closes them. Over the first socket it says what becomes of it.
"""

import contextlib
import gc
import importlib
import json
import marshal
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_aws.core.faults import log_exception
from local_aws.services.functions.extensions import Extensions
from local_aws.services.functions.frames import Frames, first_of

__all__ = ["Context", "main"]


@dataclass
class Context:
    """The context object that a handler gets with an invocation."""

    aws_request_id: str
    deadline: float
    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    function_version: str = "$LATEST"

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time the invocation has left, in milliseconds."""
        return max(0, round((self.deadline - time.time()) * 1000))


def main() -> None:
    """Answer invocations until the server ends."""
    notices, *lanes = (Frames(socket.socket(fileno=int(descriptor))) for descriptor in sys.argv[3:])
    calls = _Calls(notices, sys.argv[2])
    extensions = calls.extensions
    os.environ["AWS_LAMBDA_RUNTIME_API"] = extensions.address
    try:
        handler = _load(sys.argv[1])
    except BaseException as error:
        # The invocation gets the reason as its error. Then the process ends, so the next invocation tries
        # again.
        log_exception()
        for lane in first_of(notices, *lanes):
            if lane.receive():
                lane.send({"error": _describe(error), "ends": True})
        return
    extensions.initialised()
    gc.freeze()  # what the function has imported stays
    for lane in lanes:
        threading.Thread(target=_work, args=(calls, handler, lane), daemon=True).start()
    while notices.receive():  # until the server has ended
        continue
    os._exit(0)


def _work(calls: "_Calls", handler: Callable[[Any, Context], Any], lane: Frames) -> None:
    """Answer the invocations of a lane, one after another."""
    while received := lane.receive():
        calls.answer(handler, received[1], lane)


def _load(name: str) -> Callable[[Any, Context], Any]:
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)


class _Calls:
    """The invocations that the process works on, and what its extensions do after them."""

    def __init__(self, notices: Frames, function_arn: str) -> None:
        self.extensions = Extensions(self._reset)
        self._notices = notices
        self._function = {
            "function_name": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            "invoked_function_arn": function_arn,
            "memory_limit_in_mb": os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        }
        self._lock = threading.Lock()
        self._running = 0
        self._ends = False

    def answer(self, handler: Callable[[Any, Context], Any], asked: bytes, lane: Frames) -> None:
        """Run a handler and send its answer, whatever extensions still have to do."""
        request_id, deadline, event = marshal.loads(asked)  # noqa: S302 - the server's, which started us
        context = Context(request_id, deadline, **self._function)
        threading.current_thread().name = request_id
        with self._lock:
            self._running += 1
        self.extensions.invoke(request_id, deadline, context.invoked_function_arn)
        payload, about = b"", {}
        try:
            payload = json.dumps(handler(event, context)).encode()
        except BaseException as error:  # also SystemExit: on AWS, it ends an invocation, not the function
            log_exception()
            about["error"] = _describe(error)
        # Held until the answer is sent: once the server hears that an invocation is over, it may end us.
        with self._lock:
            if self.extensions.answered(request_id, lambda: self._over(request_id)):
                about["lingers"] = True
            with contextlib.suppress(OSError):  # the server waits no longer for this answer
                lane.send(about, payload)
            self._running -= 1
            if self._ends and not self._running:
                os._exit(1)

    def _over(self, request_id: str) -> None:
        with self._lock:
            self._notify({"over": request_id})

    def _reset(self) -> None:
        """Take no more invocations, and end when the present ones are answered."""
        with self._lock:
            self._ends = True
            self._notify({"ends": True})
            if not self._running:
                os._exit(1)

    def _notify(self, notice: dict[str, Any]) -> None:
        try:
            self._notices.send(notice)
        except OSError:
            os._exit(0)


def _describe(error: BaseException) -> dict[str, Any]:
    trace = traceback.format_tb(error.__traceback__)
    return {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}


if __name__ == "__main__":
    main()
