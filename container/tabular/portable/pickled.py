"""A model that only its own libraries can run, served from a pickle if its name is allowed in two places.

A pickle is code. Anyone who can write one can run anything with the rights of the process that reads it,
which here is the server of all models. So nothing is pickled unless your own steps name the algorithm, and
nothing is unpickled unless the server was started with the same name in SERVE_PICKLES; see
https://scikit-learn.org/stable/model_persistence.html#security-maintainability-limitations.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tabular.portable.table_model import Prediction, TableModel, UnusableModel

__all__ = ["FORMAT", "PIPELINE", "SWITCH", "PickledModel", "allowed", "load_pickled", "save_pickled"]

FORMAT, FORMAT_VERSION = "tabular-pickle", 1
MANIFEST, PIPELINE = "manifest.json", "pipeline.joblib"
SWITCH = "SERVE_PICKLES"


class PickledModel(TableModel):
    """A fitted scikit-learn pipeline for a table."""

    tolerance = 1e-12  # scikit-learn itself predicts, but in batches of other sizes

    def __init__(self, manifest: dict[str, Any], pipeline: Any) -> None:
        super().__init__(manifest)
        self._pipeline = pipeline

    def predict(self, numbers: np.ndarray, categories: Sequence[Sequence[str]]) -> Prediction:
        """Labels and probabilities of rows, as in `TableModel.predict`."""
        import pandas as pd

        columns: dict[int, Any] = dict(zip(self.numeric, numbers.T, strict=True))
        for position, levels in zip(self.categorical, categories, strict=True):
            columns[position] = pd.Series(levels, dtype=object)
        frame = pd.DataFrame({self.names[i]: columns[i] for i in range(len(self.names))})
        predicted = self._pipeline.predict(frame).tolist()
        if not self.classes:
            return Prediction([float(number) for number in predicted], None)
        labels = [self.classes[int(position)] for position in predicted]
        return Prediction(labels, np.asarray(self._pipeline.predict_proba(frame), dtype=np.float64))


def allowed() -> frozenset[str]:
    """The algorithms whose pickles this server may load: the names in SERVE_PICKLES, separated by commas."""
    return frozenset(name.strip() for name in os.environ.get(SWITCH, "").split(",")) - {""}


def save_pickled(
    folder: Path, manifest: dict[str, Any], pipeline: Any, others: Mapping[str, bytes] | None = None
) -> None:
    """Write `manifest.json`, the fitted pipeline and other files; the manifest has the SHA-256 of each."""
    import joblib

    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(pipeline, folder / PIPELINE)
    for name, contents in (others or {}).items():
        (folder / name).write_bytes(contents)
    files = {name: _sha256(folder / name) for name in (PIPELINE, *(others or {}))}
    whole = {"format": FORMAT, "format_version": FORMAT_VERSION, "files": files, **manifest}
    (folder / MANIFEST).write_text(json.dumps({**whole, "estimator": {"kind": "pickle"}}, indent=1))


def load_pickled(folder: Path, manifest: dict[str, Any], names: frozenset[str]) -> PickledModel:
    """Read a model that `save_pickled` wrote, if its algorithm is one of the names.

    Raises:
        UnusableModel: if it is not, a file is missing or changed, or the pickle cannot be read here.
    """
    algorithm = manifest.get("algorithm")
    if algorithm not in names:
        raise UnusableModel(
            f"The model is a pickle of {algorithm!r}, which is code, and this server was not started to load "
            f"it; add the name to {SWITCH} if the author of the pickle may run code here."
        )
    if manifest.get("format_version") != FORMAT_VERSION:
        version = manifest.get("format_version")
        raise UnusableModel(
            f"The pickle's format version is {version!r}; this server reads {FORMAT_VERSION}."
        )
    if not (folder / PIPELINE).is_file():
        raise UnusableModel(f"The model has no {PIPELINE}.")
    files = manifest.get("files")
    if not isinstance(files, dict) or files.get(PIPELINE) != _sha256(folder / PIPELINE):
        raise UnusableModel(f"The SHA-256 of {PIPELINE} is not the one in {MANIFEST}.")
    import joblib

    try:
        return PickledModel(manifest, joblib.load(folder / PIPELINE))
    except Exception as error:  # a pickle may raise anything
        raise UnusableModel(f"{PIPELINE} cannot be read here: {type(error).__name__}: {error}.") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
