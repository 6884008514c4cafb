"""S3 that outlives the server: moto answers, and every change is on disk before the answer goes out.

moto keeps objects in memory. Each object is written to one file, a line of JSON and then its bytes, so that
one rename replaces both; the files are read back at start. Of an object only the newest version is kept,
and of a bucket its name, region, age and versioning state.
"""

import hashlib
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends

from local_aws.core.account import ACCOUNT_ID
from local_aws.core.errors import AwsError

__all__ = ["Buckets", "split_uri", "write_file"]

_MUTATING = {"PUT", "POST", "DELETE"}
_PLAIN_FIELDS = (
    "bucket_key_enabled",
    "checksum_parts",
    "checksum_type",
    "checksum_value",
    "encryption",
    "kms_key_id",
)
_URI = re.compile(r"s3://([^/]+)/?(.*)", re.DOTALL)


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an `s3://` address.

    Raises:
        AwsError: It is none.
    """
    match = _URI.fullmatch(uri)
    if not match:
        raise AwsError("ValidationException", f"{uri!r} is not an S3 address such as s3://bucket/prefix/.")
    return match[1], match[2]


def write_file(path: Path, *parts: bytes) -> None:
    """Write a file so that a reader finds the old content or the new, never a half."""
    temporary = path.with_name(f"{path.name}.{threading.get_ident()}.tmp")
    with temporary.open("wb") as file:
        file.writelines(parts)
    temporary.replace(path)


class Buckets:
    """All objects: served to clients through moto, reached by jobs and endpoints through methods."""

    def __init__(self, folder: Path, moto_application: Callable[..., Iterable[bytes]]) -> None:
        self.folder = folder
        self._application = moto_application
        # One writer at a time: that makes moto's conditional writes (If-Match) atomic, as S3's are.
        self._lock = threading.RLock()
        self._on_disk: dict[str, dict[str, tuple[str, str]]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for bucket_folder in sorted(path for path in folder.iterdir() if path.is_dir()):
            self._load(bucket_folder)

    @property
    def _backend(self) -> S3Backend:
        return s3_backends[ACCOUNT_ID]["aws"]

    # What clients do

    def serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer an S3 request, and write what it changed to disk before the answer is seen."""
        if environ["REQUEST_METHOD"] not in _MUTATING:
            return self._application(environ, start_response)
        bucket, _, key = unquote(environ["RAW_URI"].partition("?")[0]).lstrip("/").partition("/")
        with self._lock:
            answer = b"".join(self._application(environ, start_response))
            self._save(bucket, key or None)
        return [answer]

    # What jobs and endpoints do

    def create(self, bucket: str, region: str) -> None:
        """Create a bucket unless it exists."""
        with self._lock:
            if bucket not in self._backend.buckets:
                self._backend.create_bucket(bucket, region)
                self._save(bucket, None)

    def read(self, uri: str) -> bytes:
        """Return one object.

        Raises:
            AwsError: NoSuchKey, naming the address.
        """
        bucket, key = split_uri(uri)
        found = self._backend.buckets[bucket].keys.get(key) if bucket in self._backend.buckets else None
        if not isinstance(found, FakeKey):
            raise AwsError("NoSuchKey", f"No S3 object at {uri}", 404)
        return found.value

    def put(self, uri: str, content: bytes) -> None:
        """Write one object.

        Raises:
            AwsError: NoSuchBucket.
        """
        bucket, key = split_uri(uri)
        with self._lock:
            if bucket not in self._backend.buckets:
                raise AwsError("NoSuchBucket", f"The bucket of {uri} does not exist", 404)
            self._backend.put_object(bucket, key, content)
            self._save(bucket, key)

    def download(self, uri: str, folder: Path) -> int:
        """Copy an object, or every object under a prefix, into a folder; return how many there were.

        A prefix without a final slash names the object of that key, or what lies under it as a folder.
        """
        bucket, prefix = split_uri(uri)
        folder.mkdir(parents=True, exist_ok=True)
        count = 0
        for key in self._keys(bucket, prefix):
            relative = Path(key).name if key == prefix else key[len(prefix) :].lstrip("/")
            target = (folder / relative).resolve()
            if key.endswith("/") or not target.is_relative_to(folder.resolve()):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read(f"s3://{bucket}/{key}"))
            count += 1
        return count

    def upload(self, folder: Path, uri: str) -> int:
        """Copy every file of a folder under a prefix; return how many there were."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in files:
            self.put(f"{uri.rstrip('/')}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return len(files)

    def _keys(self, bucket: str, prefix: str) -> list[str]:
        if bucket not in self._backend.buckets:
            raise AwsError("NoSuchBucket", f"The bucket of s3://{bucket}/{prefix} does not exist", 404)
        names = [name for name, key in self._objects(bucket) if name.startswith(prefix)]
        if not prefix or prefix.endswith("/"):
            return names
        return [name for name in names if name == prefix or name[len(prefix)] == "/"]

    def _objects(self, bucket: str) -> Iterator[tuple[str, FakeKey]]:
        """Return name and newest version of each object, sorted, without those marked as deleted."""
        with self._lock:
            keys = self._backend.buckets[bucket].keys
            newest = [(name, keys.get(name)) for name in sorted(dict.keys(keys))]
        return ((name, key) for name, key in newest if isinstance(key, FakeKey))

    # What is on disk

    def _save(self, bucket_name: str, key: str | None) -> None:
        """Make the files of one object, or of a whole bucket, those of moto's memory."""
        folder = self.folder / bucket_name
        bucket = self._backend.buckets.get(bucket_name)
        if bucket is None:
            if self._on_disk.pop(bucket_name, None) is not None:
                shutil.rmtree(folder)
            return
        if bucket_name not in self._on_disk:
            folder.mkdir(parents=True, exist_ok=True)
            self._on_disk[bucket_name] = {}
        if key is None:
            write_file(folder / "bucket.json", json.dumps(_describe_bucket(bucket)).encode())
            names = {*self._on_disk[bucket_name], *dict.keys(bucket.keys)}
        else:
            names = {key}
        for name in names:
            self._save_object(bucket, name)

    def _save_object(self, bucket: FakeBucket, name: str) -> None:
        known = self._on_disk[bucket.name]
        path = self.folder / bucket.name / hashlib.sha256(name.encode()).hexdigest()
        key = bucket.keys.get(name)
        if not isinstance(key, FakeKey):
            if known.pop(name, None) is not None:
                path.unlink(missing_ok=True)
            return
        header = json.dumps(self._describe_object(key))
        state = (header, key.etag)
        if known.get(name) != state:
            write_file(path, header.encode(), b"\n", key.value)
            known[name] = state

    def _describe_object(self, key: FakeKey) -> dict[str, Any]:
        return {
            "key": key.name,
            "etag": key.etag.strip('"'),
            "last_modified": key.last_modified.isoformat(),
            "metadata": dict(key.metadata),
            "tags": self._backend.tagger.get_tag_dict_for_resource(key.arn),
            "storage_class": key.storage_class,
            "version_id": key.version_id if key._is_versioned else None,
            "checksum_algorithm": key.checksum_algorithm,
            **{field: getattr(key, field) for field in _PLAIN_FIELDS},
        }

    def _load(self, folder: Path) -> None:
        """Put one bucket's files back into moto's memory."""
        description = folder / "bucket.json"
        if not description.exists():
            return
        about = json.loads(description.read_bytes())
        if about["name"] not in self._backend.buckets:
            self._backend.create_bucket(about["name"], about["region"])
        bucket = self._backend.buckets[about["name"]]
        bucket.creation_date = datetime.fromisoformat(about["creation_date"])
        bucket.versioning_status = about["versioning_status"]
        known = self._on_disk[bucket.name] = {}
        for path in folder.iterdir():
            if path.suffix == ".tmp":  # a write that a kill -9 cut short
                path.unlink()
            elif path != description:
                header, _, content = path.read_bytes().partition(b"\n")
                key = self._load_object(bucket, json.loads(header), content)
                known[key.name] = (header.decode(), key.etag)

    def _load_object(self, bucket: FakeBucket, about: dict[str, Any], content: bytes) -> FakeKey:
        key = FakeKey(
            about["key"],
            content,
            ACCOUNT_ID,
            bucket.region_name,
            storage=about["storage_class"],
            etag=about["etag"],
            is_versioned=about["version_id"] is not None,
            version_id=about["version_id"],
            bucket_name=bucket.name,
            **{field: about[field] for field in _PLAIN_FIELDS},
        )
        key.last_modified = datetime.fromisoformat(about["last_modified"])
        key.checksum_algorithm = about["checksum_algorithm"]
        key.metadata.clear()
        key.metadata.update(about["metadata"])
        bucket.keys.setlist(key.name, [key])
        tags = [{"Key": name, "Value": value} for name, value in about["tags"].items()]
        self._backend.tagger.tag_resource(key.arn, tags)
        return key


def _describe_bucket(bucket: FakeBucket) -> dict[str, Any]:
    return {
        "name": bucket.name,
        "region": bucket.region_name,
        "creation_date": bucket.creation_date.isoformat(),
        "versioning_status": bucket.versioning_status,
    }
