"""SNS's rules of topics and messages.

https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
"""

import json
import re
from collections.abc import Callable
from typing import Any

from local_aws.core.errors import AwsError
from local_aws.gateway.limits.tags import tag_problem

__all__ = ["RULES"]

_SUBJECT, _DISPLAY_NAME = 100, 100  # a subject must be shorter, a display name at most as long
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_GROUP = re.compile(r"[!-~]{1,128}")
_ATTRIBUTE = re.compile(r"(?!(?i:aws|amazon)\.)(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_FEEDBACK = {
    f"{protocol}{kind}"
    for protocol in ("Application", "Firehose", "HTTP", "Lambda", "SQS")
    for kind in ("FailureFeedbackRoleArn", "SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate")
}
_ATTRIBUTES = _FEEDBACK | {
    *("ArchivePolicy", "ContentBasedDeduplication", "DeliveryPolicy", "DisplayName", "FifoThroughputScope"),
    *("FifoTopic", "KmsMasterKeyId", "MaximumMessageSize", "Policy", "SignatureVersion", "TracingConfig"),
}


def _create_topic(request: dict[str, Any]) -> None:
    attributes = request.get("Attributes", {})
    if unknown := sorted(attributes.keys() - _ATTRIBUTES):
        raise _invalid(f"Attributes Reason: Unknown attribute {', '.join(unknown)}")
    if len(attributes.get("DisplayName", "")) > _DISPLAY_NAME:
        raise _invalid("Attributes Reason: DisplayName")
    if problem := tag_problem(request.get("Tags", ())):
        raise _invalid(f"Tags Reason: {problem}")


def _publish(request: dict[str, Any]) -> None:
    if not any(request.get(name) for name in ("TopicArn", "TargetArn", "PhoneNumber")):
        raise _invalid("TopicArn or TargetArn Reason: no value for required parameter")
    if not request["Message"]:
        raise _invalid("Empty message")
    subject = request.get("Subject")
    if subject is not None and not (0 < len(subject) < _SUBJECT and not _CONTROL.search(subject)):
        raise _invalid("Subject")
    if not _GROUP.fullmatch(request.get("MessageGroupId", "g")):
        raise _invalid("MessageGroupId")
    for name in request.get("MessageAttributes", {}):
        if not _ATTRIBUTE.fullmatch(name):
            raise AwsError("ParameterValueInvalid", f"Invalid name of a message attribute: {name}")
    structure = request.get("MessageStructure")
    if structure is not None:
        _check_structure(structure, request["Message"])


def _check_structure(structure: str, message: str) -> None:
    if structure != "json":
        raise _invalid("MessageStructure")
    try:
        by_protocol = json.loads(message)
    except ValueError:
        by_protocol = None
    if not isinstance(by_protocol, dict):
        raise _invalid("Message Structure - JSON message body failed to parse")
    if not isinstance(by_protocol.get("default"), str):
        raise _invalid("Message Structure - No default entry in JSON message body")


def _invalid(what: str) -> AwsError:
    return AwsError("InvalidParameter", f"Invalid parameter: {what}")


RULES: dict[str, Callable[[dict[str, Any]], None]] = {
    "sns:CreateTopic": _create_topic,
    "sns:Publish": _publish,
}
