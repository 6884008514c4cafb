"""SQS's rules of queues and messages.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

import re
from collections.abc import Callable
from typing import Any

from local_aws.core.errors import AwsError

__all__ = ["RULES"]

_RANGES = {
    "DelaySeconds": range(901),
    "KmsDataKeyReusePeriodSeconds": range(60, 86_401),
    "MaximumMessageSize": range(1024, 1_048_577),  # bytes
    "MessageRetentionPeriod": range(60, 1_209_601),  # seconds
    "ReceiveMessageWaitTimeSeconds": range(21),
    "VisibilityTimeout": range(43_201),  # seconds
}
_CONTENT = re.compile(r"[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def _create_queue(request: dict[str, Any]) -> None:
    for name, value in request.get("Attributes", {}).items():
        if name in _RANGES and not (value.isdecimal() and int(value) in _RANGES[name]):
            raise AwsError("InvalidAttributeValue", f"Invalid value for the parameter {name}.")


def _send_message(request: dict[str, Any]) -> None:
    if not request["MessageBody"]:
        raise AwsError("MissingParameter", "The request must contain the parameter MessageBody.")
    if not _CONTENT.fullmatch(request["MessageBody"]):
        raise AwsError("InvalidMessageContents", "Invalid characters found in the message.")


RULES: dict[str, Callable[[dict[str, Any]], None]] = {
    "sqs:CreateQueue": _create_queue,
    "sqs:SendMessage": _send_message,
}
