"""Handlers of a function with an internal extension, which works after the answer as long as it is told."""

import http.client
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
IDENTIFIER = "Lambda-Extension-Identifier"
_finished = threading.Semaphore(0)
_work_of: list[dict[str, Any]] = []


def call(method: str, path: str, headers: dict[str, str], body: str | None = None) -> tuple[int, Any, Any]:
    """Call the Extensions API; return status, headers and document."""
    connection = http.client.HTTPConnection(API)
    connection.request(method, f"/2020-01-01/extension/{path}", body, headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, json.loads(answer.read())


def register(name: str, *events: str) -> tuple[int, Any, Any]:
    """Register an extension."""
    return call("POST", "register", {"Lambda-Extension-Name": name}, json.dumps({"events": events}))


STATUS, HEADERS, ABOUT = register("test", "INVOKE")
REFUSALS = [
    register("test", "INVOKE"),
    register("other", "SHUTDOWN"),
    register("other", "START"),
    register("", "INVOKE"),
    call("POST", "register", {"Lambda-Extension-Name": "other"}, "{"),
    call("GET", "event/next", {}),
    call("GET", "event/next", {IDENTIFIER: "another"}),
    call("GET", "nothing", {}),
]


def _work() -> None:
    while True:
        _, _, event = call("GET", "event/next", {IDENTIFIER: HEADERS[IDENTIFIER]})
        _finished.acquire()
        work = _work_of.pop(0)
        time.sleep(work.get("seconds", 0))
        while "until" in work and not Path(work["until"]).exists():
            time.sleep(0.01)
        with Path(os.environ["DIARY"]).open("a") as diary:
            diary.write(json.dumps(event) + "\n")


threading.Thread(target=_work, daemon=True).start()


def handle(event: Any, context: Any) -> Any:
    """Answer at once; the extension then works for some seconds, or until a file is there."""
    _work_of.append(event)
    _finished.release()
    return {
        "pid": os.getpid(),
        "request_id": context.aws_request_id,
        "about": ABOUT,
        "refusals": [(status, document.get("errorType")) for status, _, document in REFUSALS],
        "late": register("late", "INVOKE")[2].get("errorType"),
    }
