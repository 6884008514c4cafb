"""S3's rules of names, sizes and lists.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote

from local_aws.core.errors import AwsError
from local_aws.core.requests.wire import Request

__all__ = ["check"]

_METADATA = "x-amz-meta-"
_LONGEST_KEY, _MOST_METADATA = 1024, 2048  # bytes
_MOST_DELETED = 1000
_BUCKET = re.compile(
    r"(?!xn--|sthree-|amzn-s3-demo-)(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)"
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?<!-s3alias)(?<!--ol-s3)(?<!\.mrap)(?<!--x-s3)(?<!--table-s3)"
)
_OBJECT = re.compile(rb"<(?:\w+:)?Object[ >]")
_TAG_KEY = re.compile(rb"<(?:\w+:)?Key>(.*?)</", re.DOTALL)


def check(request: Request) -> None:
    """Refuse a request that S3 would refuse and moto would answer.

    Raises:
        AwsError: The request is not valid.
    """
    bucket, _, key = unquote(request.raw_path).lstrip("/").partition("/")
    if len(key.encode()) > _LONGEST_KEY:
        raise AwsError("KeyTooLongError", "Your key is too long")
    names = [name for name in request.headers if name.startswith(_METADATA)]
    if sum(len(name) - len(_METADATA) + len(request.headers[name]) for name in names) > _MOST_METADATA:
        raise AwsError("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    if tags := request.header("X-Amz-Tagging"):
        keys = [name for name, _ in parse_qsl(tags, keep_blank_values=True)]
        if len(set(keys)) < len(keys):
            raise AwsError("InvalidArgument", "The header 'x-amz-tagging' shall not contain a tag key twice")
    if rule := _RULES.get((request.operation or "").removeprefix("s3:")):
        rule(request, bucket)


def _create_bucket(_: Request, bucket: str) -> None:
    if not _BUCKET.fullmatch(bucket):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.")


def _delete_objects(request: Request, _: str) -> None:
    if not 1 <= len(_OBJECT.findall(request.body)) <= _MOST_DELETED:
        raise AwsError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )


def _put_object_tagging(request: Request, _: str) -> None:
    keys = _TAG_KEY.findall(request.body)
    if len(set(keys)) < len(keys):
        raise AwsError("InvalidTag", "Cannot provide multiple Tags with the same key")


def _list_objects(request: Request, _: str) -> None:
    most = dict(parse_qsl(request.query)).get("max-keys", "0")
    if not most.isdecimal():
        raise AwsError("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")


_RULES: dict[str, Callable[[Request, str], None]] = {
    "CreateBucket": _create_bucket,
    "DeleteObjects": _delete_objects,
    "ListObjectsV2": _list_objects,
    "PutObjectTagging": _put_object_tagging,
}
