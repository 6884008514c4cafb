"""Listing, as all List operations do it."""

from typing import Any

import pytest

from local_aws.core.errors import AwsError
from local_aws.core.requests.listing import listing

ITEMS = [
    {"Label": "b", "State": "Failed", "CreationTime": 1.0, "LastModifiedTime": 9.0},
    {"Label": "ab", "State": "Completed", "CreationTime": 2.0, "LastModifiedTime": 2.0},
    {"Label": "a", "State": "Failed", "CreationTime": 2.0, "LastModifiedTime": 4.0},
]


def labels(newest_first: bool = True, **request: Any) -> str:
    chosen, _ = listing(ITEMS, request, name="Label", status="State", newest_first=newest_first)
    return " ".join(item["Label"] for item in chosen)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, "a ab b"),
        ({"SortOrder": "Ascending"}, "b ab a"),
        ({"SortBy": "Name"}, "b ab a"),
        ({"SortBy": "Name", "SortOrder": "Ascending"}, "a ab b"),
        ({"SortBy": "Status", "SortOrder": "Ascending"}, "ab b a"),
        ({"NameContains": "b"}, "ab b"),
        ({"StatusEquals": "Failed"}, "a b"),
        ({"NameContains": "a", "StatusEquals": "Failed"}, "a"),
        ({"CreationTimeAfter": 2.0}, "a ab"),
        ({"CreatedBefore": 1.5}, "b"),
        ({"LastModifiedTimeAfter": 3, "LastModifiedTimeBefore": 5}, "a"),
        ({"MaxResults": 2}, "a ab"),
    ],
)
def test_filters_and_orders(request_: dict[str, Any], expected: str) -> None:
    assert labels(**request_) == expected


def test_some_lists_begin_with_the_oldest() -> None:
    assert labels(newest_first=False) == "b ab a"
    assert labels(newest_first=False, SortOrder="Descending") == "a ab b"


def test_pages_follow_each_other() -> None:
    first, more = listing(ITEMS, {"MaxResults": 2})
    second, nothing = listing(ITEMS, {"MaxResults": 2, **more})
    assert [*first, *second] == ITEMS[::-1]
    assert nothing == {}
    assert len(listing(ITEMS, {}, size=1)[0]) == 1
    for token in ("nonsense", "LTU=", "MA=="):  # the last two say -5 and 0
        with pytest.raises(AwsError, match=f"Invalid NextToken '{token}'"):
            listing(ITEMS, {"NextToken": token})
