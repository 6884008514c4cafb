"""Objects in S3: put under the name of their contents, and read."""

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

from helpers.session import Session

__all__ = ["put_once", "read", "read_json"]


def put_once(session: Session, prefix: str, name: str, contents: bytes) -> str:
    """Put contents at `<prefix><sha256>/<name>` unless they are there, and give their S3 URI."""
    key = f"{prefix}{hashlib.sha256(contents).hexdigest()}/{name}"
    s3 = session.client("s3")
    try:
        s3.put_object(Bucket=session.bucket, Key=key, Body=contents, IfNoneMatch="*")
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
    return session.uri(key)


def read(session: Session, uri: str) -> bytes:
    """The bytes of an object."""
    location = urlsplit(uri)
    answer = session.client("s3").get_object(Bucket=location.netloc, Key=location.path.lstrip("/"))
    return answer["Body"].read()


def read_json(session: Session, uri: str) -> dict[str, Any]:
    """A JSON object."""
    return json.loads(read(session, uri))
