"""S3 that outlives the server: moto answers, and every change is on disk before the answer is sent.

moto keeps objects in memory. Each object is also written to one file: a line of JSON, then its bytes, so that
one rename replaces both. The server reads the files back when it starts. Only the newest version of an object
is kept, and only a bucket's name, region, creation date and versioning status.
"""

import hashlib
import json
import re
import shutil
import threading
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from local_aws.core.errors import AwsError
from local_aws.core.files import PART, write_whole
from local_aws.core.moto import Moto, Objects
from local_aws.core.requests.wire import Reply, Request
from local_aws.core.store import Document

__all__ = ["Buckets", "split_uri"]

_BUCKET_FILE = "bucket.json"
_MUTATING = {"PUT", "POST", "DELETE"}
_OBJECT_FILE = re.compile(r"[0-9a-f]{64}")  # the hash of a key
_URI = re.compile(r"s3://([^/]+)/?(.*)", re.DOTALL)


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an `s3://` address.

    Raises:
        AwsError: The text is not an S3 address.
    """
    match = _URI.fullmatch(uri)
    if not match:
        raise AwsError("ValidationException", f"{uri!r} is not an S3 address such as s3://bucket/prefix/.")
    return match[1], match[2]


def _unmet() -> AwsError:
    message = "At least one of the pre-conditions you specified did not hold"
    return AwsError("PreconditionFailed", message, 412)


def _holds(request: Request, etag: str, written: float) -> bool:
    """Return whether a copy's source meets its conditions; one on the ETag overrides one on the time.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    same, other, since, until = (
        request.header(f"X-Amz-Copy-Source-If-{condition}").strip('"')
        for condition in ("Match", "None-Match", "Modified-Since", "Unmodified-Since")
    )
    unchanged = same == etag if same else int(written) <= _past(until, written)
    changed = other not in ("*", etag) if other else int(written) > _past(since, 0)
    return unchanged and changed


def _past(text: str, default: float) -> float:
    """Return a header's time in seconds since 1970, or the default if it is no time or in the future."""
    try:
        seconds = parsedate_to_datetime(text).timestamp()
    except ValueError:
        return default
    return default if seconds > time.time() else seconds


class Buckets:
    """All objects: clients reach them through moto, jobs and endpoints through methods."""

    def __init__(self, folder: Path, moto: Moto) -> None:
        self.folder = folder
        self._moto, self._objects = moto, Objects()
        # One call at a time makes moto's conditional writes (If-Match) atomic, as they are in S3. Reads
        # included: moto closes an object that is replaced or deleted, even while it is being read.
        self._lock = threading.RLock()
        # What other accounts may do, by bucket; each server sets it again.
        self.policies: dict[str, Document] = {}
        self._on_disk: dict[str, dict[str, tuple[str, str]]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for bucket_folder in sorted(path for path in folder.iterdir() if path.is_dir()):
            self._load(bucket_folder)

    # What clients do

    def answer(self, request: Request) -> Reply | None:
        """Answer an S3 request, and write what it changed to disk before the answer is sent."""
        if request.service != "s3":
            return None
        with self._lock:
            self._check_conditions(request)
            self._check_given(request)
            reply = self._moto.answer(request)
            if request.method in _MUTATING:
                bucket, _, key = unquote(request.raw_path).lstrip("/").partition("/")
                self._save(bucket, key or None)
        return reply

    def _check_conditions(self, request: Request) -> None:
        """Refuse what does not meet the conditions of a copy or of a multipart upload, as moto does not.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        if request.method not in ("PUT", "POST"):
            return
        wanted, absent = request.header("If-Match"), request.header("If-None-Match")
        if absent not in ("", "*"):
            raise AwsError(
                "NotImplemented", "A header you provided implies functionality that is not implemented", 501
            )
        if wanted or absent:
            found = self._find(unquote(request.raw_path))
            there = None if found is None else found.etag.strip('"')
            if wanted and there is None:
                raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
            if (wanted and there != wanted.strip('"')) or (absent and there is not None):
                raise _unmet()
        if source := request.header("X-Amz-Copy-Source"):
            # A key may contain a question mark, which is quoted here.
            found = self._find(unquote(source.partition("?")[0]))
            if found is not None and not _holds(request, found.etag.strip('"'), self._objects.written(found)):
                raise _unmet()

    def _check_given(self, request: Request) -> None:
        """Refuse a continuation token or an upload that no answer has given, of which moto knows nothing.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
        """
        query = dict(parse_qsl(request.query))
        token, upload = query.get("continuation-token"), query.get("uploadId")
        if request.operation == "s3:ListObjectsV2" and token and not self._objects.gave_token(token):
            raise AwsError("InvalidArgument", "The continuation token provided is incorrect")
        bucket = unquote(request.raw_path).lstrip("/").partition("/")[0]
        if upload and self._objects.has_bucket(bucket) and not self._objects.has_upload(bucket, upload):
            raise AwsError("NoSuchUpload", "The specified multipart upload does not exist.", 404)

    def _find(self, path: str) -> Any:
        bucket, _, key = path.lstrip("/").partition("/")
        return self._objects.find(bucket, key)

    # What jobs and endpoints do

    def create(self, bucket: str, region: str) -> None:
        """Create a bucket unless it exists."""
        with self._lock:
            if not self._objects.has_bucket(bucket):
                self._objects.create_bucket(bucket, region)
                self._save(bucket, None)

    def read(self, uri: str) -> bytes:
        """Return one object.

        Raises:
            AwsError: NoSuchKey, with the address in the message.
        """
        with self._lock:
            found = self._objects.find(*split_uri(uri))
            if found is None:
                raise AwsError("NoSuchKey", f"No S3 object at {uri}", 404)
            return found.value

    def put(self, uri: str, content: bytes) -> None:
        """Write one object.

        Raises:
            AwsError: NoSuchBucket.
        """
        bucket, key = split_uri(uri)
        with self._lock:
            if not self._objects.has_bucket(bucket):
                raise AwsError("NoSuchBucket", f"The bucket of {uri} does not exist", 404)
            self._objects.put(bucket, key, content)
            self._save(bucket, key)

    def download(self, uri: str, folder: Path, share: tuple[int, int] = (0, 1)) -> int:
        """Copy an object, or every object under a prefix, into a folder; return how many were copied.

        A prefix without a final slash means the object with that key, and the objects under it as a folder.

        Args:
            uri: The object or the prefix.
            folder: Where to copy them.
            share: Which of how many copies only its part: every n-th object, beginning with this one.
        """
        bucket, prefix = split_uri(uri)
        folder.mkdir(parents=True, exist_ok=True)
        count, (first, parts) = 0, share
        for key in [key for key in self.keys(bucket, prefix) if not key.endswith("/")][first::parts]:
            relative = Path(key).name if key == prefix else key[len(prefix) :].lstrip("/")
            target = (folder / relative).resolve()
            if not target.is_relative_to(folder.resolve()):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read(f"s3://{bucket}/{key}"))
            count += 1
        return count

    def upload(self, folder: Path, uri: str) -> int:
        """Copy every file of a folder to keys under a prefix; return how many were copied."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in files:
            self.put(f"{uri.rstrip('/')}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return len(files)

    def older(self, limit: float) -> list[tuple[str, str]]:
        """Return the bucket and the key of every object that was written before a time."""
        with self._lock:
            return [
                (bucket, name)
                for bucket in self._on_disk
                for name in self._objects.names(bucket)
                if (key := self._objects.find(bucket, name)) and self._objects.written(key) < limit
            ]

    def remove(self, bucket: str, key: str) -> None:
        """Delete an object with all its versions."""
        with self._lock:
            self._objects.delete(bucket, key)
            self._save(bucket, key)

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys of the objects that `download` would copy."""
        with self._lock:
            if not self._objects.has_bucket(bucket):
                raise AwsError("NoSuchBucket", f"The bucket of s3://{bucket}/{prefix} does not exist", 404)
            names = [name for name in self._objects.names(bucket) if self._objects.find(bucket, name)]
        names = [name for name in names if name.startswith(prefix)]
        if not prefix or prefix.endswith("/"):
            return names
        return [name for name in names if name == prefix or name[len(prefix)] == "/"]

    # What is on disk

    def _save(self, bucket: str, key: str | None) -> None:
        """Update the file of one object, or the files of a whole bucket, from moto's memory."""
        folder = self.folder / bucket
        if not self._objects.has_bucket(bucket):
            if self._on_disk.pop(bucket, None) is not None:
                shutil.rmtree(folder)
            return
        if bucket not in self._on_disk:
            folder.mkdir(parents=True, exist_ok=True)
            self._on_disk[bucket] = {}
        if key is None:
            about = self._objects.describe_bucket(bucket)
            write_whole(folder / _BUCKET_FILE, json.dumps(about).encode())
            names = {*self._on_disk[bucket], *self._objects.names(bucket)}
        else:
            names = {key}
        for name in names:
            self._save_object(bucket, name)

    def _save_object(self, bucket: str, name: str) -> None:
        known = self._on_disk[bucket]
        path = self.folder / bucket / _file_name(name)
        key = self._objects.find(bucket, name)
        if key is None:
            if known.pop(name, None) is not None:
                path.unlink(missing_ok=True)
            return
        header = json.dumps(self._objects.describe(key))
        state = (header, key.etag)
        if known.get(name) != state:
            try:
                write_whole(path, header.encode(), b"\n", key.value)
            except OSError:
                self._take_back(bucket, name, path)
                raise
            known[name] = state

    def _take_back(self, bucket: str, name: str, path: Path) -> None:
        """Return an object that could not be written to what it was, which is what the client is told."""
        self._objects.delete(bucket, name)
        if name in self._on_disk[bucket]:
            header, _, content = path.read_bytes().partition(b"\n")
            self._objects.restore(bucket, json.loads(header), content)

    def _load(self, folder: Path) -> None:
        """Load one bucket's files into moto's memory, without what is not local_aws's or was never whole."""
        for part in folder.glob(f"*{PART}"):  # a write that was interrupted by kill -9
            part.unlink()
        about = _bucket(folder / _BUCKET_FILE)
        if about is None:
            return
        self._objects.restore_bucket(about)
        known = self._on_disk[about["name"]] = {}
        for path in sorted(folder.iterdir()):
            if path.name == _BUCKET_FILE:
                continue
            if not (_OBJECT_FILE.fullmatch(path.name) and path.is_file()):
                _log(path, "ignored: local_aws did not write it")
                continue
            header, _, content = path.read_bytes().partition(b"\n")
            described = _json(header)
            if described is None or not _is_whole(described, content, path):
                _log(path, "removed: half an object, which no client was told is there")
                path.unlink()
                continue
            key = self._objects.restore(about["name"], described, content)
            known[key.name] = (header.decode(), key.etag)


def _bucket(path: Path) -> Document | None:
    """Return what a bucket's file says, or None if it does not describe a bucket."""
    about = _json(path.read_bytes()) if path.is_file() else None
    if about is None or about.get("name") != path.parent.name:
        _log(path.parent, f"ignored: it has no {_BUCKET_FILE} that describes a bucket of this name")
        return None
    return about


def _is_whole(described: Document, content: bytes, path: Path) -> bool:
    """Whether a file has all of an object; those of older versions do not say their size."""
    is_of_key = _file_name(str(described.get("key"))) == path.name
    return is_of_key and len(content) == described.get("size", len(content))


def _file_name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _json(text: bytes) -> Document | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _log(path: Path, what: str) -> None:
    print(json.dumps({"file": str(path), "found": what}), flush=True)
