"""Lambda's Extensions API, in a function's process: for its internal extensions, which are threads of it.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

The types of errors, and that they answer 403, are those of AWS's own emulator,
aws/aws-lambda-runtime-interface-emulator. On AWS, every invocation that waits for its extension keeps an
environment for itself; here, they share one process and are counted.
"""

import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

__all__ = ["Extensions"]

_PATH = "/2020-01-01/extension"
_MOST = 10  # extensions of a function
_IDENTIFIER = "Lambda-Extension-Identifier"


@dataclass
class _Extension:
    """One extension: the invocations it has yet to hear of, and the one that it works on."""

    name: str
    hears: bool  # of invocations
    waiting: deque[str] = field(default_factory=deque)
    current: str | None = None


@dataclass
class _Invocation:
    """An invocation that the process is busy with."""

    event: dict[str, Any]
    deadline: float  # seconds since 1970
    extensions: int  # that have not asked for the next event since
    on_idle: Callable[[], None] | None = None  # once its handler has answered


class _Refused(Exception):
    def __init__(self, kind: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.kind, self.status = kind, status


class Extensions:
    """The registered extensions, and what they have to do.

    Args:
        on_timeout: Called when an extension has not asked for the next event at an invocation's deadline,
            after its handler has answered: AWS resets such an environment.
    """

    def __init__(self, on_timeout: Callable[[], None]) -> None:
        self._on_timeout = on_timeout
        self._changed = threading.Condition()
        self._extensions: dict[str, _Extension] = {}
        self._invocations: dict[str, _Invocation] = {}
        self._is_open = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="extensions", daemon=True).start()

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_port}"

    def initialised(self) -> None:
        """End the Init phase, after which no extension can register."""
        with self._changed:
            self._is_open = False
            hears = any(extension.hears for extension in self._extensions.values())
        if hears:
            threading.Thread(target=self._watch, name="deadlines", daemon=True).start()

    def invoke(self, request_id: str, deadline: float, function_arn: str) -> None:
        """Tell every extension of an invocation."""
        if not self._extensions:
            return
        event = {
            "eventType": "INVOKE",
            "deadlineMs": round(1000 * deadline),
            "requestId": request_id,
            "invokedFunctionArn": function_arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": ""},
        }
        with self._changed:
            hearing = [extension for extension in self._extensions.values() if extension.hears]
            if not hearing:
                return
            self._invocations[request_id] = _Invocation(event, deadline, len(hearing))
            for extension in hearing:
                extension.waiting.append(request_id)
            self._changed.notify_all()

    def answered(self, request_id: str, on_idle: Callable[[], None]) -> bool:
        """Note that a handler has answered; return whether extensions still work on its invocation.

        If they do, `on_idle` is called when all have asked for the next event.
        """
        if not self._extensions:
            return False
        with self._changed:
            invocation = self._invocations.get(request_id)
            if invocation is None:
                return False
            if not invocation.extensions:
                del self._invocations[request_id]
                return False
            invocation.on_idle = on_idle
            self._changed.notify_all()
            return True

    def _watch(self) -> None:
        while True:
            with self._changed:
                answered = [(one.deadline, name) for name, one in self._invocations.items() if one.on_idle]
                deadline, request_id = min(answered, default=(float("inf"), ""))
                if time.time() < deadline:
                    self._changed.wait(min(deadline - time.time(), threading.TIMEOUT_MAX))
                    continue
            sys.stderr.write(f"{request_id} Task timed out: an extension has not asked for the next event\n")
            self._on_timeout()
            return

    def register(self, name: str, body: bytes) -> tuple[dict[str, str], dict[str, Any]]:
        """Register an internal extension; return the headers and the document of the answer."""
        if not name:
            raise _Refused("Extension.InvalidExtensionName", "Empty extension name")
        try:
            events = json.loads(body or b"{}")["events"]
            if not all(isinstance(event, str) for event in events):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise _Refused("InvalidRequestFormat", "The request needs a list of events.") from None
        for event in events:
            if event == "SHUTDOWN":
                raise _Refused(
                    "Extension.InvalidEventType",
                    "SHUTDOWN: event is not supported for internal extensions",
                )
            if event != "INVOKE":
                raise _Refused("Extension.InvalidEventType", f"{event}: InvalidEventType")
        with self._changed:
            if not self._is_open:
                raise _Refused("Extension.RegistrationClosed", "Extension registration closed already")
            if any(extension.name == name for extension in self._extensions.values()):
                raise _Refused(
                    "Extension.InvalidExtensionState", "Extension with this name already registered"
                )
            if len(self._extensions) >= _MOST:
                raise _Refused("Extension.TooManyExtensions", f"Extension limit ({_MOST}) reached")
            identifier = str(uuid4())
            self._extensions[identifier] = _Extension(name, hears="INVOKE" in events)
        about = {
            "functionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            "functionVersion": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
            "handler": os.environ.get("_HANDLER", ""),
        }
        return {_IDENTIFIER: identifier}, about

    def next(self, identifier: str) -> tuple[dict[str, str], dict[str, Any]]:
        """Wait for an extension's next event; the last one is done with."""
        if not identifier:
            raise _Refused("Extension.MissingExtensionIdentifier", f"Missing {_IDENTIFIER} header")
        with self._changed:
            extension = self._extensions.get(identifier)
            if extension is None:
                raise _Refused("Extension.UnknownExtensionIdentifier", f"Unknown extension {identifier}")
            done, extension.current = extension.current, None
        if done is not None:
            self._done(done)
        with self._changed:
            while not extension.waiting:
                self._changed.wait()
            extension.current = extension.waiting.popleft()
            event = self._invocations[extension.current].event
        return {"Lambda-Extension-Event-Identifier": str(uuid4())}, event

    def _done(self, request_id: str) -> None:
        """Note that one extension is done with an invocation."""
        with self._changed:
            invocation = self._invocations[request_id]
            invocation.extensions -= 1
            if invocation.extensions or invocation.on_idle is None:
                return
            del self._invocations[request_id]
        invocation.on_idle()


def _handler_for(extensions: Extensions) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer is one packet
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == f"{_PATH}/register":
                self._answer(lambda: extensions.register(self.headers.get("Lambda-Extension-Name", ""), body))
            else:
                self._reply(404, {}, {"errorMessage": "404 page not found", "errorType": "NotFound"})

        def do_GET(self) -> None:
            if self.path == f"{_PATH}/event/next":
                self._answer(lambda: extensions.next(self.headers.get(_IDENTIFIER, "")))
            else:
                self._reply(404, {}, {"errorMessage": "404 page not found", "errorType": "NotFound"})

        def _answer(self, call: Callable[[], tuple[dict[str, str], dict[str, Any]]]) -> None:
            try:
                headers, document = call()
            except _Refused as error:
                self._reply(error.status, {}, {"errorMessage": str(error), "errorType": error.kind})
            else:
                self._reply(200, headers, document)

        def _reply(self, status: int, headers: dict[str, str], document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            about = {"Content-Type": "application/json", "Content-Length": str(len(content))}
            for name, value in {**about, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Leave the function's log to the function."""

    return Handler
