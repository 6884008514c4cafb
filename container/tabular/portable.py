"""The portable model: a manifest and one file of arrays, neither of which can execute code.

The server needs NumPy and this file's readers; no scikit-learn, no pickle.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tabular import cells, dates
from tabular.predictors import PREDICTORS, Arrays

__all__ = [
    "ARRAYS",
    "FORMAT",
    "FORMAT_VERSION",
    "MANIFEST",
    "PortableModel",
    "Prediction",
    "UnusableModel",
    "load_model",
    "save_model",
]

FORMAT, FORMAT_VERSION = "tabular-portable", 1
MANIFEST, ARRAYS = "manifest.json", "model.safetensors"


class UnusableModel(ValueError):
    """The folder holds no portable model that can be served; the message says why."""


class Prediction(NamedTuple):
    """Answers for some rows: labels in their own type (or numbers), and probabilities by class."""

    labels: list[str | int | float]
    probabilities: np.ndarray | None


class PortableModel:
    """A fitted model as constants and arrays.

    Raises:
        UnusableModel: the manifest and the arrays do not make a model.
    """

    def __init__(self, manifest: dict[str, Any], arrays: Arrays) -> None:
        try:
            self.manifest = manifest
            self.classes: list[str | int | float] = manifest["classes"]
            self.columns: list[dict[str, str]] = manifest["columns"]
            self.names = [column["name"] for column in self.columns]
            kinds = [column["kind"] for column in self.columns]
            if not set(kinds) <= {"numeric", "boolean", "categorical", "date"}:
                raise ValueError("A column is of an unknown kind.")
            self.name_set = frozenset(self.names)
            self.is_number = bytes(kind == "numeric" for kind in kinds)
            self.booleans = [i for i, kind in enumerate(kinds) if kind == "boolean"]
            self.dates = [i for i, kind in enumerate(kinds) if kind == "date"]
            for i in self.dates:
                _check_format(self.columns[i]["format"])
            self.numeric = [i for i, kind in enumerate(kinds) if kind == "numeric"]
            self.worded = self.booleans + self.dates  # numbers in the end, and words in a request
            self.numeric += self.worded
            self.categorical = [i for i, kind in enumerate(kinds) if kind == "categorical"]
            self._fill, self._mean, self._scale = (
                arrays.get(f"numeric.{n}") for n in ("fill", "mean", "scale")
            )
            self._encodings = manifest["encodings"]
            if len(self._encodings) != len(self.categorical):
                raise ValueError("Not every category has an encoding.")
            for encoding in self._encodings:
                _check_encoding(encoding)
            self._numbers = len(self.numeric) + 2 * len(self.dates)  # a date is three of them
            for constants in (self._fill, self._mean, self._scale):
                if constants is not None and constants.shape != (self._numbers,):
                    raise ValueError("The constants of the numeric columns do not fit them.")
            self.width = self._numbers + sum(encoding["width"] for encoding in self._encodings)
            estimator = manifest["estimator"]
            self._predict = PREDICTORS[estimator["kind"]](estimator, arrays, self.width, estimator["outputs"])
            self._try_out()
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise UnusableModel(f"The model's files do not fit together: {error!r}.") from None

    @cached_property
    def header_is_plain(self) -> bool:
        """Whether a line of these columns' names may read as a row: enough of them are numbers."""
        return sum(map(_is_number, self.names)) >= sum(self.is_number)

    def transform(self, numbers: np.ndarray, categories: Sequence[Sequence[str]]) -> np.ndarray:
        """The features (n_rows, n_features) that the estimator takes.

        Args:
            numbers: (n_rows, n_numeric) float64, numeric columns, then boolean ones, then dates as days since
                1970; NaN where empty.
            categories: for each categorical column the n_rows levels as text.
        """
        ready = numbers
        if self.dates:
            plain = len(self.numeric) - len(self.dates)
            ready = np.hstack([numbers[:, :plain], dates.date_parts(numbers[:, plain:])])
        if self._fill is not None:
            ready = np.where(np.isnan(ready), self._fill, ready)
        if self._mean is not None and self._scale is not None:
            ready = (ready - self._mean) / self._scale
        if not self.categorical:
            return ready
        features = np.zeros((len(numbers), self.width))
        features[:, : self._numbers] = ready
        start = self._numbers
        for levels, encoding in zip(categories, self._encodings, strict=True):
            positions, unknown = encoding["levels"], encoding["unknown"]
            for row, level in enumerate(levels):
                position = positions.get(level, unknown)
                if position is not None:
                    features[row, start + position] = 1.0
            start += encoding["width"]
        return features

    def predict(self, numbers: np.ndarray, categories: Sequence[Sequence[str]]) -> Prediction:
        """Labels and probabilities of rows given as to `transform`."""
        with np.errstate(all="ignore"):
            predicted, probabilities = self._predict(self.transform(numbers, categories))
        if probabilities is None:
            return Prediction([float(value) for value in predicted], None)
        return Prediction([self.classes[position] for position in predicted.tolist()], probabilities)

    def _try_out(self) -> None:
        """Predict a row of empty cells, so that what cannot be served is refused before it is called."""
        empty = np.full((1, len(self.numeric)), np.nan)
        prediction = self.predict(empty, [[""]] * len(self.categorical))
        answer = prediction.probabilities if self.classes else np.array([prediction.labels])
        if answer is None or answer.shape != (1, len(self.classes) or 1) or not np.isfinite(answer).all():
            raise ValueError("A row of empty cells has no answer.")


def save_model(
    folder: Path, manifest: dict[str, Any], arrays: Arrays, others: Mapping[str, bytes] | None = None
) -> None:
    """Write `manifest.json`, `model.safetensors` and other files, which a server does not read.

    The manifest names the SHA-256 of each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {ARRAYS: save({name: np.ascontiguousarray(array) for name, array in arrays.items()})}
    files |= others or {}
    for name, contents in files.items():
        (folder / name).write_bytes(contents)
    whole = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "files": {name: hashlib.sha256(contents).hexdigest() for name, contents in files.items()},
        **manifest,
    }
    (folder / MANIFEST).write_text(json.dumps(whole, indent=1))


def load_model(folder: Path) -> PortableModel:
    """Read a model that `save_model` wrote.

    Raises:
        UnusableModel: a file is missing or changed, or the format is of another version.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if isinstance(manifest, dict) and manifest.get("portable") is False:
            raise UnusableModel(str(manifest.get("reason")))
        contents = (folder / ARRAYS).read_bytes()
    except FileNotFoundError as error:
        raise UnusableModel(f"The model has no {Path(str(error.filename)).name}.") from None
    except UnusableModel:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableModel(f"The model's {MANIFEST} cannot be read: {error}.") from None
    if not isinstance(manifest, dict) or manifest.get("format_version") != FORMAT_VERSION:
        version = manifest.get("format_version") if isinstance(manifest, dict) else None
        raise UnusableModel(f"The model's format version is {version!r}; this server reads {FORMAT_VERSION}.")
    if manifest.get("format") != FORMAT:
        raise UnusableModel(
            f"The model's format is {manifest.get('format')!r}; this server reads {FORMAT!r}."
        )
    files = manifest.get("files")
    if not isinstance(files, dict) or files.get(ARRAYS) != hashlib.sha256(contents).hexdigest():
        raise UnusableModel(f"{ARRAYS} is not the file whose SHA-256 {MANIFEST} names.")
    try:
        arrays = load(contents)
    except (SafetensorError, KeyError) as error:  # KeyError: a type of number that NumPy does not have
        raise UnusableModel(f"{ARRAYS} cannot be read: {error}.") from None
    return PortableModel(manifest, arrays)


def _is_number(name: str) -> bool:
    try:
        cells.number(name)
    except ValueError:
        return False
    return True


def _check_format(form: str) -> None:
    if form not in (*dates.FORMATS, *dates.FORCED):
        raise ValueError("The format of a date is none of those that are known.")


def _check_encoding(encoding: dict[str, Any]) -> None:
    """Every column has a level: otherwise a short file could ask for any amount of memory."""
    places = {*encoding["levels"].values(), encoding["unknown"]} - {None}
    width = len(places)
    if encoding["width"] != width or not all(isinstance(i, int) and 0 <= i < width for i in places):
        raise ValueError("The levels of a category do not fill its columns.")
