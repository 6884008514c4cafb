"""S3's rules of names, sizes and lists.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import binascii
import functools
import hashlib
import re
import zlib
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote

from local_aws.core.errors import AwsError
from local_aws.core.requests.validation import service_model
from local_aws.core.requests.wire import Request

__all__ = ["check"]

_METADATA = "x-amz-meta-"
_LONGEST_KEY, _MOST_METADATA = 1024, 2048  # bytes
_MOST_DELETED = 1000
_BUCKET = re.compile(
    r"(?!xn--|sthree-|amzn-s3-demo-)(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)"
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?<!-s3alias)(?<!--ol-s3)(?<!\.mrap)(?<!--x-s3)(?<!--table-s3)"
)
_CHOICES = {"ACL", "EncodingType", "MetadataDirective", "ServerSideEncryption", "TaggingDirective"}
_LAST_PART = 10_000
_PART = re.compile(rb"<(?:\w+:)?PartNumber>\s*(\d+)\s*</")
_LOCATION = re.compile(rb"<(?:\w+:)?LocationConstraint[^>]*>(.*?)</")
# What a client says of a body, and how that is found. Python's library has neither CRC-32C nor CRC-64.
_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "content-md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
    "x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
}
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
    _check_digests(request)
    operation = (request.operation or "").removeprefix("s3:")
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    for location, name, values in _choices(operation):
        value = request.header(name) if location == "header" else query.get(name)
        if value and value not in values:
            raise AwsError("InvalidArgument", f"{name} is {value}; it must be one of: {', '.join(values)}")
    if rule := _RULES.get(operation):
        rule(request, bucket)


def _check_digests(request: Request) -> None:
    """Refuse a body that is not what its digests say.

    They do not speak of a body in signed chunks, nor of the list of parts that ends an upload.
    """
    ends = request.operation == "s3:CompleteMultipartUpload"
    if ends or "aws-chunked" in request.header("Content-Encoding"):
        return
    for name, digest in _DIGESTS.items():
        if said := request.headers.get(name):
            try:
                wanted = base64.b64decode(said, validate=True)
            except binascii.Error:
                wanted = b""
            found = digest(request.body)
            if len(wanted) != len(found):
                code = "InvalidDigest" if name == "content-md5" else "InvalidRequest"
                raise AwsError(code, f"Value for {name} header is invalid.")
            if wanted != found:
                raise AwsError("BadDigest", f"The {name} you specified did not match what we received.")


@functools.cache
def _choices(operation: str) -> list[tuple[str, str, list[str]]]:
    """Return where each choice of an operation is, its name there, and its values."""
    model = service_model("s3")
    shape = model.operation_model(operation).input_shape if operation in model.operation_names else None
    return [
        (member.serialization["location"], member.serialization["name"], member.metadata["enum"])
        for name, member in (shape.members if shape else {}).items()
        if name in _CHOICES
    ]


def _create_bucket(request: Request, bucket: str) -> None:
    if not _BUCKET.fullmatch(bucket):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.")
    regions = service_model("s3").shape_for("BucketLocationConstraint").metadata["enum"]
    for region in _LOCATION.findall(request.body):
        if region.decode(errors="replace") not in regions:
            raise AwsError("InvalidLocationConstraint", "The specified location-constraint is not valid")


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


def _upload_part(request: Request, _: str) -> None:
    number = dict(parse_qsl(request.query)).get("partNumber", "")
    if not (number.isdecimal() and 1 <= int(number) <= _LAST_PART):
        raise AwsError(
            "InvalidArgument", f"Part number must be an integer between 1 and {_LAST_PART}, inclusive"
        )


def _complete_upload(request: Request, _: str) -> None:
    numbers = [int(number) for number in _PART.findall(request.body)]
    if numbers != sorted(set(numbers)):
        raise AwsError("InvalidPartOrder", "The list of parts was not in ascending order.")


def _list_objects(request: Request, _: str) -> None:
    most = dict(parse_qsl(request.query)).get("max-keys", "0")
    if not most.isdecimal():
        raise AwsError("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")


_RULES: dict[str, Callable[[Request, str], None]] = {
    "CompleteMultipartUpload": _complete_upload,
    "CreateBucket": _create_bucket,
    "DeleteObjects": _delete_objects,
    "ListObjectsV2": _list_objects,
    "PutObjectTagging": _put_object_tagging,
    "UploadPart": _upload_part,
}
