"""Work after the response: an internal extension, which Lambda lets run when the caller has its answer.

A thread of the function's process registers for INVOKE events in the Init phase. It is given one for every
invocation, does its work when the handler has finished, and asks for the next. Until then, Lambda neither
freezes the environment nor gives it another request, and the work counts towards the function's timeout.

https://aws.amazon.com/blogs/compute/running-code-after-returning-a-response-from-an-aws-lambda-function/
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

import http.client
import json
import os
import threading
import time
from collections.abc import Callable

from lambdas import log

__all__ = ["Extension"]

NAME = "capture"
PATH = "/2020-01-01/extension"
# The runtime returns the response in this time; both share Python's interpreter lock.
HEAD_START = 0.01  # seconds


class Extension:
    """Calls `work` after every invocation, in a thread of its own."""

    def __init__(self, work: Callable[[], None]) -> None:
        """Nothing runs yet."""
        self._work = work
        self._finished = threading.Semaphore(0)

    def start(self) -> bool:
        """Register, and return whether there will be events; elsewhere than in Lambda there are none."""
        api = os.environ.get("AWS_LAMBDA_RUNTIME_API")
        if not api:
            return False
        try:
            connection = http.client.HTTPConnection(api)
            identifier = _register(connection)
        except (OSError, http.client.HTTPException) as error:
            log.line(function="invoker", action="capture is off", cause=f"{type(error).__name__}: {error}")
            return False
        threading.Thread(target=self._run, args=(connection, identifier), name=NAME, daemon=True).start()
        return True

    def finished(self) -> None:
        """Say that a handler has finished; every invocation must, or its environment stays busy."""
        self._finished.release()

    def _run(self, connection: http.client.HTTPConnection, identifier: str) -> None:
        while True:
            try:
                deadline = _next(connection, identifier)
            except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException) as error:
                log.line(function="invoker", action="capture ends", cause=f"{type(error).__name__}: {error}")
                return
            # Handlers are counted, not told apart: local_aws runs several in one process.
            if self._finished.acquire(timeout=max(0.0, deadline - time.time())):
                time.sleep(HEAD_START)
                self._work()


def _register(connection: http.client.HTTPConnection) -> str:
    headers = {"Lambda-Extension-Name": NAME, "Content-Type": "application/json"}
    connection.request("POST", f"{PATH}/register", json.dumps({"events": ["INVOKE"]}), headers)
    answer = connection.getresponse()
    answer.read()
    identifier = answer.getheader("Lambda-Extension-Identifier")
    if answer.status != 200 or not identifier:
        raise http.client.HTTPException(f"Lambda answered {answer.status} to the registration.")
    return identifier


def _next(connection: http.client.HTTPConnection, identifier: str) -> float:
    """Wait for an invocation, and return when it must have ended, in seconds since 1970."""
    connection.request("GET", f"{PATH}/event/next", headers={"Lambda-Extension-Identifier": identifier})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise http.client.HTTPException(f"Lambda answered {answer.status} instead of an event.")
    return json.loads(content)["deadlineMs"] / 1000
