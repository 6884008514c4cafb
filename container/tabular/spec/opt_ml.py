"""Where SageMaker puts files: every path under /opt/ml, or under SAGEMAKER_BASE_DIR if it is set."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabular.spec.errors import BadInput

__all__ = [
    "base_dir",
    "channel",
    "extract",
    "hosts",
    "hyperparameters",
    "job",
    "model_dir",
    "output_data_dir",
    "plain",
    "processing",
    "rooted",
]

OPT_ML = Path("/opt/ml")


def base_dir() -> Path:
    """The folder that stands in for /opt/ml; outside a container, each job has its own."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", OPT_ML))


def rooted(path: str) -> Path:
    """The path on this machine for a path under /opt/ml; any other path is returned unchanged."""
    given = Path(path)
    return base_dir() / given.relative_to(OPT_ML) if given.is_relative_to(OPT_ML) else given


def channel(name: str) -> Path:
    """The folder of a training job's input channel."""
    return base_dir() / "input/data" / name


def model_dir() -> Path:
    """The folder whose contents become model.tar.gz."""
    return base_dir() / "model"


def output_data_dir() -> Path:
    """The folder whose contents become output.tar.gz."""
    return base_dir() / "output/data"


def processing(name: str) -> Path:
    """The folder of a processing job's input (`input/<name>`) or output (`output/<name>`)."""
    return base_dir() / "processing" / name


def job() -> dict[str, Any]:
    """The processing job's own description: its name, ARN, inputs and outputs; empty outside a job.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
    """
    path = base_dir() / "config/processingjobconfig.json"
    return json.loads(path.read_text()) if path.exists() else {}


def hyperparameters() -> dict[str, str]:
    """The training job's own hyperparameters as plain strings."""
    return plain(json.loads((base_dir() / "input/config/hyperparameters.json").read_text()))


def hosts() -> tuple[str, list[str]]:
    """The name of the instance that this code runs on, and those of all instances of the training job.

    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    path = base_dir() / "input/config/resourceconfig.json"
    if not path.exists():
        return "algo-1", ["algo-1"]
    found = json.loads(path.read_text())
    return found["current_host"], found["hosts"]


def plain(given: Mapping[str, str]) -> dict[str, str]:
    """Hyperparameters without those meant for SageMaker, and without the quotes that SDK version 2 adds."""
    return {
        name: json.loads(value) if value.startswith('"') else value
        for name, value in given.items()
        if not name.startswith(("sagemaker_", "_tuning_"))
    }


def pack(folder: Path, archive: Path) -> None:
    """Pack a folder's files; the same files give the same bytes."""
    import gzip  # the server, which needs no archives, does not wait for what reads and writes them
    import tarfile

    archive.parent.mkdir(parents=True, exist_ok=True)
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w|") as packed,
    ):
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as contents:
                packed.addfile(member, contents)


def extract(archive: Path, folder: Path) -> Path:
    """Unpack an archive of files and folders; none of them may end up outside the folder.

    Raises:
        BadInput: if it contains anything else. Links are not needed, and Python's own filter, available
            only since 3.11.4, follows some of them.
    """
    import tarfile  # as above

    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as contents:
        for member in contents:
            if not (member.isreg() or member.isdir()):
                raise BadInput(
                    f"{archive.name} contains {member.name!r}, which is neither a file nor a folder."
                )
            target = folder / member.name
            if not target.resolve().is_relative_to(folder.resolve()):
                raise BadInput(f"{archive.name} contains {member.name!r}, which is outside its own folder.")
            if member.isreg():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(contents.extractfile(member).read())
    return folder
