"""The source of a job: a tarball from S3 or among the job's inputs."""

import os
import shutil
import sys
import tarfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

__all__ = ["SOURCE", "base_dir", "fetch", "prepare", "set_region"]

SOURCE = "source.tar.gz"


def base_dir() -> Path:
    """The folder that SageMaker shares with a job's container."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def fetch(source: str, target: Path) -> None:
    """Copy the archive with the source: from S3, or from the job's own folders."""
    if not source.endswith((".tar.gz", ".tgz")):
        raise SystemExit(f"sagemaker_submit_directory is {source!r}; it must name one .tar.gz file.")
    if source.startswith("/opt/ml/"):
        shutil.copyfile(base_dir() / PurePosixPath(source).relative_to("/opt/ml"), target)
        return
    import boto3

    location = urlsplit(source)
    boto3.client("s3").download_file(location.netloc, location.path.lstrip("/"), str(target))


def prepare(archive: Path) -> Path:
    """Unpack the source, let Python find its modules, and return its folder."""
    set_region()
    code = base_dir() / "code"
    with tarfile.open(archive) as source:
        _unpack(source, code)
    sys.path.insert(0, str(code))  # ahead of the `tabular` installed in the image, which only `serve` uses
    return code


def set_region() -> None:
    """Name the region as boto3 reads it; SageMaker sets only the other variable."""
    if "AWS_REGION" in os.environ:
        os.environ.setdefault("AWS_DEFAULT_REGION", os.environ["AWS_REGION"])


def _unpack(source: tarfile.TarFile, folder: Path) -> None:
    """Write the files and folders of an archive; `extractall` has filters only since Python 3.11.4."""
    for entry in source:
        path = folder / entry.name
        inside = path.resolve().is_relative_to(folder.resolve())
        if not inside or not (entry.isfile() or entry.isdir()):
            raise SystemExit(
                f"{SOURCE} has {entry.name!r}; it may contain only files and folders within its own folder."
            )
        (path if entry.isdir() else path.parent).mkdir(parents=True, exist_ok=True)
        if entry.isfile():
            path.write_bytes(source.extractfile(entry).read())
            path.chmod(0o755 if entry.mode & 0o100 else 0o644)
