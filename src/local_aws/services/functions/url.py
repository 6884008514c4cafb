"""Function URLs: an HTTP request becomes an event of format 2.0, and the result becomes the HTTP answer.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import base64
import functools
import json
import re
import time
from typing import Any
from urllib.parse import parse_qsl, unquote

from local_aws.compute.processors import keep_thread
from local_aws.core.account import ACCOUNT_ID
from local_aws.core.errors import AwsError
from local_aws.core.requests.signatures import FUNCTION_URL, Signatures
from local_aws.core.requests.wire import REQUEST_ID, Reply, Request, new_request_id
from local_aws.services.functions.functions import Functions

__all__ = ["BODY_LIMIT", "FunctionUrls", "answer_of"]

BODY_LIMIT = 6 * 1024 * 1024  # bytes of an event, in which a body is a text of JSON, or one in base64
_SMALL = BODY_LIMIT // 8  # bytes of a body that always fits: a character becomes six at most
# What a header may be: https://www.rfc-editor.org/rfc/rfc9110#section-5
_NAME, _VALUE = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII), re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_FRAMING = ("connection", "content-length", "transfer-encoding")  # which are the server's
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")


class FunctionUrls:
    """Serves `/function-url/NAME/PATH`. If a request is signed, its signature is checked.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """

    def __init__(self, functions: Functions, signatures: Signatures) -> None:
        self._functions, self._signatures = functions, signatures

    def answer(self, request: Request) -> Reply | None:
        """Invoke a function with an HTTP request."""
        if not request.path.startswith(FUNCTION_URL):
            return None
        keep_thread()
        name, _, path = request.raw_path.removeprefix(FUNCTION_URL).partition("/")
        if len(request.body) > BODY_LIMIT:
            return _message(413, "Request Entity Too Large")
        function = self._functions.find(unquote(name))
        try:
            signer = self._signatures.signer_of(request, "lambda", self._functions.region)
        except AwsError as error:
            return _message(403, error.message, error.code)
        if signer is None and function.get("UrlAuthType") == "AWS_IAM":
            return _message(403, "Forbidden", "AccessDeniedException")
        request_id = new_request_id()
        event = _event(request, request_id, function["FunctionName"], f"/{path}")
        if len(request.body) > _SMALL and len(json.dumps(event, ensure_ascii=False).encode()) > BODY_LIMIT:
            return _message(413, "Request Entity Too Large")
        if signer is not None:
            event["requestContext"]["authorizer"] = {"iam": {"accessKey": signer, "accountId": ACCOUNT_ID}}
        invocation = self._functions.run(function, event, request_id)
        if invocation.error:
            return _message(502, "Internal Server Error")
        return answer_of(json.loads(invocation.payload), request_id)


def _event(request: Request, request_id: str, name: str, path: str) -> dict[str, Any]:
    content_type = request.header("Content-Type")
    headers = {**request.headers, "content-length": str(len(request.body))}
    headers.pop("transfer-encoding", None)  # the body is complete
    query: dict[str, str] = {}
    for key, value in parse_qsl(request.query, keep_blank_values=True):
        query[key] = f"{query[key]},{value}" if key in query else value
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": name,
            "domainName": request.header("Host"),
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.client[0],
                "userAgent": request.header("User-Agent"),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": round(time.time() * 1000),
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = query
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request.body, content_type)
    return event


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    """Return a request's body as the event contains it, and whether that is base64."""
    if content_type.startswith(_TEXT):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass  # its content type is text, but it is not
    return base64.b64encode(body).decode(), True


def answer_of(result: Any, request_id: str) -> Reply:
    """Return a handler's result as an HTTP answer. A result without statusCode is the body of a 200."""
    if not (isinstance(result, dict) and "statusCode" in result):
        body = result if isinstance(result, str) else json.dumps(result)
        return Reply(body.encode(), 200, {REQUEST_ID: request_id, "Content-Type": "application/json"})
    status, body, headers = result["statusCode"], result.get("body") or "", result.get("headers") or {}
    if type(status) is not int or not 200 <= status <= 599 or not isinstance(body, str) or not _are(headers):
        return _message(502, "Internal Server Error")
    try:
        content = base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else body.encode()
    except ValueError:  # no base64, or half a surrogate pair
        return _message(502, "Internal Server Error")
    kept, has_type = {REQUEST_ID: request_id}, False
    for name, value in headers.items():
        lower = name.lower()
        if lower not in _FRAMING:
            kept[name] = str(value)
            has_type = has_type or lower == "content-type"
    if not has_type:
        kept["Content-Type"] = "application/json"
    return Reply(content, status, kept)


def _are(headers: Any) -> bool:
    """Whether these are headers that can be sent as they are, and as no more than one line each."""
    if not (isinstance(headers, dict) and all(map(_is_name, headers))):
        return False
    return _VALUE.fullmatch("".join(map(str, headers.values()))) is not None


@functools.lru_cache(256)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _message(status: int, text: str, code: str | None = None) -> Reply:
    headers = {"Content-Type": "application/json"} | ({"x-amzn-ErrorType": code} if code else {})
    return Reply(json.dumps({"Message": text}).encode(), status, headers)
