"""The artifacts under the models prefix: copied in once, never overwritten, expired only when retired."""

import gzip
import hashlib
import tarfile
import tempfile
import zlib
from pathlib import PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from lambdas import contract
from lambdas.errors import ArtifactError, code_of, status_of
from lambdas.models_map import Entry
from lambdas.registry import Package

__all__ = ["MANIFEST", "RETIRED", "check", "deposit", "keep", "retire"]

MANIFEST = "manifest.json"
# A lifecycle rule of the bucket cannot see the models map: it expires the objects that carry this tag.
RETIRED = {"Key": "retired", "Value": "true"}
CHUNK = 1 << 20  # bytes


def deposit(s3: BaseClient, bucket: str, package: Package) -> Entry:
    """Copy a package's artifact to its own key, unless it is there, and return the map entry for it.

    The bytes that are checked are the bytes that are stored. An ArtifactError says why they are refused.
    """
    with tempfile.TemporaryFile() as file:
        sha256 = _download(s3, package.model_data_url, file)
        check(file, package.model_data_url)
        prefix = contract.load().prefixes.models
        key = f"{prefix}{package.group}/{package.version}-{sha256[:12]}.tar.gz"
        if not keep(s3, bucket, key):
            _upload(s3, bucket, key, file)
    return Entry(key=key, version=package.version, sha256=sha256, approved_at=package.approved_at)


def check(file: IO[bytes], location: str) -> None:
    """Refuse, with an ArtifactError, what is not a complete tar.gz of plain files with a manifest.json."""
    file.seek(0)
    try:
        with gzip.open(file) as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as archive:
            members = {_plain_path(member, location) for member in archive}
            while unpacked.read(CHUNK):  # to the very end, where gzip keeps its checksum
                continue
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ArtifactError(location, f"is not a readable tar.gz archive ({error})") from error
    if PurePosixPath(MANIFEST) not in members:
        raise ArtifactError(location, f"has no {MANIFEST} at its top")


def keep(s3: BaseClient, bucket: str, key: str) -> bool:
    """Say whether the artifact exists, and take the retired tag off it."""
    tags = _tags(s3, bucket, key)
    if tags and RETIRED in tags:
        _tag(s3, bucket, key, [tag for tag in tags if tag != RETIRED])
    return tags is not None


def retire(s3: BaseClient, bucket: str, key: str) -> None:
    """Leave an artifact to the bucket's lifecycle rule, which deletes it when no request can need it."""
    tags = _tags(s3, bucket, key)
    if tags is not None and RETIRED not in tags:
        _tag(s3, bucket, key, [*tags, RETIRED])


def _tags(s3: BaseClient, bucket: str, key: str) -> list[dict[str, str]] | None:
    """Return an object's tags, or None when there is no such object."""
    try:
        return s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    except ClientError as error:
        if code_of(error) in ("NoSuchKey", "MethodNotAllowed"):  # absent, or deleted in a versioned bucket
            return None
        raise


def _tag(s3: BaseClient, bucket: str, key: str, tags: list[dict[str, str]]) -> None:
    if tags:
        s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tags})
    else:
        s3.delete_object_tagging(Bucket=bucket, Key=key)


def _download(s3: BaseClient, url: str, file: IO[bytes]) -> str:
    """Write an object into a file and return the SHA-256 of its bytes."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or not parts.path.strip("/"):
        raise ArtifactError(url, "is not an s3://bucket/key address")
    try:
        body = s3.get_object(Bucket=parts.netloc, Key=parts.path.removeprefix("/"))["Body"]
    except ClientError as error:
        raise ArtifactError(url, f"cannot be read ({code_of(error)})") from error
    digest = hashlib.sha256()
    for chunk in body.iter_chunks(CHUNK):
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest()


def _upload(s3: BaseClient, bucket: str, key: str, file: IO[bytes]) -> None:
    file.seek(0)
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=file, ContentType="application/gzip", IfNoneMatch="*")
    except ClientError as error:
        # 412: another deployer was faster; the key holds the digest, so the bytes are the same.
        if status_of(error) != 412:
            raise


def _plain_path(member: tarfile.TarInfo, location: str) -> PurePosixPath:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise ArtifactError(location, f"has a member outside its own folder: {member.name!r}")
    if not (member.isfile() or member.isdir()):
        raise ArtifactError(location, f"has a member that is neither a file nor a folder: {member.name!r}")
    return path
