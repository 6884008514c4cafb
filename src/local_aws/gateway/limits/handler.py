"""Refuses requests that moto would answer and AWS would not."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.moto import read_form
from local_aws.core.requests.validation import decoded, service_model, validate
from local_aws.core.requests.wire import Request
from local_aws.gateway.handlers import MOTO_SERVICES
from local_aws.gateway.limits import cloudwatch, ecr, iam, s3, sns, sqs
from local_aws.gateway.operations import model_name

__all__ = ["refuse_invalid"]

_RULES: dict[str, Callable[[dict[str, Any]], None]] = {
    **cloudwatch.RULES,
    **ecr.RULES,
    **iam.RULES,
    **sns.RULES,
    **sqs.RULES,
}


def refuse_invalid(request: Request) -> None:
    """Refuse a request that breaks a constraint of botocore's model, or a rule of its service.

    Clients check only some of the constraints of the models, and clients in other languages fewer.

    Raises:
        AwsError: The request is not valid.
    """
    if request.service == "s3":
        s3.check(request)
    elif request.service in MOTO_SERVICES and request.operation:
        model, operation = model_name(request.service), request.operation.partition(":")[2]
        asked = _asked(request, model, operation)
        validate(model, operation, asked)
        if rule := _RULES.get(request.operation):
            rule(asked)


def _asked(request: Request, model: str, operation: str) -> dict[str, Any]:
    """Return a request's members, from its JSON or its form."""
    shape = service_model(model).operation_model(operation).input_shape
    if request.header("X-Amz-Target"):
        document = request.document()
        if not isinstance(document, dict):
            raise AwsError("SerializationException", "The request must be a JSON object.")
        return decoded(document, shape)
    if request.path.startswith("/service/"):
        raise not_emulated("CBOR requests to CloudWatch")
    form = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
    try:
        return read_form(model, operation, form)
    except ValueError as error:
        raise AwsError("MalformedInput", f"A value is not of its type: {error}") from None
