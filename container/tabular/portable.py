"""The portable model: a manifest and one file of arrays, neither of which can execute code.

The server needs NumPy and this file's readers; no scikit-learn, no pickle.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tabular import cells
from tabular.predictors import PREDICTORS, Arrays, Predictor

try:
    from tabular import few
except ImportError:  # installed where no compiler was
    few = None

__all__ = [
    "ARRAYS",
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
FEW = 8  # rows that few.c answers sooner than NumPy does
LINKS = (
    "identity",
    "shares",
    "logistic",
    "logistic_single",
    "softmax",
    "softmax_single",
    "joint",
)  # as there


class UnusableModel(ValueError):
    """The folder holds no portable model that can be served; the message says why."""


class Prediction(NamedTuple):
    """Answers for some rows: labels in their own type (or numbers), and probabilities by class.

    `is_finite` says that all of them are known to be finite numbers.
    """

    labels: list[str | int | float]
    probabilities: np.ndarray | None
    is_finite: bool = False


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
            if not set(kinds) <= {"numeric", "boolean", "categorical"}:
                raise ValueError("A column is of an unknown kind.")
            self.name_set = frozenset(self.names)
            self.is_number = bytes(kind == "numeric" for kind in kinds)
            self.booleans = [i for i, kind in enumerate(kinds) if kind == "boolean"]
            self.numeric = [i for i, kind in enumerate(kinds) if kind == "numeric"] + self.booleans
            self.categorical = [i for i, kind in enumerate(kinds) if kind == "categorical"]
            self.words = sorted(self.booleans + self.categorical)
            self.n_numbers = len(kinds) - len(self.words)
            self._fill, self._mean, self._scale = (
                arrays.get(f"numeric.{n}") for n in ("fill", "mean", "scale")
            )
            self._encodings = manifest["encodings"]
            if len(self._encodings) != len(self.categorical):
                raise ValueError("Not every category has an encoding.")
            for encoding in self._encodings:
                _check_encoding(encoding)
            for constants in (self._fill, self._mean, self._scale):
                if constants is not None and constants.shape != (len(self.numeric),):
                    raise ValueError("The constants of the numeric columns do not fit them.")
            self.width = len(self.numeric) + sum(encoding["width"] for encoding in self._encodings)
            estimator = manifest["estimator"]
            predictor = PREDICTORS[estimator["kind"]](estimator, arrays, self.width, estimator["outputs"])
            self._predict = predictor.predict
            self._few = self._hold_for_few(predictor, estimator["outputs"])
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
            numbers: (n_rows, n_numeric) float64, numeric columns and then boolean ones, NaN where empty.
            categories: for each categorical column the n_rows levels as text.
        """
        ready = numbers
        if self._fill is not None:
            ready = np.where(np.isnan(ready), self._fill, ready)
        if self._mean is not None and self._scale is not None:
            ready = (ready - self._mean) / self._scale
        if not self.categorical:
            return ready
        features = np.zeros((len(numbers), self.width))
        features[:, : len(self.numeric)] = ready
        start = len(self.numeric)
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
        if self._few is not None and 0 < len(numbers) <= FEW:
            hot = [
                places.get(level, unknown)
                for levels, (places, unknown) in zip(categories, self._places, strict=True)
                for level in levels
            ]
            answer = few.answer(self._few, len(numbers), np.ascontiguousarray(numbers), hot)
            if answer is not None:
                labels, found = answer
                if not self.classes:
                    return Prediction(labels, None, True)
                return Prediction(labels, np.frombuffer(found, self._kind).reshape(len(labels), -1), True)
        with np.errstate(all="ignore"):
            predicted, probabilities = self._predict(self.transform(numbers, categories))
        if probabilities is None:
            return Prediction([float(value) for value in predicted], None)
        return Prediction([self.classes[position] for position in predicted.tolist()], probabilities)

    def _hold_for_few(self, predictor: Predictor, n_outputs: int) -> Any:
        """The model as few.c takes it; None where that cannot compute it."""
        if few is None or predictor.in_c is None or predictor.in_c.link not in LINKS:
            return None
        self._places, start = [], len(self.numeric)
        for encoding in self._encodings:
            places = {level: start + place for level, place in encoding["levels"].items()}
            unknown = None if encoding["unknown"] is None else start + encoding["unknown"]
            self._places.append((places, unknown))
            start += encoding["width"]
        kind, link, activation, is_single, divisor, trees, parts = predictor.in_c
        self._kind = np.float32 if link.endswith("_single") else np.float64
        sizes = (len(self.numeric), self.width, n_outputs)
        constants = tuple(
            None if array is None else np.ascontiguousarray(array, dtype=np.float64)
            for array in (self._fill, self._mean, self._scale)
        )
        settings = (kind, LINKS.index(link), activation, is_single, divisor)
        return few.model(*settings, *sizes, trees, constants, parts, tuple(self.classes))

    def _try_out(self) -> None:
        """Predict a row of empty cells, so that what cannot be served is refused before it is called."""
        empty = np.full((1, len(self.numeric)), np.nan)
        prediction = self.predict(empty, [[""]] * len(self.categorical))
        answer = prediction.probabilities if self.classes else np.array([prediction.labels])
        if answer is None or answer.shape != (1, len(self.classes) or 1) or not np.isfinite(answer).all():
            raise ValueError("A row of empty cells has no answer.")


def save_model(folder: Path, manifest: dict[str, Any], arrays: Arrays) -> None:
    """Write `manifest.json` and `model.safetensors`; the manifest names the latter's SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    (folder / ARRAYS).write_bytes(contents)
    whole = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "files": {ARRAYS: hashlib.sha256(contents).hexdigest()},
        **manifest,
    }
    (folder / MANIFEST).write_text(json.dumps(whole, indent=1))


def load_model(folder: Path) -> PortableModel:
    """Read a model that `save_model` wrote.

    Raises:
        UnusableModel: a file is missing or changed, or the format is of another version.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        contents = (folder / ARRAYS).read_bytes()
    except FileNotFoundError as error:
        raise UnusableModel(f"The model has no {Path(str(error.filename)).name}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableModel(f"The model's {MANIFEST} cannot be read: {error}.") from None
    if not isinstance(manifest, dict) or manifest.get("format_version") != FORMAT_VERSION:
        version = manifest.get("format_version") if isinstance(manifest, dict) else None
        raise UnusableModel(f"The model's format version is {version!r}; this server reads {FORMAT_VERSION}.")
    if manifest.get("format") != FORMAT:
        raise UnusableModel(
            f"The model's format is {manifest.get('format')!r}; this server reads {FORMAT!r}."
        )
    if manifest.get("files") != {ARRAYS: hashlib.sha256(contents).hexdigest()}:
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


def _check_encoding(encoding: dict[str, Any]) -> None:
    """Every column has a level: otherwise a short file could ask for any amount of memory."""
    places = {*encoding["levels"].values(), encoding["unknown"]} - {None}
    width = len(places)
    if encoding["width"] != width or not all(isinstance(i, int) and 0 <= i < width for i in places):
        raise ValueError("The levels of a category do not fill its columns.")
