"""Files written whole or not at all, and objects in S3, stored under the hash of their contents."""

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from helpers.errors import BadInput, one_line
from helpers.session import Session

__all__ = [
    "File",
    "put_folder",
    "put_once",
    "read",
    "read_json",
    "read_member",
    "require_room",
    "write_whole",
]

ROOM = 2**20  # bytes
# Copying tags needs extra permissions, and the tags are of no use here.
NO_TAGS = {"TaggingDirective": "REPLACE"}


@dataclass(frozen=True)
class File:
    """A file of a table on this machine and, if S3 has the same bytes, their URI and ETag."""

    path: Path
    s3_uri: str = ""
    etag: str = ""


def require_room(folder: Path, remedy: str) -> None:
    """Create a folder, and check that there is room in it for a megabyte.

    Raises:
        BadInput: nothing can be written there; `remedy` says what to do.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(ROOM))
    except OSError as error:
        raise BadInput(f"The folder {folder} cannot be used ({one_line(error)}); {remedy}.") from None


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all, so that nobody ever reads half of it.

    Yields the path to write to, `with write_whole(path) as part`; at the end, that file replaces `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def put_once(session: Session, prefix: str, name: str, contents: bytes) -> str:
    """Put contents at `<prefix><sha256>/<name>`, unless they are there already, and return their S3 URI."""
    key = f"{prefix}{hashlib.sha256(contents).hexdigest()}/{name}"
    s3 = session.client("s3")
    try:
        s3.put_object(Bucket=session.bucket, Key=key, Body=contents, IfNoneMatch="*")
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
    return session.uri(key)


def put_folder(session: Session, prefix: str, files: Mapping[str, File], last: tuple[str, bytes]) -> str:
    """Put files and a last object under `<prefix><sha256 of it all>/`, and return the folder's URI.

    The last object marks the folder as complete: if it exists, nothing is uploaded again.

    Raises:
        BadInput: an object to copy within S3 has changed since it was read.
    """
    name, contents = last
    hashes = {name: _sha256(file.path) for name, file in sorted(files.items())}
    whole = json.dumps([hashes, name, hashlib.sha256(contents).hexdigest()])
    folder = f"{prefix}{hashlib.sha256(whole.encode()).hexdigest()}/"
    s3 = session.client("s3")
    if s3.list_objects_v2(Bucket=session.bucket, Prefix=f"{folder}{name}").get("KeyCount"):
        return session.uri(folder)
    for key, file in files.items():
        if file.s3_uri:
            _copy(s3, file, session.bucket, f"{folder}{key}")
        else:
            s3.upload_file(str(file.path), session.bucket, f"{folder}{key}")
    s3.put_object(Bucket=session.bucket, Key=f"{folder}{name}", Body=contents)
    return session.uri(folder)


def read(session: Session, uri: str) -> bytes:
    """The bytes of an object."""
    location = urlsplit(uri)
    answer = session.client("s3").get_object(Bucket=location.netloc, Key=location.path.lstrip("/"))
    return answer["Body"].read()


def read_json(session: Session, uri: str) -> dict[str, Any]:
    """The contents of an object that is JSON."""
    return json.loads(read(session, uri))


def read_member(session: Session, uri: str, name: str) -> bytes:
    """The bytes of a file in an object that is a tar.gz, of which no more is read than up to that file.

    Raises:
        KeyError: there is no such file.
    """
    location = urlsplit(uri)
    answer = session.client("s3").get_object(Bucket=location.netloc, Key=location.path.lstrip("/"))
    with tarfile.open(fileobj=answer["Body"], mode="r|gz") as archive:
        for entry in archive:
            if entry.name.removeprefix("./") == name and (file := archive.extractfile(entry)):
                return file.read()
    raise KeyError(f"{uri} has no {name}")


def _copy(s3: Any, file: File, bucket: str, key: str) -> None:
    """Copy an object within S3, if it is still the one that was read."""
    location = urlsplit(file.s3_uri)
    source = {"Bucket": location.netloc, "Key": location.path.lstrip("/")}
    try:
        s3.copy(source, bucket, key, ExtraArgs={"CopySourceIfMatch": file.etag, **NO_TAGS})
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("PreconditionFailed", "412"):
            raise
        raise BadInput(f"{file.s3_uri} has changed since it was read; run this again.") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
