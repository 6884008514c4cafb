"""The step cache: a step that has already run with the same attributes is not run again."""

import hashlib
import json
import re
import time
from typing import Any

from local_aws.core.errors import invalid
from local_aws.core.store import Document, Store

__all__ = ["cache_key", "expiry", "find", "remember"]

_DURATION = re.compile(
    r"P?(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE
)
_DAY = 86400
_UNITS = (365 * _DAY, 30 * _DAY, 7 * _DAY, _DAY, 3600, 60, 1)
_KIND = "step-cache"


def cache_key(pipeline: str, step: Document, attributes: dict[str, Any]) -> str:
    """Return a step's cache key, from the attributes of its resolved request that AWS compares."""
    content = json.dumps([pipeline, step["Name"], step["Type"], attributes], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def expiry(step: Document) -> float | None:
    """Return the maximum age, in seconds, of a result that this step may reuse; None if it is not cached.

    Raises:
        AwsError: ExpireAfter is not an ISO 8601 duration.
    """
    configuration = step.get("CacheConfig") or {}
    if not configuration.get("Enabled"):
        return None
    text = str(configuration.get("ExpireAfter", ""))
    match = _DURATION.fullmatch(text)
    if not match or not any(match.groups()):
        raise invalid(
            f"Step {step['Name']}: ExpireAfter {text!r} is not a duration such as 'P30D' or 'T16M'."
        )
    return sum(int(count or 0) * unit for count, unit in zip(match.groups(), _UNITS, strict=True))


def find(store: Store, key: str, seconds: float) -> Document | None:
    """Return the newest successful run with a key, unless it is too old."""
    found = store.find(_KIND, key)
    return found if found and time.time() - found["Time"] <= seconds else None


def remember(store: Store, key: str, job: str, execution: str) -> None:
    """Record that a step succeeded."""
    store.put(_KIND, key, {"Time": time.time(), "JobName": job, "PipelineExecutionArn": execution})
