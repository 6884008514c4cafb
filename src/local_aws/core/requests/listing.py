"""What all List operations do: filter, sort, and return one page."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local_aws.core.errors import invalid
from local_aws.core.store import Document

__all__ = ["listing", "page"]

# Prefix of a filter's name, and the field that it filters by.
_PERIODS = {
    "Created": "CreationTime",
    "CreationTime": "CreationTime",
    "LastModifiedTime": "LastModifiedTime",
}
_SIZE = 10  # items on a page, if the request has no MaxResults


def listing(
    items: Iterable[Document],
    request: Mapping[str, Any],
    *,
    name: str | None = None,
    status: str | None = None,
    newest_first: bool = True,
    size: int = _SIZE,
) -> tuple[list[Document], dict[str, str]]:
    """Answer a List operation of SageMaker.

    Args:
        items: All records, oldest first.
        request: Any of NameContains, StatusEquals, periods, SortBy, SortOrder, MaxResults, NextToken.
        name: The field that NameContains and SortBy Name refer to.
        status: The field that StatusEquals and SortBy Status refer to.
        newest_first: Whether the order is descending, unless SortOrder overrides it.
        size: How many items a page has, unless MaxResults overrides it.

    Returns:
        The items of the page, and `{"NextToken": ...}` or nothing.
    """
    text, wanted = request.get("NameContains"), request.get("StatusEquals")
    found = [
        item
        for item in items
        if (not text or text in item[name])
        and (not wanted or item.get(status) == wanted)
        and _is_in_period(item, request)
    ]
    by = request.get("SortBy", "CreationTime")
    field = {"Name": name, "Status": status}.get(by, by)
    found.sort(key=lambda item: item[field])
    if request.get("SortOrder", "Descending" if newest_first else "Ascending") == "Descending":
        found.reverse()
    return page(found, request, size)


def page(
    items: Sequence[Any], request: Mapping[str, Any], size: int = 100
) -> tuple[list[Any], dict[str, str]]:
    """Return one page of a list, by the request's MaxResults and NextToken.

    Returns:
        The items of the page, and `{"NextToken": ...}` or nothing.
    """
    start = 0
    if token := request.get("NextToken"):
        try:
            start = int(base64.urlsafe_b64decode(token.encode()))
        except (binascii.Error, ValueError):
            start = 0
        if start < 1:  # no answer has given it
            raise invalid(f"Invalid NextToken {token!r}.")
    end = start + request.get("MaxResults", size)
    following = (
        {"NextToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(items) else {}
    )
    return list(items[start:end]), following


def _is_in_period(document: Document, request: Mapping[str, Any]) -> bool:
    """Return whether a record was created and changed in the periods that a List operation filters by."""
    return all(
        request.get(f"{prefix}After", 0) <= document[field] <= request.get(f"{prefix}Before", float("inf"))
        for prefix, field in _PERIODS.items()
        if field in document
    )
