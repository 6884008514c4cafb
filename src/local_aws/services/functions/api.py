"""The Lambda operations: a function is created, described, invoked, given new code, and deleted."""

import json
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.requests.wire import Reply, Request, json_reply
from local_aws.core.store import Document
from local_aws.services.functions.code import checked, zip_of
from local_aws.services.functions.functions import Functions
from local_aws.services.functions.url import BODY_LIMIT

__all__ = ["LambdaApi"]

# Bytes of an event that nobody waits for:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_ASYNCHRONOUS_LIMIT = 1024 * 1024

_PATH = re.compile(r"/\d{4}-\d\d-\d\d/functions(?:/([^/]+)(?:/([a-z]+))?)?/?")


class LambdaApi:
    """Answers requests to the Lambda service."""

    def __init__(self, functions: Functions, read_object: Callable[[str], bytes]) -> None:
        self._functions, self._read_object = functions, read_object

    def answer(self, request: Request) -> Reply | None:
        """Answer one request."""
        if request.service != "lambda":
            return None
        match = _PATH.fullmatch(request.raw_path)
        if match and match[1] is None:
            if request.method != "POST":
                raise not_emulated(f"the Lambda operation {request.method} {request.raw_path}")
            asked = checked("CreateFunction", _members(request))
            return json_reply(self._functions.create(asked, zip_of(asked["Code"], self._read_object)), 201)
        operation = (request.method, match[2]) if match else None
        if operation == ("PUT", "code"):
            asked = checked("UpdateFunctionCode", {**_members(request), "FunctionName": unquote(match[1])})
            content = zip_of(asked, self._read_object)
            return json_reply(self._functions.update_code(asked["FunctionName"], content))
        if operation == ("DELETE", None):
            self._functions.delete(unquote(match[1]))
            return Reply(b"", 204)
        if operation == ("POST", "invocations"):
            return self._invoke(unquote(match[1]), request)
        if operation == ("GET", None):
            configuration = self._functions.find(unquote(match[1]))
            return json_reply({"Configuration": configuration, "Code": {"RepositoryType": "local"}})
        if operation == ("GET", "configuration"):
            return json_reply(self._functions.find(unquote(match[1])))
        if operation == ("GET", "url"):
            return self._url_configuration(unquote(match[1]))
        raise not_emulated(f"the Lambda operation {request.method} {request.raw_path}")

    def _invoke(self, name: str, request: Request) -> Reply:
        kind = request.header("X-Amz-Invocation-Type") or "RequestResponse"
        limit = _ASYNCHRONOUS_LIMIT if kind == "Event" else BODY_LIMIT
        if len(request.body) > limit:
            raise AwsError(
                "RequestTooLargeException", f"The request must be smaller than {limit} bytes.", 413
            )
        event = _json(request)
        name = self._functions.find(name)["FunctionName"]
        if kind == "DryRun":
            return Reply(b"", 204)
        if kind == "Event":
            threading.Thread(target=self._functions.invoke, args=(name, event), daemon=True).start()
            return Reply(b"", 202)
        invocation = self._functions.invoke(name, event)
        headers = {"Content-Type": "application/json", "X-Amz-Executed-Version": "$LATEST"}
        if invocation.error:
            headers["X-Amz-Function-Error"] = invocation.error
        return Reply(invocation.payload.encode(), 200, headers)

    def _url_configuration(self, name: str) -> Reply:
        function = self._functions.find(name)
        return json_reply(
            {
                "FunctionUrl": self._functions.url(function["FunctionName"]),
                "FunctionArn": function["FunctionArn"],
                "AuthType": function.get("UrlAuthType", "NONE"),
                "InvokeMode": "BUFFERED",
                "CreationTime": function["LastModified"],
                "LastModifiedTime": function["LastModified"],
            }
        )


def _members(request: Request) -> Document:
    members = _json(request)
    if not isinstance(members, dict):
        raise AwsError("InvalidRequestContentException", "The request must be a JSON object.")
    return members


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body or b"{}")
    except ValueError as error:
        raise AwsError("InvalidRequestContentException", f"Could not parse the payload: {error}") from None
