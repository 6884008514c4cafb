"""The invoker function: the HTTP address of all models, in front of the multi-model endpoint, or several.

POST / predicts: with `{"model": ..., "data": ...}` in JSON, or with ?model= and rows in any shape that the
model's server reads. GET / lists the models.
"""

import base64
import difflib
import heapq
import json
import os
import re
import time
from collections.abc import Collection
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from contract import names
from contract.endpoints import preferred
from lambdas import log
from lambdas.errors import RequestError, code_of
from lambdas.invoker import capture, endpoint, question, served
from lambdas.invoker.endpoint import Answer, EndpointGoneError, RowsRefusedError, TargetRefusedError
from lambdas.invoker.question import LIMIT, Question
from lambdas.invoker.runtime import runtime
from lambdas.models_map import Entry, ModelsMap
from lambdas.settings import Settings

__all__ = ["handler"]

Response = dict[str, Any]
NEAREST = 3  # models that an answer names, however many there are
COMPARED = 200  # names that are compared, those with most letters in common
ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
REQUEST_ID = "x-request-id"
# Characters of a body that always fit: in JSON, one becomes 12 bytes at most, and the headers are short.
SMALL = LIMIT // 16
VALID_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def handler(event: dict[str, Any], context: object) -> Response:
    """Answer one request of the Function URL (payload format 2.0), and log one line without its payload."""
    try:
        return _answer(event, str(getattr(context, "aws_request_id", None) or uuid4()))
    finally:
        if extension := capture.current().extension:
            extension.finished()


def _answer(event: dict[str, Any], own_id: str) -> Response:
    started = time.monotonic()
    record: dict[str, Any] = {"request_id": _request_id(event, own_id)}
    if record["request_id"] != own_id:
        record["lambda_request_id"] = own_id
    try:
        response = _route(event, record)
    except RequestError as error:
        response = _json_response(error.status, {"error": error.sentence}, error.headers)
        record["cause"] = _cause(error)
        if isinstance(error, RowsRefusedError):
            response["headers"][names.MODEL_VERSION] = str(record["version"])
    response["headers"][REQUEST_ID] = record["request_id"]
    milliseconds = round(1000 * (time.monotonic() - started), 1)
    log.line(
        function="invoker",
        **record,
        status=response["statusCode"],
        milliseconds=milliseconds,
        request_bytes=len(event.get("body") or ""),
        response_bytes=len(response["body"]),
        **_metrics(record, response["statusCode"], milliseconds),
    )
    return response


def _request_id(event: dict[str, Any], own_id: str) -> str:
    """Return the caller's own name of the request if it is valid, or else the function's."""
    headers = event.get("headers") or {}
    named = next((value for name, value in headers.items() if name.lower() == REQUEST_ID), "")
    return named if VALID_ID.fullmatch(named) else own_id


def _metrics(record: dict[str, Any], status: int, milliseconds: float) -> dict[str, Any]:
    """Return the metrics for CloudWatch: of all models together and, if METRICS_BY_MODEL is true, of each.

    The line has each model's figures in any case, for CloudWatch Logs Insights. As metrics they are billed
    for every model and month.
    """
    total = {"PipelineName": os.environ.get("PIPELINE_NAME", "unknown")}
    dimension_sets = [total]
    if os.environ.get("METRICS_BY_MODEL") == "true" and "group" in record:
        dimension_sets.append({**total, "ModelPackageGroupName": record["group"]})
    values = {
        "Requests": 1,
        "4XXErrors": int(400 <= status < 500),
        "5XXErrors": int(status >= 500),
        "Latency": milliseconds,
        "Rows": record.get("rows", 0) if status == 200 else 0,
    }
    return log.metrics(names.load().metrics_namespace, dimension_sets, values, {"Latency": "Milliseconds"})


def _route(event: dict[str, Any], record: dict[str, Any]) -> Response:
    method = event["requestContext"]["http"]["method"]
    path = event.get("rawPath") or "/"
    if path != "/":
        raise RequestError(404, "There is nothing at this path; POST / predicts and GET / lists the models.")
    if method == "GET":
        return _list(Settings.from_environment())
    if method == "POST":
        return _predict(Settings.from_environment(), question.read(event), record)
    raise RequestError(
        405, f"{method} is not supported; POST / predicts, GET / lists.", {"allow": "GET, POST"}
    )


def _list(settings: Settings) -> Response:
    models = _own(settings, served.cached_map(settings.bucket).current().entries)
    listed = [
        {"dataset": dataset, "group": group, "version": entry["version"]}
        for dataset, (group, entry) in sorted(models.items())
    ]
    return _fitting(_json_response(200, {"models": listed}))


def _predict(settings: Settings, asked: Question, record: dict[str, Any]) -> Response:
    """Invoke the model; if its artifact is gone, check once whether the map has a newer one."""
    models = served.cached_map(settings.bucket)
    snapshot = models.current()
    entry = _find(settings, snapshot.entries, asked.model, record)
    try:
        answer = _invoke(settings, record["group"], entry, asked)
    except TargetRefusedError:
        gone = entry
        entry = _find(settings, models.newer_than(snapshot).entries, asked.model, record)
        if entry == gone:
            raise
        answer = _invoke(settings, record["group"], entry, asked)
    record["rows"] = answer.rows
    response = _fitting(_answer_response(answer, entry["version"]))
    capture.current().offer(record["request_id"], record["group"], entry, asked, answer, record["rows"])
    return response


def _invoke(settings: Settings, group: str, entry: Entry, asked: Question) -> Answer:
    """Invoke the model at its endpoint; if that has gone, at the one to which the deployer will move it.

    All endpoints read the same folder of models, so any of them can serve any model.
    """
    first = entry.get("endpoint", settings.endpoint_name)
    target_model = entry["key"].removeprefix(names.load().prefixes.models)
    try:
        return endpoint.invoke(runtime(), first, target_model, asked)
    except EndpointGoneError:
        others = [name for name in preferred(group, settings.endpoint_names) if name != first]
        if not others:
            raise
        return endpoint.invoke(runtime(), others[0], target_model, asked)


def _own(settings: Settings, entries: ModelsMap) -> dict[str, tuple[str, Entry]]:
    """Return the pipeline's models by data set: (group, entry)."""
    prefix = names.group_prefix(settings.pipeline_name)
    return {
        group.removeprefix(prefix): (group, entry)
        for group, entry in entries.items()
        if group.startswith(prefix)
    }


def _find(settings: Settings, entries: ModelsMap, name: str, record: dict[str, Any]) -> Entry:
    """Find the entry of a data set or group, in no time; a RequestError (404) names the nearest."""
    prefix = names.group_prefix(settings.pipeline_name)
    group = prefix + name.removeprefix(prefix)
    entry = entries.get(group)
    if entry is None:
        raise RequestError(404, _no_model(name, name.removeprefix(prefix), _own(settings, entries)))
    record.update(group=group, version=entry["version"])
    return entry


def _no_model(name: str, dataset: str, models: Collection[str]) -> str:
    if not models:
        return "No model is served yet; approve one in the model registry."
    listed = f"Models in service: {', '.join(sorted(models))}."
    likely = models
    if len(models) > NEAREST:
        listed = f"GET / lists the {len(models)} models in service."
        # To compare thousands of names letter by letter takes half a second.
        letters = set(dataset[:80])
        likely = heapq.nsmallest(COMPARED, models, key=lambda model: len(letters.symmetric_difference(model)))
    nearest = difflib.get_close_matches(dataset[:80], likely, n=NEAREST)
    hint = f" Did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
    return f"There is no model {name[:80]!r}.{hint} {listed}"


def _answer_response(answer: Answer, version: int) -> Response:
    headers = {"content-type": answer.content_type, names.MODEL_VERSION: str(version)}
    if answer.custom_attributes:
        headers[ATTRIBUTES] = answer.custom_attributes
    try:
        body, is_base64 = answer.body.decode(), False
    except UnicodeDecodeError:
        body, is_base64 = base64.b64encode(answer.body).decode(), True
    return {"statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": is_base64}


def _json_response(status: int, document: object, headers: dict[str, str] | None = None) -> Response:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **(headers or {})},
        "body": json.dumps(document),
        "isBase64Encoded": False,
    }


def _fitting(response: Response) -> Response:
    """Return the response, or raise a RequestError (413) if it is too large for Lambda to return."""
    if len(response["body"]) > SMALL and len(json.dumps(response)) > LIMIT:
        raise RequestError(413, f"The answer has more than {LIMIT:,} bytes; send the rows in parts.")
    return response


def _cause(error: RequestError) -> str:
    """Return the name of the error's cause, without its message, which may quote the payload."""
    cause = error.__cause__ or error
    return code_of(cause) if isinstance(cause, ClientError) else type(cause).__name__


capture.current()  # now, because Lambda takes no registrations of extensions after the function's start
