"""The estimators as arithmetic on arrays, which is all that is needed to serve a model. It needs only NumPy.

Every predictor is called with the transformed features (n_rows, n_features) float64. For classification, it
returns the predicted positions in the class list and the probabilities (n_rows, n_classes). For regression,
it returns the predicted numbers and None.

What is predicted for a row does not depend on the rows beside it, to the last bit. So matrices are multiplied
and summed in an order of our own: that of BLAS depends on the number of rows and on their place in memory.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

try:
    from tabular.portable.native import trees as trees_in_c
except ImportError:  # installed without a compiler
    trees_in_c = None

__all__ = [
    "PREDICTORS",
    "TOLERANCES",
    "TREES",
    "Arrays",
    "InC",
    "Predictor",
    "linear",
    "naive_bayes",
    "neural_network",
    "trees",
]

Arrays = Mapping[str, np.ndarray]
Prediction = tuple[np.ndarray, np.ndarray | None]
# Adds the trees' values for rows (n_rows, n_features) to totals (n_rows, n_outputs).
Walk = Callable[[np.ndarray, np.ndarray], None]


class InC(NamedTuple):
    """The arguments with which predict.c computes the same; see its function `model`."""

    kind: int
    link: str
    activation: int
    is_single: bool
    divisor: int
    trees: Any
    parts: tuple[np.ndarray, ...]


class Predictor(NamedTuple):
    """A fitted estimator: its arithmetic on features, and its arrays for predict.c if supported there."""

    predict: Callable[[np.ndarray], Prediction]
    in_c: InC | None


def trees(settings: Mapping[str, Any], arrays: Arrays, n_features: int, n_outputs: int) -> Predictor:
    """A forest or boosted trees from any of the three libraries, in one layout.

    Siblings are adjacent, so a step is `left + (x > threshold)`. A leaf leads to itself.

    Raises:
        ValueError: if an index leads out of its tree or is out of range.
    """
    feature, threshold, left, root = (arrays[name] for name in ("feature", "threshold", "left", "root"))
    default_left, value, group, base = (arrays[name] for name in ("default_left", "value", "group", "base"))
    _check_trees(feature, threshold, left, default_left, root, value, group, n_features, n_outputs)
    _check_shape("base", base, (n_outputs,))
    precision, link = PRECISIONS[settings["precision"]], LINKS[settings["link"]]
    divisor = len(root) if settings["average"] else 1
    # scikit-learn rounds its input, not its thresholds
    rounds = precision is np.float32 and threshold.dtype == np.float64
    walked = threshold.dtype if rounds else np.dtype(precision)
    in_c = None
    if trees_in_c is not None and threshold.dtype == value.dtype == base.dtype == walked:
        packed = _pack(feature, threshold, left, default_left, root, group, value, n_features, n_outputs)
        add = partial(trees_in_c.add, packed)
        in_c = InC(0, settings["link"], 0, precision is np.float32, divisor, packed, (base,))
    else:
        add = _walk_in_numpy(
            *(array.copy() for array in (feature, threshold, left, default_left, root, group, value))
        )

    def predict(features: np.ndarray) -> Prediction:
        rows = np.ascontiguousarray(features, dtype=precision)
        if rounds:
            rows = rows.astype(np.float64)
        totals = np.empty((len(rows), n_outputs), dtype=base.dtype)
        totals[:] = base
        add(rows, totals)
        return link(totals / divisor if divisor > 1 else totals)

    return Predictor(predict, in_c)


def linear(settings: Mapping[str, Any], arrays: Arrays, n_features: int, n_outputs: int) -> Predictor:
    """Logistic and ridge regression."""
    weights, intercept = arrays["weights"], arrays["intercept"]
    _check_shape("weights", weights, (n_features, n_outputs))
    _check_shape("intercept", intercept, (n_outputs,))
    link = LINKS[settings["link"]]

    def predict(features: np.ndarray) -> Prediction:
        decision = _product(features, weights) + intercept
        predicted, probabilities = link(decision)
        if settings["link"] == "logistic":  # like scikit-learn, decide before rounding to probabilities
            predicted = (decision[:, 0] > 0).astype(np.intp)
        return predicted, probabilities

    return Predictor(predict, _doubles(1, settings["link"], 0, weights, intercept))


def naive_bayes(settings: Mapping[str, Any], arrays: Arrays, n_features: int, n_outputs: int) -> Predictor:
    """Gaussian naive Bayes, from the joint log likelihood of each class."""
    mean, variance, prior = arrays["mean"], arrays["variance"], arrays["prior"]
    _check_shape("mean", mean, (n_outputs, n_features))
    _check_shape("variance", variance, (n_outputs, n_features))
    _check_shape("prior", prior, (n_outputs,))
    constant = -0.5 * np.sum(np.log(2.0 * np.pi * variance), axis=1)
    prior = np.log(prior)
    classes = list(zip(prior, constant, mean, variance, strict=True))

    def predict(features: np.ndarray) -> Prediction:
        features = np.ascontiguousarray(features)  # sums over columns have another order than over rows
        joint = np.empty((len(features), n_outputs))
        for i, (p, c, m, v) in enumerate(classes):
            joint[:, i] = p + (c - 0.5 * (((features - m) ** 2) / v).sum(1))  # in scikit-learn's order
        return joint.argmax(axis=1), np.exp(joint - _log_sum_exp(joint))

    return Predictor(predict, _doubles(2, "joint", 0, prior, constant, mean, variance))


def neural_network(settings: Mapping[str, Any], arrays: Arrays, n_features: int, n_outputs: int) -> Predictor:
    """A multi-layer perceptron."""
    layers = [(arrays[f"weights.{i}"], arrays[f"intercept.{i}"]) for i in range(settings["layers"])]
    width = n_features
    for index, (weights, intercept) in enumerate(layers):
        _check_shape(f"weights.{index}", weights, (width, len(intercept)))
        _check_shape(f"intercept.{index}", intercept, (len(intercept),))
        width = len(intercept)
    if width != n_outputs:
        raise ValueError(f"The last layer has {width} outputs instead of {n_outputs}.")
    activation = ACTIVATIONS[settings["activation"]]
    link = LINKS[settings["link"]]

    def predict(features: np.ndarray) -> Prediction:
        for weights, intercept in layers[:-1]:
            features = activation(_product(features, weights) + intercept)
        return link(_product(features, layers[-1][0]) + layers[-1][1])

    parts = (array for layer in layers for array in layer)
    kind_of_unit = list(ACTIVATIONS).index(settings["activation"]) + 1
    return Predictor(predict, _doubles(1, settings["link"], kind_of_unit, *parts))


# The key is the kind of estimator that the manifest names.
PREDICTORS: Mapping[str, Callable[[Mapping[str, Any], Arrays, int, int], Predictor]] = {
    "trees": trees,
    "linear": linear,
    "naive_bayes": naive_bayes,
    "neural_network": neural_network,
}
# By how much a prediction may differ from scikit-learn's. XGBoost predicts in single precision: its
# exponential function and NumPy's give probabilities that differ by two units in the last place (1.2e-7, in
# most of 25 models of breast-cancer), so four are allowed. Elsewhere the order of a sum decides the last
# bits, even between batches of different sizes in scikit-learn itself.
TOLERANCES = dict.fromkeys(PREDICTORS, 1e-12) | {"trees": 4 * float(np.finfo(np.float32).eps)}
TREES = ("feature", "threshold", "left", "default_left", "root", "group", "value")  # their large arrays
NODES_AT_A_TIME = 1 << 16
FEW_ROWS = (
    16  # up to here, NumPy is called once for all trees; for more rows their values may need much memory
)
PRECISIONS = {"float32": np.float32, "float64": np.float64}
ACTIVATIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda values: np.maximum(values, 0.0),
    "tanh": np.tanh,
}


def _doubles(kind: int, link: str, activation: int, *parts: np.ndarray) -> InC | None:
    """Arrays for predict.c, which reads only doubles."""
    if any(part.dtype != np.float64 for part in parts):
        return None
    return InC(kind, link, activation, False, 1, None, tuple(map(np.ascontiguousarray, parts)))


def _product(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The matrix product, summed in the order of the features for every row, as in predict.c."""
    total = np.zeros((len(features), weights.shape[1]))
    for cells, weight in zip(features.T, weights, strict=True):
        total += cells[:, None] * weight
    return total


def _identity(total: np.ndarray) -> Prediction:
    return total[:, 0], None


def _shares(total: np.ndarray) -> Prediction:
    return total.argmax(axis=1), total


def _logistic(total: np.ndarray) -> Prediction:
    positive = _expit(total[:, 0])
    return (positive > 0.5).astype(np.intp), _of_two_classes(positive)


def _logistic_single(total: np.ndarray) -> Prediction:
    """The logistic function as in XGBoost: in single precision, with the exponent limited to stay finite."""
    one = np.float32(1)
    exponential = np.exp(np.minimum(-total[:, 0], np.float32(88.7)).astype(np.float64)).astype(np.float32)
    positive = one / (exponential + one + np.float32(1e-16))
    return (positive > 0.5).astype(np.intp), _of_two_classes(positive)


def _softmax_link(total: np.ndarray) -> Prediction:
    probabilities = _softmax(total)
    return probabilities.argmax(axis=1), probabilities


def _softmax_single(total: np.ndarray) -> Prediction:
    """The softmax as in XGBoost: in single precision, summed in double precision."""
    exponential = np.exp((total - total.max(axis=1, keepdims=True)).astype(np.float64)).astype(np.float32)
    whole = exponential.astype(np.float64).sum(axis=1, keepdims=True).astype(np.float32)
    probabilities = exponential / whole
    return probabilities.argmax(axis=1), probabilities


def _expm1(total: np.ndarray) -> Prediction:
    """The target of a model that has learned its logarithm."""
    return np.expm1(total[:, 0].astype(np.float64)), None


LINKS: Mapping[str, Callable[[np.ndarray], Prediction]] = {
    "identity": _identity,
    "expm1": _expm1,
    "shares": _shares,
    "logistic": _logistic,
    "logistic_single": _logistic_single,
    "softmax": _softmax_link,
    "softmax_single": _softmax_single,
}


def _of_two_classes(positive: np.ndarray) -> np.ndarray:
    probabilities = np.empty((len(positive), 2), dtype=positive.dtype)
    probabilities[:, 0] = 1 - positive  # in the precision of the array
    probabilities[:, 1] = positive
    return probabilities


def _expit(values: np.ndarray) -> np.ndarray:
    # Below -700 the exponential would overflow; the result is zero to the last bit of a double.
    return 1.0 / (1.0 + np.exp(-np.maximum(values, -700.0)))


def _log_sum_exp(values: np.ndarray) -> np.ndarray:
    largest = values.max(axis=1, keepdims=True)
    return largest + np.log(np.exp(values - largest).sum(axis=1, keepdims=True))


def _softmax(values: np.ndarray) -> np.ndarray:
    exponential = np.exp(values - values.max(axis=1, keepdims=True))
    return exponential / exponential.sum(axis=1, keepdims=True)


def _pack(
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    default_left: np.ndarray,
    root: np.ndarray,
    group: np.ndarray,
    value: np.ndarray,
    n_features: int,
    n_outputs: int,
) -> Any:
    """The trees copied into the layout of trees.c; threshold and value must have the same precision."""
    feature, left, root, group = (
        np.ascontiguousarray(array, dtype=np.int32) for array in (feature, left, root, group)
    )
    default_left = np.ascontiguousarray(default_left, dtype=np.uint8)
    is_double = threshold.dtype == np.float64
    return trees_in_c.pack(
        feature, threshold, left, default_left, root, group, value, n_features, n_outputs, is_double
    )


def _walk_in_numpy(
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    default_left: np.ndarray,
    root: np.ndarray,
    group: np.ndarray,
    value: np.ndarray,
) -> Walk:
    """The same walk with NumPy, one level at a time for all trees and rows."""
    default_right = default_left == 0
    trees_of = [np.flatnonzero(group == output) for output in range(int(group.max()) + 1)]

    def leaves(rows: np.ndarray) -> np.ndarray:
        """The leaf that each row reaches in each tree: (n_trees, n_rows)."""
        cells, any_missing = rows.ravel(), bool(np.isnan(rows).any())
        offset = np.arange(len(rows)) * rows.shape[1]
        node = np.repeat(root[:, None], len(rows), axis=1)
        while True:
            cell = cells.take(feature.take(node) + offset)
            right = cell > threshold.take(node)
            if any_missing:
                right |= np.isnan(cell) & default_right.take(node)
            reached = left.take(node) + right
            if np.array_equal(reached, node):
                return node
            node = reached

    def add(rows: np.ndarray, totals: np.ndarray) -> None:
        """In tree order, because sums of floats depend on it."""
        reached = leaves(rows)
        if len(rows) <= FEW_ROWS and value.dtype == totals.dtype:
            if value.shape[1] > 1:
                totals[:] = _one_after_the_other(totals, value[reached])
            else:
                for output, places in enumerate(trees_of):
                    values = value[reached[places], 0]
                    totals[:, output] = _one_after_the_other(totals[:, output], values)
            return
        for tree, leaf in enumerate(reached):
            if value.shape[1] > 1:
                totals += value[leaf]
            else:
                totals[:, group[tree]] += value[leaf, 0]

    return add


def _one_after_the_other(start: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The sum of start and of all values (n_values, ...), each added to what those before it made."""
    return np.add.accumulate(np.concatenate([start[np.newaxis], values]))[-1]


def _check_shape(name: str, array: np.ndarray, expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise ValueError(f"Array {name!r} has shape {array.shape} instead of {expected}.")


def _check_trees(
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    default_left: np.ndarray,
    root: np.ndarray,
    value: np.ndarray,
    group: np.ndarray,
    n_features: int,
    n_outputs: int,
) -> None:
    """Refuse trees whose walk would leave an array or never end, because the file may come from anywhere."""
    nodes = len(feature)
    shapes = {array.shape for array in (feature, threshold, left, default_left)}
    if (
        shapes != {(nodes,)}
        or len(value) != nodes
        or nodes == 0
        or group.shape != root.shape
        or root.ndim != 1
    ):
        raise ValueError("The arrays of the trees do not have the same length.")
    if not all(array.dtype.kind in "iu" for array in (feature, left, root, group)):
        raise ValueError("An index array of the trees does not contain integers.")
    if value.ndim != 2 or value.shape[1] not in (1, n_outputs):
        raise ValueError(f"The leaves have values of shape {value.shape}.")
    if len(root) == 0 or root[0] != 0 or (np.diff(root) <= 0).any() or root[-1] >= nodes:
        raise ValueError("The roots of the trees are not in ascending order.")
    if feature.min() < 0 or feature.max() >= n_features:
        raise ValueError(f"A split names a feature outside 0 to {n_features - 1}.")
    if group.min() < 0 or group.max() >= n_outputs:
        raise ValueError(f"A tree adds to an output outside 0 to {n_outputs - 1}.")
    root = root.astype(np.int64)
    ends = np.append(root[1:], nodes)
    for start in range(0, nodes, NODES_AT_A_TIME):  # as they may be more than fit into memory twice
        stop = min(start + NODES_AT_A_TIME, nodes)
        some, here = slice(start, stop), np.arange(start, stop)
        tree, next_tree = root.searchsorted((start + 1, stop)) - (
            1,
            0,
        )  # of the first node, and after the last
        begins = root[tree:next_tree] - start
        begins[0] = 0
        leaf = left[some] == here
        reached = np.where(leaf, here, left[some].astype(np.int64) + 1)  # the later of the two siblings
        ending = ends[tree:next_tree]
        if (left[some] < here).any() or (np.maximum.reduceat(reached, begins) >= ending).any():
            raise ValueError("A split leads out of its tree.")
        if (leaf & ((threshold[some] != np.inf) | (default_left[some] != 1))).any():
            raise ValueError("A leaf does not lead to itself.")
