"""The code that travels with every job: one tarball, named by its contents."""

import gzip
import io
import tarfile
from importlib.util import find_spec
from pathlib import Path

from contract.names import load
from helpers.pipeline import own_steps as steps
from helpers.session import Session
from helpers.storage import put_once

__all__ = ["archive", "upload"]

STEPS_FILE = "custom_steps.py"  # as tabular.spec.own_steps looks for it


def archive(package: Path | None = None, own_steps: str = "") -> bytes:
    """The package `tabular`, and steps of one's own beside it, as a tar.gz.

    Its bytes depend on nothing but those of the files.
    """
    folder = package or _tabular()
    contents = {
        str(Path(folder.name) / path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.py"))
    }
    if own_steps:
        contents[STEPS_FILE] = own_steps.encode()
    packed = io.BytesIO()
    # A fixed time in the gzip header and in every entry: the same files make the same bytes.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, text in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text))
    return packed.getvalue()


def upload(session: Session, steps_file: str = "") -> str:
    """Put the tarball into the bucket, unless it is there, and give its S3 URI.

    Raises:
        BadInput: there is no such file of steps, or it is no Python.
    """
    own_steps = steps.read(steps_file) if steps_file else ""
    return put_once(session, load().prefixes.code, "source.tar.gz", archive(own_steps=own_steps))


def _tabular() -> Path:
    found = find_spec("tabular")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("The package tabular is not installed; run `make install`.")
    return Path(found.origin).parent
