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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from local_aws.core.faults import log_exception
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
    try:
        handler = _load(sys.argv[1])
    except BaseException as error:
        # The invocation gets the reason as its error. Then the process ends, so the next invocation tries
        # again.
        log_exception()
        if message := frames.receive():
            frames.send({"id": message["id"], "error": _describe(error), "ends": True})
        return
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        while message := frames.receive():
            pool.submit(_answer, frames, handler, message)
        os._exit(0)


def _load(name: str) -> Callable[[Any, Context], Any]:
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)


def _answer(frames: Frames, handler: Callable[[Any, Context], Any], message: dict[str, Any]) -> None:
    threading.current_thread().name = message["id"]
    try:
        result = handler(message["event"], Context(**message["context"]))
        reply = {"id": message["id"], "payload": json.dumps(result)}
    except BaseException as error:  # also SystemExit: on AWS, it ends an invocation, not the function
        log_exception()
        reply = {"id": message["id"], "error": _describe(error)}
    try:
        frames.send(reply)
    except OSError:
        os._exit(0)


def _describe(error: BaseException) -> dict[str, Any]:
    trace = traceback.format_tb(error.__traceback__)
    return {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}


if __name__ == "__main__":
    main()
