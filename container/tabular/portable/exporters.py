"""A fitted estimator as settings and arrays: an exporter for each family of estimators."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tabular.spec.errors import BadInput
from tabular.spec.estimators import Exporter

__all__ = ["EXPORTERS", "NotPortable", "Parts"]

Parts = tuple[dict[str, Any], dict[str, np.ndarray]]


class NotPortable(BadInput):
    """A fitted estimator that the portable format cannot store; the message says which, and what to do."""


def _pack(
    trees: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
    group: Iterable[int],
    base: np.ndarray,
) -> dict[str, np.ndarray]:
    """Lay out the trees one after another: breadth first, siblings adjacent, leaves leading to themselves.

    Each tree consists of its split features, thresholds, left and right children (negative at a leaf),
    whether a missing value goes left, and its values (n_nodes, n_values).
    """
    parts: list[tuple[np.ndarray, ...]] = []
    roots, offset = [], 0
    for feature, threshold, left, right, default_left, value in trees:
        order, place = [0], {0: 0}
        for node in order:  # the list grows during the loop
            if left[node] >= 0:
                for child in (left[node], right[node]):
                    place[child] = len(order)
                    order.append(child)
        leaf = left[order] < 0
        target = [offset + (i if leaf[i] else place[left[node]]) for i, node in enumerate(order)]
        parts.append(
            (
                np.where(leaf, 0, feature[order]).astype(np.int32),
                np.where(leaf, np.inf, threshold[order]).astype(threshold.dtype),
                np.array(target, dtype=np.int32),
                np.where(leaf, 1, default_left[order]).astype(np.uint8),
                value[order],
            )
        )
        roots.append(offset)
        offset += len(order)
    names = ("feature", "threshold", "left", "default_left", "value")
    arrays = {
        name: np.concatenate(columns) for name, columns in zip(names, zip(*parts, strict=True), strict=True)
    }
    return {
        **arrays,
        "root": np.array(roots, dtype=np.int32),
        "group": np.array(list(group), dtype=np.int32),
        "base": base,
    }


def _forest(estimator: Any) -> Parts:
    outputs = int(getattr(estimator, "n_classes_", 1))
    trees = []
    for member in estimator.estimators_:
        tree = member.tree_
        trees.append(
            (
                tree.feature,
                tree.threshold,
                tree.children_left,
                tree.children_right,
                tree.missing_go_to_left,
                tree.value[:, 0, :],
            )
        )
    link = "shares" if hasattr(estimator, "classes_") else "identity"
    settings = {"kind": "trees", "precision": "float32", "average": True, "link": link, "outputs": outputs}
    return settings, _pack(trees, [0] * len(trees), np.zeros(outputs))


def _xgboost(estimator: Any) -> Parts:
    fitted = estimator.get_booster()
    best = fitted.attr("best_iteration")
    if best is not None:  # stopped early, so later trees are not used
        fitted = fitted[: int(best) + 1]
    learner = json.loads(fitted.save_raw("json"))["learner"]
    booster, parameters = learner["gradient_booster"], learner["learner_model_param"]
    objective = learner["objective"]["name"]
    links = {
        "binary:logistic": "logistic_single",
        "multi:softprob": "softmax_single",
        "reg:squarederror": "identity",
    }
    if booster["name"] != "gbtree" or objective not in links:
        raise NotPortable(f"XGBoost's {booster['name']} with {objective} cannot be made portable.")
    outputs = max(1, int(parameters["num_class"]))
    base = np.atleast_1d(np.array(json.loads(parameters["base_score"]), dtype=np.float32))
    if objective == "binary:logistic":  # stored as a probability but added as a logit
        base = -np.log(np.float32(1) / base - np.float32(1))
    trees = []
    for tree in booster["model"]["trees"]:
        if tree.get("categories"):
            raise NotPortable("XGBoost's categorical splits cannot be made portable.")
        condition = np.array(tree["split_conditions"], dtype=np.float32)
        trees.append(
            (
                np.array(tree["split_indices"]),
                np.nextafter(condition, np.float32(-np.inf)),  # XGBoost tests x < t, the layout x <= t
                np.array(tree["left_children"]),
                np.array(tree["right_children"]),
                np.array(tree["default_left"]),
                condition[:, None],  # a leaf stores its value in the place of a threshold
            )
        )
    settings = {
        "kind": "trees",
        "precision": "float32",
        "average": False,
        "link": links[objective],
        "outputs": outputs,
    }
    return settings, _pack(trees, booster["model"]["tree_info"], np.broadcast_to(base, (outputs,)).copy())


def _lightgbm(estimator: Any) -> Parts:
    model = estimator.booster_.dump_model()
    objective = str(model["objective"])
    links = {"binary sigmoid:1": "logistic", "regression": "identity"}
    link = "softmax" if objective.startswith("multiclass ") else links.get(objective)
    if link is None or model["average_output"]:
        raise NotPortable(f"LightGBM's objective {objective!r} cannot be made portable.")
    outputs = int(model["num_tree_per_iteration"])
    trees = [_lightgbm_tree(tree["tree_structure"]) for tree in model["tree_info"]]
    group = [index % outputs for index in range(len(trees))]
    settings = {"kind": "trees", "precision": "float64", "average": False, "link": link, "outputs": outputs}
    return settings, _pack(trees, group, np.zeros(outputs))


def _lightgbm_tree(structure: dict[str, Any]) -> tuple[np.ndarray, ...]:
    feature, threshold, left, right, default_left, value = [], [], [], [], [], []
    waiting: list[tuple[dict[str, Any], int, list[int]]] = [(structure, -1, left)]
    while waiting:
        node, parent, side = waiting.pop()
        index = len(feature)
        if parent >= 0:
            side[parent] = index
        split = "split_feature" in node
        if split and (node["decision_type"] != "<=" or node["missing_type"] == "Zero"):
            raise NotPortable("LightGBM's categorical splits and zero_as_missing cannot be made portable.")
        if "leaf_coeff" in node:
            raise NotPortable("LightGBM's linear trees cannot be made portable.")
        feature.append(node["split_feature"] if split else 0)
        threshold.append(node["threshold"] if split else 0.0)
        # If no value was missing in training, LightGBM reads a missing value as zero.
        missing_left = split and (
            node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
        )
        default_left.append(missing_left)
        value.append(0.0 if split else node["leaf_value"])
        left.append(-1)
        right.append(-1)
        if split:
            waiting.append((node["right_child"], index, right))
            waiting.append((node["left_child"], index, left))
    return (
        np.array(feature),
        np.array(threshold, dtype=np.float64),
        np.array(left),
        np.array(right),
        np.array(default_left),
        np.array(value, dtype=np.float64)[:, None],
    )


def _logistic_regression(estimator: Any) -> Parts:
    binary = len(estimator.classes_) == 2
    return _linear(estimator.coef_, estimator.intercept_, "logistic" if binary else "softmax")


def _linear_regression(estimator: Any) -> Parts:
    return _linear(np.atleast_2d(estimator.coef_), np.atleast_1d(estimator.intercept_), "identity")


def _linear(weights: np.ndarray, intercept: np.ndarray, link: str) -> Parts:
    arrays = {"weights": weights.T, "intercept": np.asarray(intercept, dtype=np.float64)}
    return {"kind": "linear", "link": link, "outputs": len(weights)}, arrays


def _gaussian_naive_bayes(estimator: Any) -> Parts:
    arrays = {"mean": estimator.theta_, "variance": estimator.var_, "prior": estimator.class_prior_}
    return {"kind": "naive_bayes", "outputs": len(estimator.theta_)}, arrays


def _perceptron(estimator: Any) -> Parts:
    if estimator.activation not in ("relu", "tanh"):
        raise NotPortable(f"The activation {estimator.activation!r} cannot be made portable.")
    arrays = {f"weights.{i}": weights for i, weights in enumerate(estimator.coefs_)}
    arrays |= {f"intercept.{i}": intercept for i, intercept in enumerate(estimator.intercepts_)}
    settings = {
        "kind": "neural_network",
        "activation": estimator.activation,
        "link": estimator.out_activation_,  # identity, logistic or softmax
        "layers": len(estimator.coefs_),
        "outputs": len(estimator.intercepts_[-1]),
    }
    return settings, arrays


# The key is the name that a row in the table of algorithms gives.
EXPORTERS: Mapping[Exporter, Callable[[Any], Parts]] = {
    "forest": _forest,
    "gaussian_naive_bayes": _gaussian_naive_bayes,
    "lightgbm": _lightgbm,
    "linear": _linear_regression,
    "logistic": _logistic_regression,
    "perceptron": _perceptron,
    "xgboost": _xgboost,
}
