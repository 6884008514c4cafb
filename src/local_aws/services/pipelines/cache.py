"""The step cache: a step that ran before with the same attributes is not run again."""

import hashlib
import json
import re
import time
from typing import Any

from local_aws.core.errors import invalid
from local_aws.core.store import Document, Store

__all__ = ["cache_key", "expiry", "find", "remember"]

# https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
_TRIAL_ATTRIBUTES = (
    "AlgorithmSpecification",
    "DefinitionName",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)
_ATTRIBUTES = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Tuning": ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
}
_DURATION = re.compile(
    r"P?(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE
)
_DAY = 86400
_UNITS = (365 * _DAY, 30 * _DAY, 7 * _DAY, _DAY, 3600, 60, 1)
_KIND = "step-cache"


def cache_key(pipeline: str, step: Document, request: Document) -> str:
    """Return the key of a step's resolved request: of what AWS compares, not of names or outputs."""
    attributes: dict[str, Any] = {
        name: request[name] for name in _ATTRIBUTES[step["Type"]] if request.get(name) is not None
    }
    if "TrainingJobDefinition" in attributes:
        attributes["TrainingJobDefinition"] = _trial_attributes(attributes["TrainingJobDefinition"])
    if "TrainingJobDefinitions" in attributes:
        attributes["TrainingJobDefinitions"] = [
            _trial_attributes(each) for each in attributes["TrainingJobDefinitions"]
        ]
    content = json.dumps([pipeline, step["Name"], step["Type"], attributes], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _trial_attributes(definition: Document) -> Document:
    return {name: definition[name] for name in _TRIAL_ATTRIBUTES if name in definition}


def expiry(step: Document) -> float | None:
    """Return how old, in seconds, a result may be that this step takes over; None when it is not cached.

    Raises:
        AwsError: ExpireAfter is no ISO 8601 duration.
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
    """Return the newest successful run under a key, unless it is too old."""
    found = store.find(_KIND, key)
    return found if found and time.time() - found["Time"] <= seconds else None


def remember(store: Store, key: str, job: str, execution: str) -> None:
    """Note that a step succeeded."""
    store.put(_KIND, key, {"Time": time.time(), "JobName": job, "PipelineExecutionArn": execution})
