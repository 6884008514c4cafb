"""What all services demand of tags."""

from collections.abc import Iterable
from typing import Any

__all__ = ["tag_problem"]

_MOST = 50  # of a resource


def tag_problem(tags: Iterable[dict[str, Any]]) -> str | None:
    """Return what is wrong with a resource's tags, or None.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    keys = [tag["Key"] for tag in tags]
    if len(keys) > _MOST:
        return f"At most {_MOST} tags are allowed, not {len(keys)}"
    if len(set(keys)) < len(keys):
        return "Duplicate tag keys found"
    if any(key.lower().startswith("aws:") for key in keys):
        return "Tag keys cannot begin with aws:, which is reserved"
    return None
