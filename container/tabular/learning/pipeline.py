"""The scikit-learn pipeline of an algorithm: preprocessing and estimator, fitted together in every fold."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from tabular.data.dates import date_parts
from tabular.spec import own_steps
from tabular.spec.algorithms import build
from tabular.spec.columns import Schema

__all__ = ["LogarithmicTarget", "build_pipeline", "exponential", "logarithm"]

MAX_LEVELS = 50  # per category; rarer levels share a column


def build_pipeline(
    schema: Schema, algorithm: str, hyperparameters: Mapping[str, str], random_state: int
) -> Pipeline:
    """The unfitted pipeline: `features` first, `estimator` last.

    Trees get numbers as they are, with NaN for empty cells, which all three libraries handle themselves. The
    other estimators get numbers imputed and scaled. A date becomes its day number, month and
    weekday, and hour and minute if it has a time. If the options say so, the estimator learns the logarithm
    of the target and predicts the target itself.

    Raises:
        BadInput: if an algorithm or hyperparameter is unknown, or a value is outside its range.
    """
    known = own_steps.algorithms()
    estimator = build(algorithm, schema.family, hyperparameters, random_state, known)
    if schema.options.log_target:
        estimator = LogarithmicTarget(estimator)
    numeric, booleans = schema.of_kind("numeric"), schema.of_kind("boolean")
    categorical = schema.of_kind("categorical")
    timed = [bool(column.time) for column in schema.columns if column.kind == "date"]
    parts = ("parts", FunctionTransformer(date_parts, kw_args={"timed": timed}))
    if known[algorithm].standardise:
        # keep_empty_features: a column that is empty in a fold keeps its place.
        impute = ("impute", SimpleImputer(strategy="median", keep_empty_features=True))
        scale = ("scale", StandardScaler())
        numeric_steps, date_steps = Pipeline([impute, scale]), Pipeline([parts, impute, scale])
        boolean_steps = SimpleImputer(strategy="most_frequent", keep_empty_features=True)
    else:
        numeric_steps = boolean_steps = "passthrough"
        date_steps = Pipeline([parts])
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MAX_LEVELS, sparse_output=False
    )
    transformers = [
        ("numeric", numeric_steps, numeric),
        ("boolean", boolean_steps, booleans),
        ("date", date_steps, schema.of_kind("date")),
        ("categorical", encoder, categorical),
    ]
    used = [(name, steps, columns) for name, steps, columns in transformers if columns]
    steps: list[tuple[str, Any]] = [("features", ColumnTransformer(used, sparse_threshold=0.0))]
    if known[algorithm].standardise:
        # NumPy sums a row in an order that depends on the memory layout, which differs between data frames.
        # Naive Bayes magnifies the difference if a column is nearly constant.
        steps.append(("in_rows", FunctionTransformer(np.ascontiguousarray)))
    # LightGBM rejects special characters in feature names, so the features have no names from here on.
    return Pipeline([*steps, ("estimator", estimator)])


class LogarithmicTarget(RegressorMixin, BaseEstimator):
    """A regressor that learns the logarithm of the target and predicts the target.

    Unlike scikit-learn's TransformedTargetRegressor, it can also be fitted round by round. Like a Pipeline,
    it fits the regressor that it is given, and not a copy.
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, features: Any, target: np.ndarray, **arguments: Any) -> "LogarithmicTarget":
        """Fit the regressor; further arguments are passed to its `fit`."""
        self.regressor_ = self.regressor.fit(features, logarithm(target), **arguments)
        return self

    def partial_fit(self, features: Any, target: np.ndarray, **arguments: Any) -> "LogarithmicTarget":
        """Fit the regressor for one more round."""
        self.regressor_ = self.regressor.partial_fit(features, logarithm(target), **arguments)
        return self

    def predict(self, features: Any) -> np.ndarray:
        """The target itself (n_rows,)."""
        return exponential(self.regressor_.predict(features))


def logarithm(target: np.ndarray) -> np.ndarray:
    """The logarithm of one plus the target, which a model learns instead of the target."""
    return np.log1p(target)


def exponential(predicted: np.ndarray) -> np.ndarray:
    """The inverse of `logarithm`, in double precision whatever the precision of the estimator."""
    return np.expm1(np.asarray(predicted, dtype=np.float64))
