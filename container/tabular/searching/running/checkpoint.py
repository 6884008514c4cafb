"""The trials that have ended, in a folder, so that an interrupted search goes on where it was.

Each trial is a file of its own. A search proposes the same configurations in the same order again, and takes
the result of each from here if it is there.

SageMaker copies the folder to S3 while the job writes to it, perhaps from a mount of its own. So a file is
written under its final name, and never renamed or deleted: a name that vanishes could not be copied, and
deleting its copy would need a permission. What is not there as a whole is found by the checksums of the zip
file that each of them is, and is done again.

A checkpoint is a help and not a result. If it cannot be written, such as on a full disk, the search says so
once and goes on without it.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tabular.searching.trials import Configuration, Trial

__all__ = ["Checkpoint", "fingerprint", "keep_files", "not_kept", "take_files"]

# What a zip file raises that is not there, or not as a whole: with wrong bytes in its directory, it may seem
# to be encrypted, of another version (both a RuntimeError), or to begin before the file (an OSError).
INCOMPLETE = (OSError, zipfile.BadZipFile, EOFError, KeyError, ValueError, RuntimeError)


class Checkpoint:
    """The trials of one search, kept in a folder of their own.

    Args:
        folder: which SageMaker copies to S3 and, when the job starts again, from there.
        key: what the search depends on; another search in the same folder has other files.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder / key

    def load(self, number: int, configuration: Configuration) -> Trial | None:
        """A trial that has ended; None if it has not, or if it tried something else."""
        try:
            with np.load(self._file(number), allow_pickle=False) as kept:
                said = json.loads(str(kept["trial"]))
                answers = [kept[f"answers.{fold}"] for fold in range(said.pop("folds"))]
        except INCOMPLETE:
            return None
        said.pop("elapsed")
        tried = Configuration(said.pop("algorithm"), said.pop("hyperparameters"), said.pop("source"))
        return Trial(number, configuration, **said, answers=answers) if tried == configuration else None

    def save(self, trial: Trial, elapsed: float) -> None:
        """Keep a trial that has ended, this many seconds after the search began.

        Raises:
            OSError: if it cannot be written.
        """
        said = {
            **vars(trial.configuration),
            "scores": trial.scores,
            "rounds": trial.rounds,
            "state": trial.state,
            "reason": trial.reason,
            "seconds": trial.seconds,
            "folds": len(trial.answers),
            "elapsed": elapsed,
        }
        arrays = {f"answers.{fold}": one for fold, one in enumerate(trial.answers)}
        self.folder.mkdir(parents=True, exist_ok=True)
        np.savez(self._file(trial.number), trial=np.array(json.dumps(said)), **arrays)

    def elapsed(self) -> float:
        """The seconds of a search's earlier runs, as of their last trial."""
        return max(map(_elapsed, self.folder.glob("trial-*.npz")), default=0.0)

    def _file(self, number: int) -> Path:
        return self.folder / f"trial-{number:04}.npz"


def keep_files(target: Path, files: Mapping[str, Path]) -> None:
    """Keep copies of some files as one zip file, in a folder that SageMaker copies to S3.

    Raises:
        OSError: if it cannot be written.
    """
    with zipfile.ZipFile(target, "w") as archive:
        for name, file in files.items():
            archive.write(file, name)


def take_files(target: Path, files: Mapping[str, Path]) -> bool:
    """Write the files that `keep_files` kept to these paths; False if they are not there as a whole."""
    try:
        with zipfile.ZipFile(target) as archive:
            contents = {name: archive.read(name) for name in files}
    except INCOMPLETE:
        return False
    for name, file in files.items():
        file.write_bytes(contents[name])
    return True


def not_kept(error: OSError) -> str:
    """What to say once if a checkpoint cannot be written."""
    return (
        f"the checkpoint cannot be written ({error.strerror or error}), so nothing more is kept in it; the "
        "search goes on, and after an interruption it would do again what was not kept"
    )


def _elapsed(file: Path) -> float:
    try:
        with np.load(file, allow_pickle=False) as kept:
            return json.loads(str(kept["trial"]))["elapsed"]
    except INCOMPLETE:
        return 0.0


def fingerprint(
    frame: pd.DataFrame, target: np.ndarray, groups: np.ndarray | None, said: Sequence[str]
) -> str:
    """A name for what the result of a search depends on: the rows, and what else is said."""
    digest = hashlib.sha256("\n".join(said).encode())
    for part in (frame, pd.DataFrame({"target": target, "group": 0 if groups is None else groups})):
        digest.update(pd.util.hash_pandas_object(part, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]
