"""What serves a partition, and what is written of it."""

from typing import Any, Literal, NamedTuple

from tabular.fleets.found import Found
from tabular.portable.predictors import Arrays
from tabular.spec.documents.partitions import ServedPartition

__all__ = ["Decided", "Origin", "as_found", "joined", "origin_of", "unfinished", "version_of"]

Origin = Literal["new", "kept", "taken over"]


class Decided(NamedTuple):
    """What serves a partition, where that comes from, and why; arrays if it is a model of its own."""

    origin: Origin
    reason: str
    document: ServedPartition
    arrays: Arrays | None


def as_found(found: Found) -> tuple[ServedPartition, Arrays | None]:
    """What is written of a partition that gets what was found for it."""
    names = ["number", "key", "rows", "sha256"]
    if not found.choice.own:
        pooled = {name: found.document[name] for name in names}
        return pooled | unfinished(found) | {"model": None}, None
    if "taken_over" in found.document:
        return found.document["taken_over"]["served"] | {"number": found.document["number"]}, found.arrays
    names += ["algorithm", "hyperparameters", "scorer", "score", "model"]
    return {name: found.document[name] for name in names} | unfinished(found), found.arrays


def unfinished(found: Found) -> dict[str, Any]:
    """What is written of a partition whose search had an error or no time; empty for others."""
    return {"unfinished": True} if found.document.get("unfinished") else {}


def joined(reason: str, more: str) -> str:
    """One sentence of two; what refused a search ends with a full stop."""
    return f"{reason.removesuffix('.')}; {more}"


def origin_of(found: Found) -> Literal["new", "taken over"]:
    """Whether a partition was searched, or taken over from the fleet in service."""
    return "taken over" if "taken_over" in found.document else "new"


def version_of(found: Found) -> int:
    """From which a partition was taken over."""
    return found.document["taken_over"]["version"]
