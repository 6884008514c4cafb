"""The process a function runs in: `python -m local_aws.services.functions.runtime HANDLER DESCRIPTOR`.

It handles many invocations, several at a time, and ends with the server, whose end closes its socket.
"""

import importlib
import json
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from local_aws.core.faults import log_exception
from local_aws.services.functions.extensions import Extensions
from local_aws.services.functions.frames import Frames

__all__ = ["CONCURRENCY", "Context", "main"]

# On AWS, every concurrent invocation has its own process; here they share one.
CONCURRENCY = 16


@dataclass(frozen=True)
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
    frames = Frames(socket.socket(fileno=int(sys.argv[2])))
    calls = _Calls(frames)
    extensions = calls.extensions
    os.environ["AWS_LAMBDA_RUNTIME_API"] = extensions.address
    try:
        handler = _load(sys.argv[1])
    except BaseException as error:
        # The invocation gets the reason as its error. Then the process ends, so the next invocation tries
        # again.
        log_exception()
        if message := frames.receive():
            frames.send({"id": message["id"], "error": _describe(error), "ends": True})
        return
    extensions.initialised()
    messages: SimpleQueue[dict[str, Any]] = SimpleQueue()
    for _ in range(CONCURRENCY):
        threading.Thread(target=_work, args=(calls, handler, messages), daemon=True).start()
    while message := frames.receive():
        calls.begin(message)
        messages.put(message)
    os._exit(0)


def _work(calls: "_Calls", handler: Callable[[Any, Context], Any], messages: SimpleQueue) -> None:
    """Answer invocations, one after another; a pool's futures would cost as much as a small handler."""
    while True:
        calls.answer(handler, messages.get())


def _load(name: str) -> Callable[[Any, Context], Any]:
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)


class _Calls:
    """The invocations that the process works on, and what its extensions do after them."""

    def __init__(self, frames: Frames) -> None:
        self.extensions = Extensions(self._reset)
        self._frames = frames
        self._lock = threading.Lock()
        self._running = 0
        self._ends = False

    def begin(self, message: dict[str, Any]) -> None:
        """Count an invocation, and tell the extensions of it."""
        with self._lock:
            self._running += 1
        context = message["context"]
        self.extensions.invoke(
            context["aws_request_id"], context["deadline"], context["invoked_function_arn"]
        )

    def answer(self, handler: Callable[[Any, Context], Any], message: dict[str, Any]) -> None:
        """Run a handler and send its answer, whatever extensions still have to do."""
        number = threading.current_thread().name = message["id"]
        try:
            result = handler(message["event"], Context(**message["context"]))
            reply = {"id": number, "payload": json.dumps(result)}
        except BaseException as error:  # also SystemExit: on AWS, it ends an invocation, not the function
            log_exception()
            reply = {"id": number, "error": _describe(error)}
        request_id = message["context"]["aws_request_id"]
        # Held until the answer is sent: the server must hear of it before it hears that the call is over.
        with self._lock:
            lingers = self.extensions.answered(request_id, lambda: self._over(number))
            self._send({**reply, "lingers": lingers})
            self._running -= 1
            if self._ends and not self._running:
                os._exit(1)

    def _over(self, number: str) -> None:
        with self._lock:
            self._send({"id": number, "over": True})

    def _reset(self) -> None:
        """Take no more invocations, and end when the present ones are answered."""
        with self._lock:
            self._ends = True
            self._send({"id": None, "ends": True})
            if not self._running:
                os._exit(1)

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._frames.send(message)
        except OSError:
            os._exit(0)


def _describe(error: BaseException) -> dict[str, Any]:
    trace = traceback.format_tb(error.__traceback__)
    return {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}


if __name__ == "__main__":
    main()
