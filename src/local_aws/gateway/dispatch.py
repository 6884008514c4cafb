"""Which part of this AWS answers a request."""

import io
import json
import re
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from botocore import xform_name

from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.store import Document
from local_aws.core.validation import service_model, validate
from local_aws.core.wire import Reply, StartResponse, json_reply, send, shaped, to_reply
from local_aws.gateway.calls import Calls
from local_aws.gateway.operations import offered, operation_of
from local_aws.services.cloudwatch.logs import Logs
from local_aws.services.endpoints.endpoints import Endpoints
from local_aws.services.functions.api import LambdaApi
from local_aws.services.functions.url import FunctionUrls
from local_aws.services.s3 import Buckets
from local_aws.services.tags import Tags

__all__ = ["Dispatcher"]

# Records only; moto keeps them. CloudWatch signs as `monitoring`.
MOTO_SERVICES = {"ecr", "iam", "monitoring", "sts"}
_XML_SERVICES = {"iam", "s3", "sts"}
_CREDENTIAL = re.compile(r"Credential=[^/]+/\d{8}/[^/]*/([^/]+)/aws4_request")
_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
_LOCAL_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
_RUNTIME_HEADERS = {
    "HTTP_ACCEPT": "accept",
    "HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES": "x-amzn-sagemaker-custom-attributes",
    "HTTP_X_AMZN_SAGEMAKER_TARGET_MODEL": "x-amzn-sagemaker-target-model",
    "CONTENT_TYPE": "content-type",
}
_ANSWERED_HEADERS = {
    "content-type": "Content-Type",
    "x-amzn-sagemaker-custom-attributes": "X-Amzn-SageMaker-Custom-Attributes",
}

Environ = dict[str, Any]
MotoApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Dispatcher:
    """The WSGI application.

    A method of a family that is named as boto3 names an operation is that operation; an operation that no
    family has is refused by name.
    """

    def __init__(
        self,
        families: list[Any],
        logs: Logs,
        tags: Tags,
        buckets: Buckets,
        endpoints: Endpoints,
        lambda_api: LambdaApi,
        function_urls: FunctionUrls,
        control: Callable[[Environ], Reply],
        calls: Calls,
        moto: MotoApplication,
    ) -> None:
        self._tags, self._buckets, self._endpoints = tags, buckets, endpoints
        self._lambda, self._function_urls, self._control, self._moto = (
            lambda_api,
            function_urls,
            control,
            moto,
        )
        self._calls = calls
        self._operations = {
            (service, operation): method
            for service, ours in (("sagemaker", (*families, tags)), ("logs", (logs,)))
            for operation in service_model(service).operation_names
            for family in ours
            if (method := getattr(family, xform_name(operation), None))
        }
        self._seen: set[str] = set()
        self.last_request = time.monotonic()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, whatever it is."""
        self.last_request = time.monotonic()
        service = _service(environ)
        try:
            if not _LOCAL_HOST.fullmatch(environ.get("HTTP_HOST", "127.0.0.1")):
                raise AwsError("AccessDenied", "This server answers to 127.0.0.1 and localhost only.", 403)
            if "HTTP_ORIGIN" in environ and not environ["PATH_INFO"].startswith("/function-url/"):
                # It would be a page's way to write an object that a job then runs.
                raise AwsError("AccessDenied", "A page in a browser may call function URLs only.", 403)
            self._calls.note(environ, service)
            operation = self._note_operation(environ, service)
            if service in ("s3", *MOTO_SERVICES) and operation not in offered():
                # moto would answer, but nobody has looked whether that is AWS's answer.
                raise not_emulated(f"the operation {operation or _described(environ)}")
            if service == "s3":
                return self._from_moto(self._buckets.serve, environ, start_response)
            if service in MOTO_SERVICES:
                return self._from_moto(self._moto, environ, start_response)
            return send(self._answer(environ, service), start_response)
        except AwsError as error:
            return send(to_reply(error, xml=service in _XML_SERVICES), start_response)
        except Exception as error:
            traceback.print_exc()
            failure = AwsError("InternalFailure", f"{type(error).__name__}: {error}", 500)
            return send(to_reply(failure, xml=service in _XML_SERVICES), start_response)

    def operations(self) -> list[str]:
        """Return `service:Operation` of everything that was asked for since the start."""
        return sorted(self._seen)

    def _note_operation(self, environ: Environ, service: str | None) -> str | None:
        name = operation_of(service, environ) if service is not None else None
        if name is None:
            return None
        self._seen.add(f"{service}:{name}")
        return f"{service}:{name}"

    def _answer(self, environ: Environ, service: str | None) -> Reply:
        path = environ["PATH_INFO"]
        if path.startswith("/_local/"):
            return self._control(environ)
        if path.startswith("/function-url/"):
            return self._function_urls.answer(environ)
        if service == "sagemaker":
            invocation = _INVOCATION.fullmatch(environ["RAW_URI"].partition("?")[0])
            if invocation:
                return self._invoke(unquote(invocation[1]), environ)
        if service in ("logs", "sagemaker"):
            return self._json(service, environ)
        if service == "lambda":
            return self._lambda.answer(environ)
        raise not_emulated(f"the service {service!r}" if service else _described(environ))

    def _json(self, service: str, environ: Environ) -> Reply:
        """Answer an operation that is named in a header, with JSON on both sides."""
        model = service_model(service)
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        method = self._operations.get((service, operation))
        if method is None:
            name = model.metadata["serviceId"]
            raise not_emulated(f"the {name} operation {operation or environ['PATH_INFO']!r}")
        try:
            request: Document = json.loads(environ["wsgi.input"].read() or b"{}")
        except ValueError as error:
            raise AwsError("SerializationException", f"The request is not JSON: {error}") from None
        validate(service, operation, request)
        answer = method(request)
        if operation.startswith("Create"):
            self._tags.remember(request, answer)
        return json_reply(shaped(answer, model.operation_model(operation).output_shape))

    def _invoke(self, name: str, environ: Environ) -> Reply:
        if environ["REQUEST_METHOD"] != "POST":
            raise not_emulated(f"{environ['REQUEST_METHOD']} of an endpoint's invocations")
        headers = {ours: environ[theirs] for theirs, ours in _RUNTIME_HEADERS.items() if environ.get(theirs)}
        body = environ["wsgi.input"].read()
        (status, answered, content), variant = self._endpoints.invoke(name, body, headers)
        returned = {
            ours: answered[theirs] for theirs, ours in _ANSWERED_HEADERS.items() if theirs in answered
        }
        return Reply(content, status, {**returned, "x-Amzn-Invoked-Production-Variant": variant})

    def _from_moto(
        self, application: MotoApplication, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        if _service(environ) == "iam" and (reply := _simulated_policy(environ)):
            return send(reply, start_response)
        seen: list[Any] = []
        body = b"".join(
            application(environ, lambda status, headers, _error=None: seen.extend((status, headers)))
        )
        status, headers = seen[-2:]
        if status.startswith("500") and body.lstrip()[:9].lower() in (b"<!doctype", b"<html lan", b"<html>"):
            raise AwsError(
                "InternalFailure", "moto failed on this request; the server's log has the reason.", 500
            )
        start_response(status, headers)
        return [body]


def _described(environ: Environ) -> str:
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def _service(environ: Environ) -> str | None:
    """Return the service a request was signed for; without a signature it is S3's, as moto has it."""
    if match := _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", "")):
        return match[1]
    if match := _CREDENTIAL.search(unquote(environ.get("QUERY_STRING", ""))):
        return match[1]
    if environ["PATH_INFO"].startswith(("/_local/", "/function-url/")) or "HTTP_X_AMZ_TARGET" in environ:
        return "sagemaker" if environ.get("HTTP_X_AMZ_TARGET", "").startswith("SageMaker.") else None
    return "s3" if environ["PATH_INFO"] != "/" else None


def _simulated_policy(environ: Environ) -> Reply | None:
    """Answer iam:SimulatePrincipalPolicy, which moto lacks: everything is allowed here."""
    body = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    form = parse_qs(body.decode(errors="replace"))
    if form.get("Action") != ["SimulatePrincipalPolicy"]:
        return None
    actions = [values[0] for key, values in form.items() if key.startswith("ActionNames.member")]
    results = "".join(
        f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>*</EvalResourceName>"
        "<EvalDecision>allowed</EvalDecision></member>"
        for action in actions
    )
    content = (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        "<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>"
        f"<EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult>"
        "<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>"
    )
    return Reply(content.encode(), 200, {"Content-Type": "text/xml"})
