"""The portable model: a manifest and one file of arrays, neither of which can execute code.

The server needs only NumPy and the readers in this package; no scikit-learn and no pickle. What is predicted
for a row does not depend on the rows beside it, to the last bit.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tabular.data.values import dates
from tabular.portable.predictors import PREDICTORS, TOLERANCES, TREES, Arrays, Predictor
from tabular.portable.table_model import Prediction, TableModel, UnusableModel

try:
    from tabular.portable.native import predict as predict_in_c
except ImportError:  # installed without a compiler
    predict_in_c = None

__all__ = ["ARRAYS", "FORMAT", "FORMAT_VERSION", "MANIFEST", "PortableModel", "Prediction", "UnusableModel"]

FORMAT, FORMAT_VERSION = "tabular-portable", 1
MANIFEST, ARRAYS = "manifest.json", "model.safetensors"
LINKS = (
    "identity",
    "expm1",
    "shares",
    "logistic",
    "logistic_single",
    "softmax",
    "softmax_single",
    "joint",
)  # in the order of the enum in predict.c
FOR_NUMBERS, FOR_TWO_CLASSES = ("identity", "expm1"), ("logistic", "logistic_single")
MAX_OUTPUTS = 512  # ON_STACK in predict.c


class PortableModel(TableModel):
    """A fitted model as constants and arrays.

    Raises:
        UnusableModel: if the manifest and the arrays do not form a model.
    """

    def __init__(self, manifest: dict[str, Any], arrays: Arrays) -> None:
        try:
            super().__init__(manifest)
            # They may be views of a file, which may change; trees are copied when they are packed.
            arrays = {name: arrays[name] if name in TREES else arrays[name].copy() for name in arrays}
            self._fill, self._mean, self._scale = (
                arrays.get(f"numeric.{n}") for n in ("fill", "mean", "scale")
            )
            self._read_encodings(manifest["encodings"], arrays.get("level.values"))
            for constants in (self._fill, self._mean, self._scale):
                if constants is not None and constants.shape != (self._numbers,):
                    raise ValueError("The constants of the numeric columns do not fit them.")
            if (self._mean is None) != (self._scale is None):
                raise ValueError(
                    "The numeric columns have a mean without a scale, or a scale without a mean."
                )
            estimator = manifest["estimator"]
            predictor = PREDICTORS[self.kind](estimator, arrays, self.width, estimator["outputs"])
            link = "joint" if self.kind == "naive_bayes" else estimator["link"]
            _check_link(link, estimator["outputs"], len(self.classes))
            self.tolerance = TOLERANCES[self.kind]
            self._predict = predictor.predict
            self._in_c = self._held_in_c(predictor, estimator["outputs"])
            self._try_out()
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise UnusableModel(f"The model's files do not fit together: {error!r}.") from None

    def transform(self, numbers: np.ndarray, categories: Sequence[Sequence[str]]) -> np.ndarray:
        """The features (n_rows, n_features) that the estimator needs.

        Args:
            numbers: (n_rows, n_numeric) float64: numeric columns, then booleans, then dates as days since
                1970; NaN for an empty cell.
            categories: for each categorical column, the n_rows levels as text.
        """
        ready = self._as_numbers(numbers, categories)
        if self._fill is not None:
            ready = np.where(np.isnan(ready), self._fill, ready)
        if self._mean is not None and self._scale is not None:
            ready = (ready - self._mean) / self._scale
        if not self._places:
            return ready
        features = np.zeros((len(numbers), self.width))
        features[:, : self._numbers] = ready
        for category, places, unknown in self._places:
            for row, level in enumerate(categories[category]):
                place = places.get(level, unknown)
                if place is not None:
                    features[row, place] = 1.0
        return features

    def predict(self, numbers: np.ndarray, categories: Sequence[Sequence[str]]) -> Prediction:
        """Labels and probabilities of rows, given in the same way as to `transform`."""
        if self._in_c is not None and len(numbers):
            hot = [
                places.get(level, unknown)
                for category, places, unknown in self._places
                for level in categories[category]
            ]
            ready = np.ascontiguousarray(self._as_numbers(numbers, categories))
            answer = predict_in_c.answer(self._in_c, len(numbers), ready, hot)
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

    def _read_encodings(self, encodings: Sequence[dict[str, Any]], values: np.ndarray | None) -> None:
        """Lay out the features: numbers, the parts of dates, the values of levels, and columns for levels."""
        if len(encodings) != len(self.categorical):
            raise ValueError("Not every category has an encoding.")
        self._values = values
        self._valued = [
            (category, *_rows(encoding, values))
            for category, encoding in enumerate(encodings)
            if encoding.get("kind") == "target"
        ]
        # A date becomes three numbers, and five if it has a time.
        self._numbers = len(self.numeric) + 2 * len(self.dates) + 2 * sum(self.timed)
        if values is not None:
            self._numbers += len(self._valued) * values.shape[1]
        self.width, self._places = self._numbers, []
        for category, encoding in enumerate(encodings):
            if encoding.get("kind") != "target":
                self._places.append((category, *_places(encoding, self.width)))
                self.width += encoding["width"]

    def _as_numbers(self, numbers: np.ndarray, categories: Sequence[Sequence[str]]) -> np.ndarray:
        """All features that are not columns for levels, before they are scaled (n_rows, n_numbers)."""
        parts = [numbers]
        if self.dates:
            plain = len(self.numeric) - len(self.dates)
            parts = [numbers[:, :plain], dates.date_parts(numbers[:, plain:], self.timed)]
        for category, rows, unknown in self._valued:
            parts.append(self._values[[rows.get(level, unknown) for level in categories[category]]])
        return np.hstack(parts) if len(parts) > 1 else numbers

    def _held_in_c(self, predictor: Predictor, n_outputs: int) -> Any:
        """The model in the form that predict.c needs; None if predict.c cannot compute it."""
        if predict_in_c is None or predictor.in_c is None or predictor.in_c.link not in LINKS:
            return None
        kind, link, activation, is_single, divisor, trees, parts = predictor.in_c
        self._kind = np.float32 if link.endswith("_single") else np.float64
        sizes = (self._numbers, self.width, n_outputs)
        constants = tuple(
            None if array is None else np.ascontiguousarray(array, dtype=np.float64)
            for array in (self._fill, self._mean, self._scale)
        )
        settings = (kind, LINKS.index(link), activation, is_single, divisor)
        return predict_in_c.model(*settings, *sizes, trees, constants, parts, tuple(self.classes))

    def _try_out(self) -> None:
        """Predict a row of empty cells, so that a model that cannot be served is refused on loading."""
        empty = np.full((1, len(self.numeric)), np.nan)
        prediction = self.predict(empty, [[""]] * len(self.categorical))
        answer = prediction.probabilities if self.classes else np.array([prediction.labels])
        if answer is None or answer.shape != (1, len(self.classes) or 1) or not np.isfinite(answer).all():
            raise ValueError("The model cannot predict a row of empty cells.")


def _check_link(link: str, n_outputs: int, n_classes: int) -> None:
    """Refuse what predict.c refuses, which is not there without a compiler."""
    if max(n_outputs, n_classes) > MAX_OUTPUTS:
        raise ValueError(f"A model may have {MAX_OUTPUTS} outputs, and this one has more.")
    if n_classes == 0:
        fits = n_outputs == 1 and link in FOR_NUMBERS
    elif link in FOR_TWO_CLASSES:
        fits = (n_outputs, n_classes) == (1, 2)
    else:
        fits = n_outputs == n_classes and link not in FOR_NUMBERS
    if not fits:
        raise ValueError(f"The link {link!r} does not fit {n_outputs} outputs and {n_classes} classes.")


def _places(encoding: dict[str, Any], start: int) -> tuple[dict[str, int], int | None]:
    """The column that each level of a category sets to one, and the column that an unknown level sets.

    Every column must have a level. Otherwise a short file could request any amount of memory.
    """
    levels, unknown = encoding["levels"], encoding["unknown"]
    places = {*levels.values(), unknown} - {None}
    width = len(places)
    if encoding["width"] != width or not all(isinstance(i, int) and 0 <= i < width for i in places):
        raise ValueError("The levels of a category do not fill its columns.")
    absolute = {level: start + place for level, place in levels.items()}
    return absolute, None if unknown is None else start + unknown


def _rows(encoding: dict[str, Any], values: np.ndarray | None) -> tuple[dict[str, int], int]:
    """The row of each level of a category, and of an unknown level, in the array of values."""
    if values is None or values.ndim != 2 or values.dtype != np.float64:
        raise ValueError("The levels of a category have no values.")
    levels, unknown = encoding["levels"], encoding["unknown"]
    if not all(isinstance(i, int) and 0 <= i < len(values) for i in (*levels.values(), unknown)):
        raise ValueError("A level of a category has no value.")
    return levels, unknown
