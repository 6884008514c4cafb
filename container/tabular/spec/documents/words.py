"""What documents say about a model, in a few words for people."""

import re
from collections.abc import Mapping

from tabular.spec.documents.models import ModelFacts

__all__ = ["listed", "members", "scored", "searched"]


def searched(model: ModelFacts) -> str | None:
    """How many of the rows that the model learned from the trials saw; None if they saw all."""
    seen, rows = model["cross_validation"].get("rows"), model["training"].get("rows")
    return None if seen is None or seen == rows else f"{seen:,} of {rows:,} training rows"


def scored(model: ModelFacts) -> str:
    """The score of what won, and its nested score, in the few characters that a registry's metadata allow."""
    found = model["cross_validation"]
    nested = f" nested={found['nested_score']:.6g}" if "nested_score" in found else ""
    return f"{found['scorer']}={found['score']:.6g}{nested}"


def members(model: ModelFacts) -> dict[str, str]:
    """What each member of an ensemble is and its weight, for people; empty for a single model."""
    found = model["ensemble"]["members"] if "ensemble" in model else []
    return {
        f"member {number}": ", ".join(
            [
                f"{one['algorithm']} with weight {one['weight']:.3g}",
                *listed(one["hyperparameters"]),
            ]
        )
        for number, one in enumerate(found, start=1)
    }


def listed(hyperparameters: Mapping[str, str]) -> list[str]:
    """Hyperparameters by their name, for people: a drawn one has sixteen digits, of which four are shown."""
    return [f"{name}={_rounded(value)}" for name, value in sorted(hyperparameters.items())]


def _rounded(value: str) -> str:
    if not re.fullmatch(r"-?[0-9]*\.[0-9]+(e-?[0-9]+)?", value):  # a word or a whole number
        return value
    return f"{float(value):.4g}"
