"""Tags on any resource with an ARN."""

from local_aws.core.errors import invalid
from local_aws.core.requests.listing import page
from local_aws.core.store import Document, Store

__all__ = ["Tags", "check_tags"]

_MOST = 50  # of a resource


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
        arn = request["ResourceArn"]
        with self._store.lock:
            tags = self._of(arn) | {tag["Key"]: tag["Value"] for tag in request["Tags"]}
            if len(tags) > _MOST:
                raise invalid(f"{arn} would have {len(tags)} tags; at most {_MOST} are allowed.")
            self._store.put("tags", arn, tags)
        return {"Tags": _listed(tags)}

    def list_tags(self, request: Document) -> Document:
        """List a resource's tags."""
        chosen, following = page(_listed(self._of(request["ResourceArn"])), request)
        return {"Tags": chosen, **following}

    def delete_tags(self, request: Document) -> Document:
        """Remove tags from a resource."""
        arn = request["ResourceArn"]
        with self._store.lock:
            tags = {key: value for key, value in self._of(arn).items() if key not in request["TagKeys"]}
            self._store.put("tags", arn, tags)
        return {}

    def remember(self, request: Document, answer: Document) -> None:
        """Store the tags from a resource's creation."""
        arn = next((value for name, value in answer.items() if name.endswith("Arn")), None)
        if arn and request.get("Tags"):
            self.add_tags({"ResourceArn": arn, "Tags": request["Tags"]})

    def _of(self, arn: str) -> dict[str, str]:
        return self._store.find("tags", arn) or {}


def _listed(tags: dict[str, str]) -> list[Document]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
