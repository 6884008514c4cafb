"""The code that travels with every job: one tarball, named by its contents."""

import gzip
import io
import tarfile
from importlib.util import find_spec
from pathlib import Path

from helpers.session import Session
from helpers.storage import put_once
from lambdas.contract import load

__all__ = ["archive", "upload"]


def archive(package: Path | None = None) -> bytes:
    """The package `tabular` as a tar.gz whose bytes depend on nothing but the files."""
    folder = package or _tabular()
    packed = io.BytesIO()
    # A fixed time in the gzip header and in every entry: the same files make the same bytes.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for path in sorted(folder.rglob("*.py")):
            entry = tarfile.TarInfo(str(Path(folder.name) / path.relative_to(folder)))
            contents = path.read_bytes()
            entry.size, entry.mode = len(contents), 0o644
            tar.addfile(entry, io.BytesIO(contents))
    return packed.getvalue()


def upload(session: Session) -> str:
    """Put the tarball into the bucket, unless it is there, and give its S3 URI."""
    return put_once(session, load().prefixes.code, "source.tar.gz", archive())


def _tabular() -> Path:
    found = find_spec("tabular")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("The package tabular is not installed; run `make install`.")
    return Path(found.origin).parent
