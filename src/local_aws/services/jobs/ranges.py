"""Hyperparameter ranges: checks them, and draws random values for trial number i."""

import math
import random
from collections.abc import Mapping
from typing import Any

from local_aws.core.errors import invalid

__all__ = ["Ranges", "check_ranges", "sample"]

Ranges = Mapping[str, list[dict[str, Any]]]
_NUMERIC = ("IntegerParameterRanges", "ContinuousParameterRanges")


def sample(ranges: Ranges, seed: int, trial: int) -> dict[str, str]:
    """Return the hyperparameters of one trial.

    They depend only on the seed and the trial's number, not on which trials ended before it. The scaling
    `Auto` means `Linear` here; on AWS, the service chooses.
    """
    generator = random.Random(f"{seed}-{trial}")  # noqa: S311
    values = {}
    for item in ranges.get("CategoricalParameterRanges", []):
        values[item["Name"]] = generator.choice(item["Values"])
    for item in ranges.get("IntegerParameterRanges", []):
        # Half a step on either side makes the two end values as likely as the others.
        low, high = int(item["MinValue"]), int(item["MaxValue"])
        scaling = item.get("ScalingType", "Auto")
        margin = 0.0 if scaling == "Logarithmic" else 0.5
        drawn = _draw(generator, low - margin, high + margin, scaling)
        values[item["Name"]] = str(min(max(round(drawn), low), high))
    for item in ranges.get("ContinuousParameterRanges", []):
        low, high = float(item["MinValue"]), float(item["MaxValue"])
        drawn = _draw(generator, low, high, item.get("ScalingType", "Auto"))
        values[item["Name"]] = repr(min(max(drawn, low), high))
    return values


def _draw(generator: random.Random, low: float, high: float, scaling: str) -> float:
    if scaling == "Logarithmic":
        return math.exp(generator.uniform(math.log(low), math.log(high)))
    if scaling == "ReverseLogarithmic":
        return 1 - math.exp(generator.uniform(math.log(1 - high), math.log(1 - low)))
    return generator.uniform(low, high)


def check_ranges(ranges: Ranges) -> None:
    """Refuse ranges that AWS would refuse.

    Raises:
        AwsError: A range is missing, repeated or empty, or does not fit its scaling.
    """
    if not any(ranges.values()):
        raise invalid("The tuning job needs at least one hyperparameter range.")
    names = [item["Name"] for group in ranges.values() for item in group]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise invalid(f"More than one range for: {', '.join(sorted(repeated))}")
    for item in (item for kind in _NUMERIC for item in ranges.get(kind, [])):
        name, scaling = item["Name"], item.get("ScalingType", "Auto")
        try:
            low, high = float(item["MinValue"]), float(item["MaxValue"])
        except ValueError:
            raise invalid(
                f"Range of {name!r}: {item['MinValue']!r} and {item['MaxValue']!r} must be numbers"
            ) from None
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise invalid(f"Range of {name!r}: MinValue {low} must be less than MaxValue {high}")
        if scaling == "Logarithmic" and low <= 0:
            raise invalid(
                f"Range of {name!r}: Logarithmic scaling needs a MinValue greater than 0, not {low}"
            )
        if scaling == "ReverseLogarithmic" and not (low >= 0 and high < 1):
            raise invalid(f"Range of {name!r}: ReverseLogarithmic scaling needs a range within [0, 1)")
    for item in ranges.get("IntegerParameterRanges", []):
        if not (item["MinValue"].lstrip("-").isdigit() and item["MaxValue"].lstrip("-").isdigit()):
            raise invalid(f"Range of {item['Name']!r}: MinValue and MaxValue must be integers")
