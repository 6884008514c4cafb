"""Retry policies: which failed steps are retried, and when.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
"""

from typing import Any

from local_aws.core.errors import invalid

__all__ = ["JOB_INTERNAL_ERROR", "SERVICE_FAULT", "check_policies", "pause_before_retry"]

JOB_INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
SERVICE_FAULT = "Step.SERVICE_FAULT"
# The last three never happen on a laptop, which has no throttling and no capacity limits.
_EXCEPTION_TYPES = (
    SERVICE_FAULT,
    JOB_INTERNAL_ERROR,
    "Step.THROTTLING",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
)
# Each field's minimum and maximum.
_NUMBERS = {
    "IntervalSeconds": (0, 43200),
    "BackoffRate": (1, float("inf")),
    "MaxAttempts": (0, 20),
    "ExpireAfterMin": (1, 14400),
}
_MOST_ATTEMPTS = 5  # unless the policy has MaxAttempts or ExpireAfterMin


def check_policies(step: dict[str, Any]) -> None:
    """Refuse retry policies that CreatePipeline would refuse.

    Raises:
        AwsError: A policy has an unknown exception type or field, an invalid number, or two limits.
    """
    policies = step.get("RetryPolicies", [])
    name = step["Name"]
    if not isinstance(policies, list) or not all(isinstance(policy, dict) for policy in policies):
        raise invalid(f"Step {name}: RetryPolicies must be a list of objects.")
    for policy in policies:
        if unknown := sorted(set(policy) - {"ExceptionType", *_NUMBERS}):
            raise invalid(f"Step {name}: a retry policy has no field {', '.join(unknown)}.")
        types = policy.get("ExceptionType")
        if not isinstance(types, list) or not types or not all(it in _EXCEPTION_TYPES for it in types):
            raise invalid(f"Step {name}: ExceptionType {types!r} is not a list of {_EXCEPTION_TYPES}.")
        if {"MaxAttempts", "ExpireAfterMin"} <= policy.keys():
            raise invalid(f"Step {name}: a retry policy has MaxAttempts or ExpireAfterMin, not both.")
        for field, (least, most) in _NUMBERS.items():
            value = policy.get(field, least)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                raise invalid(f"Step {name}: {field} {value!r} is not a number from {least} to {most}.")


def pause_before_retry(
    step: dict[str, Any], exception_type: str | None, attempts: int, seconds: float
) -> float | None:
    """Return how many seconds to wait before a failed step is retried, or None to give up.

    Args:
        step: The step, as in the definition.
        exception_type: The failure's exception type in retry policies; None if no policy covers it.
        attempts: The number of attempts so far.
        seconds: The time since the first attempt, in seconds.
    """
    for policy in step.get("RetryPolicies", []):
        if exception_type in policy["ExceptionType"]:
            pause = policy.get("IntervalSeconds", 1) * policy.get("BackoffRate", 2.0) ** (attempts - 1)
            if (minutes := policy.get("ExpireAfterMin")) is not None:
                return None if seconds + pause > minutes * 60 else pause
            return None if attempts > policy.get("MaxAttempts", _MOST_ATTEMPTS) else pause
    return None
