"""What the registry keeps of decisions: every one in the metadata of its version, under a key of its own.

Two people who decide at the same moment both find the other's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contract.names import DECISION
from helpers.deployment.registry import PENDING, ModelVersion, describe
from helpers.session import Session
from helpers.session.patience import patiently

__all__ = ["NOTEBOOK", "Decision", "caller", "outcome_of", "record", "set_status", "who_decided"]

NOTEBOOK = "notebook 04"
# At most 50 keys of metadata are allowed, and the pipeline needs some of them.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
MOST_RECORDS = 20
# What the value of such a key may not contain, and its longest length.
_FORBIDDEN, _LONGEST = re.compile(r"[^\w .:/=+\-@]"), 256


@dataclass(frozen=True)
class Decision(ModelVersion):
    """A version after a decision on it: its status, the outcome of the wish, and whether the wish holds."""

    outcome: str = ""
    holds: bool = True


def set_status(
    session: Session, package: ModelVersion, status: str, reason: str, through: str = NOTEBOOK
) -> Decision:
    """Decide on a version, whatever was decided before; the registry keeps who, when, why and through what.

    Another person's decision at the same moment is not lost: whichever the registry received last stands,
    and the outcome names the other.
    """
    before = patiently(session, lambda: describe(session, package))
    return record(session, package, before, status, reason, caller(session), through)


def record(
    session: Session,
    package: ModelVersion,
    before: Mapping[str, Any],
    status: str,
    reason: str,
    who: str,
    through: str,
) -> Decision:
    """Give a version its status, and keep who gave it, when and through what, beside earlier decisions."""
    key = f"{DECISION}{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    text, known = _FORBIDDEN.sub("-", f"{status} by {who} through {through}")[:_LONGEST], _records(before)
    surplus = sorted(known)[: max(0, len(known) + 1 - MOST_RECORDS)]
    patiently(
        session,
        lambda: session.client("sagemaker").update_model_package(
            ModelPackageArn=package.arn,
            ModelApprovalStatus=status,
            ApprovalDescription=reason or f"{status} in {through}",
            CustomerMetadataProperties={key: text},
            **({"CustomerMetadataPropertiesToRemove": surplus} if surplus else {}),
        ),
    )
    after = patiently(session, lambda: describe(session, package))
    current, records = after["ModelApprovalStatus"], _records(after)
    outcome = f"{status.lower()} now{f': {reason}' if reason else ''}"
    if others := sorted(records.keys() - known.keys() - {key}):
        rivals = "; ".join(_shown(other, records[other]) for other in others)
        outcome += f", while somebody else decided on it: {rivals}; the registry has {current}"
    elif current != status:
        outcome += f", but somebody has decided on it since: the registry has {current}"
    return outcome_of(package, current, outcome, holds=current == status)


def outcome_of(package: ModelVersion, status: str, outcome: str, holds: bool = True) -> Decision:
    """A version with the status that it has now, and the outcome of the wish."""
    return Decision(package.dataset, package.version, status, package.arn, outcome, holds)


def who_decided(described: Mapping[str, Any]) -> str:
    """Who decided on a version, when, through what and why; empty if nobody did."""
    if described["ModelApprovalStatus"] == PENDING:
        return ""
    records, reason = _records(described), described.get("ApprovalDescription", "")
    last = max(records, default="")
    if last and records[last].startswith(described["ModelApprovalStatus"]):
        who = _shown(last, records[last])
    else:  # decided elsewhere, such as in SageMaker Studio
        by = described.get("LastModifiedBy", {})
        name = by.get("UserProfileName") or by.get("IamIdentity", {}).get("Arn", "").rpartition("/")[2]
        who = f"by {name or 'somebody'}"
    return f"{who}{f' ({reason})' if reason else ''}"


def _records(described: Mapping[str, Any]) -> dict[str, str]:
    metadata = described.get("CustomerMetadataProperties", {})
    return {key: value for key, value in metadata.items() if key.startswith(DECISION)}


def _shown(key: str, record: str) -> str:
    """One record in words: the ARN of who decided is cut to the name."""
    at = datetime.fromisoformat(key.removeprefix(DECISION))
    return f"{re.sub(r'arn:[^ ]*/', '', record)} on {at:%Y-%m-%d %H:%M}"


def caller(session: Session) -> str:
    """The ARN of whoever works in this session."""
    return patiently(session, lambda: session.client("sts").get_caller_identity()["Arn"])
