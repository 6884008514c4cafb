"""Objects that are named by their contents: put once, never changed."""

import hashlib

from helpers.session import Session

__all__ = ["put_once"]


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
