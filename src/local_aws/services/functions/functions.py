"""Lambda functions: their records, and their invocations."""

import contextlib
import hashlib
import importlib.util
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from local_aws.core.account import Account
from local_aws.core.concurrency import together
from local_aws.core.errors import AwsError
from local_aws.core.store import Document, Store
from local_aws.services.functions.code import check_environment, unpack
from local_aws.services.functions.process import Process

__all__ = ["Functions", "Invocation"]

_KIND = "function"
# Bytes of an answer: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST_ANSWER = 6_291_556


@dataclass(frozen=True)
class Invocation:
    """The result of an invocation.

    Attributes:
        payload: JSON text: what the handler returned, or a description of its error.
        error: `Unhandled` if the handler raised an exception, else None.
    """

    payload: str
    error: str | None = None


class Functions:
    """All functions, by name."""

    def __init__(self, account: Account, store: Store) -> None:
        self._account, self._store = account, store
        self._found: dict[str, Document] = {}  # what `find` has read, until it changes
        self._finding = threading.Lock()
        self._runtimes: dict[str, Process] = {}
        self._lock = threading.Lock()
        self._closed = False

    def put(
        self,
        name: str,
        handler: str,
        environment: dict[str, str],
        timeout: int,
        memory: int,
        role: str,
        url_auth: str = "NONE",
        code_hash: str | None = None,
    ) -> Document:
        """Create or change a function. If its code or settings have changed, it gets a new process.

        Args:
            name: The function's name.
            handler: The handler, as `module.function`.
            environment: The function's own variables.
            timeout: The time limit in seconds.
            memory: The memory in megabytes, which the function is told but which is not enforced.
            role: The ARN of the role it acts as.
            url_auth: Who may call its URL: AWS_IAM (only signed requests) or NONE (anyone).
            code_hash: The name of the folder with its own code; without it, the handler is importable.

        Returns:
            The function's configuration.

        Raises:
            AwsError: Lambda does not take these variables.
        """
        check_environment(environment)
        document = {
            "FunctionName": name,
            "FunctionArn": self._account.arn("lambda", f"function:{name}"),
            "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
            "Role": role,
            "Handler": handler,
            "Timeout": timeout,
            "MemorySize": memory,
            "Environment": {"Variables": environment},
            "CodeSha256": code_hash or _code_hash(handler),
            "Version": "$LATEST",
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "UrlAuthType": url_auth,
        }
        known = self._store.find(_KIND, name)
        if known is None or {**known, "LastModified": None} != {**document, "LastModified": None}:
            document["LastModified"] = time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime())
            with self._changing(name):
                self._store.put(_KIND, name, document)
            self._retire(name)
        return self.find(name)

    def create(self, request: Document, content: bytes) -> Document:
        """Create a function from a client's request and its code, a zip."""
        name = request["FunctionName"].rsplit(":", 1)[-1]
        if self._store.find(_KIND, name) is not None:
            raise AwsError("ResourceConflictException", f"Function already exist: {name}", 409, Type="User")
        return self.put(
            name,
            request["Handler"],
            request.get("Environment", {}).get("Variables", {}),
            request["Timeout"],
            request["MemorySize"],
            request["Role"],
            code_hash=unpack(content, self._folder(name) / "code"),
        )

    def update_code(self, name_or_arn: str, content: bytes) -> Document:
        """Replace a function's code by that in a zip."""
        name = self.find(name_or_arn)["FunctionName"]
        code_hash = unpack(content, self._folder(name) / "code")
        with self._changing(name):
            self._store.update(_KIND, name, CodeSha256=code_hash)
        self._retire(name)
        return self.find(name)

    def delete(self, name_or_arn: str) -> None:
        """Delete a function and its files."""
        name = self.find(name_or_arn)["FunctionName"]
        with self._changing(name):
            self._store.delete(_KIND, name)
        self._retire(name)
        shutil.rmtree(self._folder(name), ignore_errors=True)

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[None]:
        """Let nobody find what a function was before this change."""
        with self._finding:
            self._found.pop(name, None)
            yield

    def _folder(self, name: str) -> Path:
        return self._account.home / "functions" / name

    def find(self, name_or_arn: str) -> Document:
        """Return a function's configuration, which callers leave as it is.

        Raises:
            AwsError: No such function.
        """
        name = name_or_arn.rsplit(":", 1)[-1] if name_or_arn.startswith("arn:") else name_or_arn
        function = self._found.get(name)
        if function is None:
            with self._finding:
                function = self._store.find(_KIND, name)
                if function is not None:
                    self._found[name] = function
        if function is None:
            arn = self._account.arn("lambda", f"function:{name}")
            raise AwsError("ResourceNotFoundException", f"Function not found: {arn}", 404, Type="User")
        return function

    @property
    def region(self) -> str:
        """The region of all functions."""
        return self._account.region

    def url(self, name: str) -> str:
        """Return a function's URL."""
        return f"{self._account.endpoint_url}/function-url/{name}/"

    def invoke(self, name: str, event: Any) -> Invocation:
        """Run a handler and wait for its result."""
        return self.run(self.find(name), json.loads(json.dumps(event)), str(uuid4()))

    def run(self, function: Document, event: Any, request_id: str) -> Invocation:
        """Run the handler of a function that was found just now, with an event as JSON's parser makes it."""
        name, seconds = function["FunctionName"], function["Timeout"]
        runtime = self._runtime(name)
        try:
            about, payload = runtime.call(request_id, event, seconds)
        except TimeoutError:
            self._retire(name, runtime)
            return _unhandled(f"{request_id} Task timed out after {seconds:.2f} seconds", "Sandbox.Timedout")
        except ConnectionError:
            return _unhandled(f"RequestId: {request_id} Error: Runtime exited", "Runtime.ExitError")
        if "error" in about:
            return Invocation(json.dumps(about["error"]), "Unhandled")
        if len(payload) > _MOST_ANSWER:
            return _unhandled(
                f"Response payload size exceeded maximum allowed payload size ({_MOST_ANSWER} bytes).",
                "Function.ResponseSizeTooLarge",
            )
        return Invocation(payload.decode())

    def close(self) -> None:
        """Stop every function's process."""
        with self._lock:
            self._closed = True
        together(runtime.end for runtime in list(self._runtimes.values()))

    def _runtime(self, name: str) -> Process:
        with self._lock:
            if self._closed:
                raise AwsError("ServiceException", "The server is stopping", 503)
            runtime = self._runtimes.get(name)
            if runtime is None or not runtime.alive:
                log = self._folder(name) / "log.txt"
                # As it is now: it may have changed since the caller found it.
                runtime = self._runtimes[name] = Process(self.find(name), self._account, log)
            return runtime

    def _retire(self, name: str, runtime: Process | None = None) -> None:
        """Let the next invocation start a new process; the old one stops when its other calls have ended."""
        with self._lock:
            current = self._runtimes.get(name)
            if current is None or (runtime is not None and current is not runtime):
                return
            del self._runtimes[name]
        current.retire()


def _unhandled(message: str, kind: str) -> Invocation:
    return Invocation(json.dumps({"errorMessage": message, "errorType": kind}), "Unhandled")


def _code_hash(handler: str) -> str:
    """Return a hash of the handler's package, so that changed code is noticed."""
    package = handler.split(".", 1)[0]
    specification = importlib.util.find_spec(package)
    if specification is None:
        return ""
    origin = Path(specification.origin)
    is_package = specification.submodule_search_locations is not None
    files = sorted(origin.parent.rglob("*")) if is_package else [origin]
    digest = hashlib.sha256()
    for path in (path for path in files if path.suffix in (".py", ".json")):
        digest.update(str(path.relative_to(origin.parent)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
