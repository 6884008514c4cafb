"""The artifacts under the models prefix: copied once, never overwritten, and expired only if retired."""

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
import zlib
from pathlib import PurePosixPath
from typing import IO, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from contract import names
from lambdas import log
from lambdas.deployer.registry import Package
from lambdas.errors import ArtifactError, code_of, status_of
from lambdas.models_map import Entry

__all__ = [
    "MANIFEST",
    "RETIRED",
    "Deposit",
    "baseline_key",
    "check",
    "deposit",
    "keep",
    "keep_baseline",
    "keys",
    "retire",
]

MANIFEST = "manifest.json"
# The bucket's lifecycle rule cannot see the models map: it expires the objects that have this tag.
RETIRED = {"Key": "retired", "Value": "true"}
MEDIA_TYPE = "application/gzip"
CHUNK = 1 << 20  # bytes
# The function has 512 MB of memory and 900 seconds, and reads archives that others wrote.
MOST_AT_ONCE = 16 << 20  # bytes, of a manifest or a header
MOST_BYTES = 16 << 30
MOST_FILES = 1000


class Deposit(NamedTuple):
    """An artifact in its final place: its map entry and its manifest."""

    entry: Entry
    manifest: dict[str, Any]


def deposit(s3: BaseClient, bucket: str, package: Package) -> Deposit:
    """Copy a package's artifact to its own key, unless it is already there.

    The bytes that are checked are the bytes that are stored. An ArtifactError says why an artifact is
    refused.
    """
    with tempfile.TemporaryFile() as file:
        sha256, etag = _download(s3, package.model_data_url, file)
        _check_unchanged(package, sha256, etag)
        manifest = check(file, package.model_data_url)
        prefix = names.load().prefixes.models
        key = f"{prefix}{package.group}/{package.version}-{sha256[:12]}.tar.gz"
        if not keep(s3, bucket, key):
            _upload(s3, bucket, key, file)
    keep_baseline(s3, bucket, key, package.baseline_url)
    entry = Entry(
        key=key,
        version=package.version,
        sha256=sha256,
        approved_at=package.approved_at,
        registered_at=package.registered_at,
    )
    return Deposit(entry, manifest)


class _Bounded(io.RawIOBase):
    """An archive's bytes, of which nobody can read many at once, or many in all, however small the file is.

    tarfile reads the header of a member into memory, as many bytes as the header before says.
    """

    def __init__(self, stream: IO[bytes], location: str) -> None:
        super().__init__()
        self._stream, self._location, self._left = stream, location, MOST_BYTES

    def read(self, size: int = -1) -> bytes:
        """Read some bytes; an ArtifactError means that they are too many."""
        if not 0 <= size <= MOST_AT_ONCE:
            raise ArtifactError(self._location, f"has a header of more than {MOST_AT_ONCE:,} bytes")
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ArtifactError(self._location, f"has more than {MOST_BYTES:,} bytes when unpacked")
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move as in the archive; going forward reads what lies between."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in the archive."""
        return self._stream.tell()


def check(file: IO[bytes], location: str) -> dict[str, Any]:
    """Return the manifest of a complete tar.gz archive of plain files, after checking every file against it.

    An ArtifactError says what is wrong with the archive.
    """
    file.seek(0)
    try:
        with (
            gzip.open(file) as stream,
            _Bounded(stream, location) as unpacked,
            tarfile.open(fileobj=unpacked, mode="r:") as archive,
        ):
            text, digests = _contents(archive, location)
            while unpacked.read(CHUNK):  # to the end of the file, where gzip keeps its checksum
                continue
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ArtifactError(location, f"is not a readable tar.gz archive ({error})") from error
    if text is None:
        raise ArtifactError(location, f"has no {MANIFEST} at its top")
    manifest = _manifest(text, location)
    named = manifest["files"]
    if wrong := sorted(
        name for name in named.keys() | digests.keys() if named.get(name) != digests.get(name)
    ):
        raise ArtifactError(
            location, f"does not contain {wrong[0]!r} with the SHA-256 that its {MANIFEST} names"
        )
    return manifest


def _contents(archive: tarfile.TarFile, location: str) -> tuple[bytes | None, dict[str, str]]:
    """The manifest's text, and the SHA-256 of every other file by its path."""
    text, digests = None, {}
    for number, member in enumerate(archive, start=1):
        if number > MOST_FILES:
            raise ArtifactError(location, f"has more than {MOST_FILES} files")
        path = _plain_path(member, location)
        if path == PurePosixPath(MANIFEST) and member.isfile():
            if member.size > MOST_AT_ONCE:
                raise ArtifactError(location, f"has a {MANIFEST} of more than {MOST_AT_ONCE:,} bytes")
            text = archive.extractfile(member).read()
        elif member.isfile():
            digests[str(path)] = hashlib.file_digest(archive.extractfile(member), "sha256").hexdigest()
    return text, digests


def keep(s3: BaseClient, bucket: str, key: str) -> bool:
    """Remove the artifact's retired tag, and return whether the artifact exists."""
    tags = _tags(s3, bucket, key)
    if tags and RETIRED in tags:
        _tag(s3, bucket, key, [tag for tag in tags if tag != RETIRED])
    return tags is not None


def keep_baseline(s3: BaseClient, bucket: str, key: str, url: str = "") -> None:
    """Keep the baseline beside an artifact; copy it there if it is missing and its address is given.

    A model serves without one just as well, so what goes wrong here is only logged; the drift check then says
    that the model has no baseline.
    """
    beside = baseline_key(key)
    try:
        if keep(s3, bucket, beside) or not url:
            return
        parts = urlsplit(url)
        answer = s3.get_object(Bucket=parts.netloc, Key=parts.path.removeprefix("/"))
        if answer["ContentLength"] > MOST_AT_ONCE:
            raise ArtifactError(url, f"has more than {MOST_AT_ONCE:,} bytes")
        s3.put_object(Bucket=bucket, Key=beside, Body=answer["Body"].read(), ContentType=MEDIA_TYPE)
    except (BotoCoreError, ClientError, ArtifactError) as error:
        log.line(function="deployer", at=log.now(), action="no baseline", key=key, reason=str(error))


def baseline_key(key: str) -> str:
    """Return the key of the baseline beside an artifact."""
    return key.removesuffix(".tar.gz") + ".baseline.json.gz"


def keys(s3: BaseClient, bucket: str, group: str) -> list[str]:
    """Return the keys of all artifacts of a group and of their baselines, in service or not."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{names.load().prefixes.models}{group}/"
    )
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


def retire(s3: BaseClient, bucket: str, key: str) -> bool:
    """Tag an artifact for the bucket's lifecycle rule, and return whether it was not retired before.

    The rule counts days from an object's creation. The object is therefore written again with its tag:
    whatever its age, it survives the switch by that many days, so a request that still needs it can find it.
    """
    tags = _tags(s3, bucket, key)
    if tags is None or RETIRED in tags:
        return False
    s3.copy_object(
        Bucket=bucket,
        Key=key,
        CopySource={"Bucket": bucket, "Key": key},
        MetadataDirective="REPLACE",
        ContentType=MEDIA_TYPE,
        TaggingDirective="REPLACE",
        Tagging=urlencode({tag["Key"]: tag["Value"] for tag in [*tags, RETIRED]}),
    )
    return True


def _tags(s3: BaseClient, bucket: str, key: str) -> list[dict[str, str]] | None:
    """Return an object's tags, or None if the object does not exist."""
    try:
        return s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    except ClientError as error:
        if code_of(error) in ("NoSuchKey", "MethodNotAllowed"):  # missing, or deleted in a versioned bucket
            return None
        raise


def _tag(s3: BaseClient, bucket: str, key: str, tags: list[dict[str, str]]) -> None:
    if tags:
        s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tags})
    else:
        s3.delete_object_tagging(Bucket=bucket, Key=key)


def _check_unchanged(package: Package, sha256: str, etag: str) -> None:
    """Refuse a model that is another than the one that was evaluated, registered and approved.

    Its SHA-256 is bound. A version id of S3 would say no more, and that of a promoted copy is another.
    """
    for what, now, then in (("SHA-256", sha256, package.sha256), ("entity tag", etag, package.etag)):
        if then and now != then:
            raise ArtifactError(
                package.model_data_url,
                f"is not the model that was registered as version {package.version} of {package.group}: its "
                f"{what} was {then} and is {now}; find out who replaced it, and train again",
            )


def _download(s3: BaseClient, url: str, file: IO[bytes]) -> tuple[str, str]:
    """Download an object into a file; return the SHA-256 of its bytes, and its entity tag."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or not parts.path.strip("/"):
        raise ArtifactError(url, "is not an s3://bucket/key address")
    try:
        answer = s3.get_object(Bucket=parts.netloc, Key=parts.path.removeprefix("/"))
    except ClientError as error:
        raise ArtifactError(url, f"cannot be read ({code_of(error)})") from error
    digest = hashlib.sha256()
    for chunk in answer["Body"].iter_chunks(CHUNK):
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest(), answer["ETag"].strip('"')


def _upload(s3: BaseClient, bucket: str, key: str, file: IO[bytes]) -> None:
    file.seek(0)
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=file, ContentType=MEDIA_TYPE, IfNoneMatch="*")
    except ClientError as error:
        # 412: another deployer was faster; the digest is part of the key, so the bytes are the same.
        if status_of(error) != 412:
            raise


def _manifest(text: bytes, location: str) -> dict[str, Any]:
    """Return a manifest that names the artifact's files and contains sample rows with their predictions."""
    try:
        manifest = json.loads(text)
    except ValueError:
        manifest = None
    match manifest:
        case {"files": dict(), "sample": {"instances": [_, *_] as rows, "predictions": list(answers)}}:
            if len(rows) == len(answers):
                return manifest
    raise ArtifactError(
        location, f"has a {MANIFEST} without file names, or without sample rows and their predictions"
    )


def _plain_path(member: tarfile.TarInfo, location: str) -> PurePosixPath:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise ArtifactError(location, f"has a member outside its own folder: {member.name!r}")
    if not (member.isfile() or member.isdir()):
        raise ArtifactError(location, f"has a member that is neither a file nor a folder: {member.name!r}")
    return path
