"""The process a function runs in: `python -m local_aws.services.functions.runtime HANDLER DESCRIPTOR`.

It stays for many invocations, several at a time, and ends with the server: its socket does.
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

from local_aws.services.functions.frames import Frames

__all__ = ["CONCURRENCY", "Context", "main"]

# On AWS every concurrent invocation has a process of its own; here they share one.
CONCURRENCY = 16


@dataclass(frozen=True)
class Context:
    """What a handler is told about its invocation."""

    aws_request_id: str
    deadline: float
    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    function_version: str = "$LATEST"

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time the invocation has left."""
        return max(0, round((self.deadline - time.time()) * 1000))


def main() -> None:
    """Answer invocations until the server goes away."""
    frames = Frames(socket.socket(fileno=int(sys.argv[2])))
    try:
        handler = _load(sys.argv[1])
    except BaseException as error:
        # Every invocation is told why, and the process ends after the first: the next one tries again.
        traceback.print_exc()
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
    except BaseException as error:  # SystemExit too: it ends an invocation on AWS, not the function
        traceback.print_exc()
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
