"""The operations of services with JSON requests and answers: SageMaker, CloudWatch Logs and Firehose."""

from collections.abc import Iterable, Mapping
from typing import Any

from botocore import xform_name

from local_aws.core.errors import not_emulated
from local_aws.core.requests.validation import decoded, service_model, shaped, validate
from local_aws.core.requests.wire import Reply, Request, json_reply
from local_aws.core.store import Document
from local_aws.services.tags import Tags, check_tags

__all__ = ["JsonOperations"]


class JsonOperations:
    """Operations by name.

    A method of a family with boto3's name for an operation is that operation. An operation that no family has
    is refused by name.

    Args:
        families: The families of each service.
        tags: Stores the tags of resources that are created.
    """

    def __init__(self, families: Mapping[str, Iterable[Any]], tags: Tags) -> None:
        self._services, self._tags = tuple(families), tags
        self._operations = {
            (service, operation): method
            for service, ours in families.items()
            for operation in service_model(service).operation_names
            for family in ours
            if (method := getattr(family, xform_name(operation), None))
        }

    def answer(self, request: Request) -> Reply | None:
        """Answer one request."""
        if request.service not in self._services:
            return None
        model = service_model(request.service)
        operation = request.header("X-Amz-Target").rpartition(".")[2]
        method = self._operations.get((request.service, operation))
        if method is None:
            name = model.metadata["serviceId"]
            raise not_emulated(f"the {name} operation {operation or request.path!r}")
        asked: Document = decoded(request.document(), model.operation_model(operation).input_shape)
        validate(request.service, operation, asked)
        check_tags(asked)
        answer = method(asked)
        if operation.startswith("Create"):
            self._tags.remember(asked, answer)
        return json_reply(shaped(answer, model.operation_model(operation).output_shape))
