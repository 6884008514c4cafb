"""The portable model: a manifest and one file of arrays, neither of which can execute code.

The server needs only NumPy and the readers in this package; no scikit-learn and no pickle. What is predicted
for a row does not depend on the rows beside it, to the last bit.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tabular.portable.features import Features, Inputs
from tabular.portable.predictors import PREDICTORS, TOLERANCES, TREES, Arrays, Predictor
from tabular.portable.table_model import Prediction, TableModel, UnusableModel

try:
    from tabular.portable.native import predict as predict_in_c
except ImportError:  # installed without a compiler
    predict_in_c = None

__all__ = [
    "ARRAYS",
    "ENSEMBLE",
    "ENSEMBLE_VERSION",
    "FORMAT",
    "FORMAT_VERSION",
    "LEVEL_VALUES",
    "MANIFEST",
    "Member",
    "PortableModel",
    "Prediction",
    "UnusableModel",
    "prefix",
]

FORMAT, MANIFEST, ARRAYS = "tabular-portable", "manifest.json", "model.safetensors"
# A model is written in the lowest version that can describe it, so that a server from before there were
# ensembles still reads every other model.
FORMAT_VERSION, ENSEMBLE_VERSION = 1, 2
ENSEMBLE = "ensemble"  # the kind of estimator that is the weighted mean of several
LEVEL_VALUES = "level.values"
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
ONE = 1e-9  # by how much the sum of the weights may differ from one


def prefix(member: int) -> str:
    """What the names of an ensemble member's arrays begin with."""
    return f"members.{member}."


class Member:
    """A fitted pipeline: constants for the numbers, and the estimator's arithmetic on the features.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: if settings and arrays do not form a model.
    """

    def __init__(
        self,
        features: Features,
        estimator: Mapping[str, Any],
        arrays: Arrays,
        classes: Sequence[str | int | float],
    ) -> None:
        # They may be views of a file, which may change; trees are copied when they are packed.
        arrays = {name: arrays[name] if name in TREES else arrays[name].copy() for name in arrays}
        self.features = features
        self._fill, self._mean, self._scale = (arrays.get(f"numeric.{n}") for n in ("fill", "mean", "scale"))
        for constants in (self._fill, self._mean, self._scale):
            if constants is not None and constants.shape != (features.numbers,):
                raise ValueError("The constants of the numeric columns do not fit them.")
        if (self._mean is None) != (self._scale is None):
            raise ValueError("The numeric columns have a mean without a scale, or a scale without a mean.")
        kind, outputs = estimator["kind"], estimator["outputs"]
        predictor = PREDICTORS[kind](estimator, arrays, features.width, outputs)
        _check_link("joint" if kind == "naive_bayes" else estimator["link"], outputs, len(classes))
        self.tolerance = TOLERANCES[kind]
        self.predict = predictor.predict
        self.precision: type = np.float64
        self.in_c = self._held_in_c(predictor, outputs, classes)

    def transform(self, inputs: Inputs) -> np.ndarray:
        """The features (n_rows, n_features) that the estimator needs, from what `Features.inputs` gives."""
        ready, hot = inputs
        if self._fill is not None:
            ready = np.where(np.isnan(ready), self._fill, ready)
        if self._mean is not None and self._scale is not None:
            ready = (ready - self._mean) / self._scale
        if self.features.width == self.features.numbers:
            return ready
        features = np.zeros((len(ready), self.features.width))
        features[:, : self.features.numbers] = ready
        for cell, place in enumerate(hot):
            if place is not None:
                features[cell % len(ready), place] = 1.0
        return features

    def _held_in_c(self, predictor: Predictor, n_outputs: int, classes: Sequence[str | int | float]) -> Any:
        """The model in the form that predict.c needs; None if predict.c cannot compute it."""
        if predict_in_c is None or predictor.in_c is None or predictor.in_c.link not in LINKS:
            return None
        kind, link, activation, is_single, divisor, trees, parts = predictor.in_c
        self.precision = np.float32 if link.endswith("_single") else np.float64
        sizes = (self.features.numbers, self.features.width, n_outputs)
        constants = tuple(
            None if array is None else np.ascontiguousarray(array, dtype=np.float64)
            for array in (self._fill, self._mean, self._scale)
        )
        settings = (kind, LINKS.index(link), activation, is_single, divisor)
        return predict_in_c.model(*settings, *sizes, trees, constants, parts, tuple(classes))


class PortableModel(TableModel):
    """A fitted model as constants and arrays: one member, or the weighted mean of several.

    Raises:
        UnusableModel: if the manifest and the arrays do not form a model.
    """

    def __init__(self, manifest: dict[str, Any], arrays: Arrays) -> None:
        try:
            super().__init__(manifest)
            shared = Features(self, manifest["encodings"], arrays.get(LEVEL_VALUES))
            if self.kind == ENSEMBLE:
                self._weights = _weights(manifest["members"])
                self.members = list(self._members(manifest["members"], shared, arrays))
            else:
                self._weights = None
                self.members = [Member(shared, manifest["estimator"], arrays, self.classes)]
            self._features = list(dict.fromkeys(member.features for member in self.members))
            self._places = [self._features.index(member.features) for member in self.members]
            self.tolerance = max(member.tolerance for member in self.members)
            held = tuple(member.in_c for member in self.members)
            self._in_c = None if None in held else held
            self._try_out()
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise UnusableModel(f"The model's files do not fit together: {error!r}.") from None

    def predict(self, numbers: np.ndarray, categories: Sequence[Sequence[str]]) -> Prediction:
        """Labels and probabilities of rows, as in `TableModel.predict`."""
        distinct = [features.inputs(numbers, categories) for features in self._features]
        if self._in_c is not None and len(numbers):
            answer = (
                predict_in_c.answer(self._in_c[0], len(numbers), *distinct[0])
                if self._weights is None
                else predict_in_c.mean(self._in_c, self._weights, len(numbers), self._of_members(distinct))
            )
            if answer is not None:
                labels, found = answer
                if not self.classes:
                    return Prediction(labels, None, True)
                precision = self.members[0].precision if self._weights is None else np.float64
                return Prediction(labels, np.frombuffer(found, precision).reshape(len(labels), -1), True)
        with np.errstate(all="ignore"):
            predicted, probabilities = self._in_numpy(self._of_members(distinct))
        if probabilities is None:
            return Prediction([float(value) for value in predicted], None)
        return Prediction([self.classes[position] for position in predicted.tolist()], probabilities)

    def _of_members(self, distinct: Sequence[Inputs]) -> tuple[Inputs, ...]:
        """What each member gets; members that were fitted on the same rows get the same."""
        return tuple(distinct[place] for place in self._places)

    def _in_numpy(self, inputs: Sequence[Inputs]) -> tuple[np.ndarray, np.ndarray | None]:
        """Positions in the class list and probabilities, or numbers and None, as predict.c gives them."""
        answers = (
            member.predict(member.transform(one)) for member, one in zip(self.members, inputs, strict=True)
        )
        if self._weights is None:
            return next(answers)
        mean = 0.0
        for weight, (predicted, probabilities) in zip(self._weights, answers, strict=True):
            mean += weight * (probabilities if self.classes else predicted).astype(np.float64)
        return (mean.argmax(axis=1), mean) if self.classes else (mean, None)

    def _members(
        self, members: Sequence[Mapping[str, Any]], shared: Features, arrays: Arrays
    ) -> Iterator[Member]:
        """The members; one that was fitted on other rows than the first has encodings of its own."""
        for position, member in enumerate(members):
            start = prefix(position)
            own = {name.removeprefix(start): arrays[name] for name in arrays if name.startswith(start)}
            features = shared
            if "encodings" in member:
                features = Features(self, member["encodings"], own.get(LEVEL_VALUES))
                for column, encoding in zip(self.categorical, member["encodings"], strict=True):
                    self._levels[column] |= frozenset(encoding["levels"])
            yield Member(features, member["estimator"], own, self.classes)

    def _try_out(self) -> None:
        """Predict a row of empty cells, so that a model that cannot be served is refused on loading."""
        empty = np.full((1, len(self.numeric)), np.nan)
        prediction = self.predict(empty, [[""]] * len(self.categorical))
        answer = prediction.probabilities if self.classes else np.array([prediction.labels])
        if answer is None or answer.shape != (1, len(self.classes) or 1) or not np.isfinite(answer).all():
            raise ValueError("The model cannot predict a row of empty cells.")


def _weights(members: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """The weight of each member; none may be zero, or below, and their sum is one."""
    weights = tuple(float(member["weight"]) for member in members)
    if not weights or not all(weight > 0 for weight in weights) or abs(math.fsum(weights) - 1) > ONE:
        raise ValueError("The weights of the members are not positive numbers with the sum one.")
    return weights


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
