"""Lambda handlers for tests; a function's process imports them."""

import os
import sys
import threading
import time
from typing import Any

_BARRIER = threading.Barrier(4)


def echo(event: Any, context: Any) -> Any:
    """Return what came in, and what the function was told about itself."""
    return {
        "event": event,
        "function": context.function_name,
        "milliseconds": context.get_remaining_time_in_millis(),
        "color": os.environ["COLOR"],
        "pid": os.getpid(),
    }


def fail(event: Any, context: Any) -> Any:
    """Raise."""
    raise ValueError(f"no {event['wanted']} here")


def leave(event: Any, context: Any) -> Any:
    """End the process."""
    os._exit(3)


def sleep(event: Any, context: Any) -> Any:
    """Take as long as asked."""
    time.sleep(event["seconds"])
    return os.getpid()


def meet(event: Any, context: Any) -> Any:
    """Return only when four invocations are inside at the same time."""
    return _BARRIER.wait(10)


def http(event: Any, context: Any) -> Any:
    """Answer an HTTP request with the event it became."""
    sys.stdout.write("seen\n")
    if event["rawPath"] == "/plain":
        return {"plain": True}
    if event["rawPath"] == "/binary":
        return {
            "statusCode": 200,
            "body": "AP8=",
            "isBase64Encoded": True,
            "headers": {"Content-Type": "x/y"},
        }
    if event["rawPath"] == "/fail":
        raise ValueError("no")
    import json

    return {"statusCode": 201, "headers": {"X-Color": "red"}, "body": json.dumps(event)}
