"""The trials that have ended, in a folder, so that an interrupted search goes on where it was.

Each trial is a file of its own, which is there as a whole or not at all. A search proposes the same
configurations in the same order again, and takes the result of each from here if it is there.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tabular.searching.trials import Configuration, Trial

__all__ = ["Checkpoint", "fingerprint"]


class Checkpoint:
    """The trials of one search, kept in a folder of their own.

    Args:
        folder: which SageMaker copies to S3 and, when the job starts again, from there.
        key: what the search depends on; another search in the same folder has other files.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder / key
        self.folder.mkdir(parents=True, exist_ok=True)

    def load(self, number: int, configuration: Configuration) -> Trial | None:
        """A trial that has ended; None if it has not, or if it tried something else."""
        try:
            with np.load(self._file(number), allow_pickle=False) as kept:
                said = json.loads(str(kept["trial"]))
                answers = [kept[f"answers.{fold}"] for fold in range(said.pop("folds"))]
        except (FileNotFoundError, zipfile.BadZipFile, EOFError, KeyError, ValueError):
            return None  # half a file, which a copy to S3 may leave, is a trial that is done again
        tried = Configuration(said.pop("algorithm"), said.pop("hyperparameters"), said.pop("source"))
        return Trial(number, configuration, **said, answers=answers) if tried == configuration else None

    def save(self, trial: Trial) -> None:
        """Keep a trial that has ended."""
        said = {
            **vars(trial.configuration),
            "scores": trial.scores,
            "rounds": trial.rounds,
            "state": trial.state,
            "reason": trial.reason,
            "seconds": trial.seconds,
            "folds": len(trial.answers),
        }
        arrays = {f"answers.{fold}": one for fold, one in enumerate(trial.answers)}
        unfinished = self._file(trial.number).with_suffix(".part")
        with unfinished.open("wb") as file:
            np.savez(file, trial=np.array(json.dumps(said)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._file(trial.number))

    def elapsed(self) -> float:
        """The seconds of a search's earlier runs, as of their last trial."""
        file = self.folder / "seconds"
        return float(file.read_text()) if file.exists() else 0.0

    def note(self, seconds: float) -> None:
        """Keep how long the search has taken so far."""
        unfinished = self.folder / "seconds.part"
        unfinished.write_text(repr(seconds))
        unfinished.replace(self.folder / "seconds")

    def _file(self, number: int) -> Path:
        return self.folder / f"trial-{number:04}.npz"


def fingerprint(
    frame: pd.DataFrame, target: np.ndarray, groups: np.ndarray | None, said: Sequence[str]
) -> str:
    """A name for what the result of a search depends on: the rows, and what else is said."""
    digest = hashlib.sha256("\n".join(said).encode())
    for part in (frame, pd.DataFrame({"target": target, "group": 0 if groups is None else groups})):
        digest.update(pd.util.hash_pandas_object(part, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]
