"""Tags on any resource with an ARN.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AddTags.html
"""

import re

from local_aws.core.errors import invalid
from local_aws.core.requests.listing import page
from local_aws.core.store import Document, Store

__all__ = ["Tags", "check_tags"]

_MOST = 50  # of a resource
_ARN = re.compile(r"arn:[a-z-]+:sagemaker:[^:]*:\d*:([a-z-]+)/(.+)")
_BY_ARN = ("execution", "model-package")  # the kinds of records that have their ARN as their name


def check_tags(request: Document) -> None:
    """Refuse a request that gives a key twice, or one that is AWS's own.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html

    Raises:
        AwsError: A key is there twice, or begins with aws:.
    """
    keys = [tag["Key"] for tag in request.get("Tags") or []]
    if repeated := sorted({key for key in keys if keys.count(key) > 1}):
        raise invalid(f"Duplicate tag keys found: {', '.join(repeated)}")
    if reserved := sorted(key for key in keys if key.lower().startswith("aws:")):
        raise invalid(f"Tag keys cannot begin with aws:, which is reserved: {', '.join(reserved)}")


class Tags:
    """The operations on tags."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_tags(self, request: Document) -> Document:
        """Add tags to a resource, or change them."""
        return self._add(self._existing(request), request)

    def _add(self, arn: str, request: Document) -> Document:
        with self._store.lock:
            tags = self.of(arn) | {tag["Key"]: tag["Value"] for tag in request["Tags"]}
            if len(tags) > _MOST:
                raise invalid(f"{arn} would have {len(tags)} tags; at most {_MOST} are allowed.")
            self._store.put("tags", arn, tags)
        return {"Tags": _listed(tags)}

    def list_tags(self, request: Document) -> Document:
        """List a resource's tags."""
        chosen, following = page(_listed(self.of(self._existing(request))), request)
        return {"Tags": chosen, **following}

    def delete_tags(self, request: Document) -> Document:
        """Remove tags from a resource."""
        arn = self._existing(request)
        with self._store.lock:
            tags = {key: value for key, value in self.of(arn).items() if key not in request["TagKeys"]}
            self._store.put("tags", arn, tags)
        return {}

    def remember(self, request: Document, answer: Document) -> None:
        """Store the tags from a resource's creation."""
        arn = next((value for name, value in answer.items() if name.endswith("Arn")), None)
        if arn and request.get("Tags"):
            self._add(arn, request)

    def of(self, arn: str) -> dict[str, str]:
        """Return a resource's tags by key."""
        return self._store.find("tags", arn) or {}

    def _existing(self, request: Document) -> str:
        """Return the ARN of a request's resource.

        Raises:
            AwsError: There is no such resource.
        """
        arn = request["ResourceArn"]
        if match := _ARN.fullmatch(arn):
            kind, name = ("execution", "") if "/execution/" in arn else match.groups()
            record = self._store.find(kind, arn if kind in _BY_ARN else name)
            # A name in an ARN may be in lower case, unlike that of its record.
            if any(arn in _arns(each) for each in ([record] if record else self._store.list(kind))):
                return arn
        raise invalid(f"Could not find the resource {arn!r}.")


def _arns(record: Document) -> list[str]:
    return [value for field, value in record.items() if field.endswith("Arn")]


def _listed(tags: dict[str, str]) -> list[Document]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
