"""Where SageMaker puts things: every path under /opt/ml, rooted in SAGEMAKER_BASE_DIR."""

import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabular.spec.errors import BadInput

__all__ = [
    "base_dir",
    "channel",
    "extract",
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
    """The folder that stands for /opt/ml; outside a container each job has its own."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", OPT_ML))


def rooted(path: str) -> Path:
    """A path that SageMaker names under /opt/ml, as it is on this machine; any other path as it is."""
    return base_dir() / Path(path).relative_to(OPT_ML) if Path(path).is_relative_to(OPT_ML) else Path(path)


def channel(name: str) -> Path:
    """The folder of a training job's input channel."""
    return base_dir() / "input/data" / name


def model_dir() -> Path:
    """What is written here becomes model.tar.gz."""
    return base_dir() / "model"


def output_data_dir() -> Path:
    """What is written here becomes output.tar.gz."""
    return base_dir() / "output/data"


def processing(name: str) -> Path:
    """The folder of a processing job's input (`input/<name>`) or output (`output/<name>`)."""
    return base_dir() / "processing" / name


def job() -> dict[str, Any]:
    """The processing job's own description: its name, ARN, inputs and outputs; empty outside of a job.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
    """
    path = base_dir() / "config/processingjobconfig.json"
    return json.loads(path.read_text()) if path.exists() else {}


def hyperparameters() -> dict[str, str]:
    """The training job's own hyperparameters as plain strings."""
    return plain(json.loads((base_dir() / "input/config/hyperparameters.json").read_text()))


def plain(given: Mapping[str, str]) -> dict[str, str]:
    """Hyperparameters without those addressed to SageMaker, and without the quotes of SDK version 2."""
    return {
        name: json.loads(value) if value.startswith('"') else value
        for name, value in given.items()
        if not name.startswith(("sagemaker_", "_tuning_"))
    }


def extract(archive: Path, folder: Path) -> Path:
    """Unpack an archive of files and folders, none of which may land outside the folder.

    Raises:
        BadInput: it holds anything else. Links are not needed, and Python's own filter, which came with
            3.11.4 only, follows some of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as contents:
        for member in contents:
            if not (member.isreg() or member.isdir()):
                raise BadInput(f"{archive.name} holds {member.name!r}, which is neither a file nor a folder.")
            target = folder / member.name
            if not target.resolve().is_relative_to(folder.resolve()):
                raise BadInput(f"{archive.name} holds {member.name!r}, which is outside its own folder.")
            if member.isreg():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(contents.extractfile(member).read())
    return folder
