"""The scikit-learn pipeline of an algorithm: preprocessing and estimator, fitted together in every fold."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler, TargetEncoder

from tabular.data.values.dates import date_parts
from tabular.spec import own_steps
from tabular.spec.algorithms import build
from tabular.spec.columns import Schema

__all__ = [
    "FEW_LEVELS",
    "MANY_LEVELS",
    "LogarithmicTarget",
    "OtherTarget",
    "StandardisedTarget",
    "build_estimator",
    "build_features",
    "build_pipeline",
    "decide_levels",
    "exponential",
    "fit_features",
    "innermost",
    "logarithm",
]

FEW_LEVELS = 20  # of a category: up to as many, each has a feature of its own
ROWS_OF_A_LEVEL = 20  # on average, from which on the target tells something about a level
MANY_LEVELS = "many_levels"  # the name of the step that encodes levels by the target
TARGET_TYPES = {"binary": "binary", "multiclass": "multiclass", "regression": "continuous"}
CROSS_FITTING = 5  # folds


def build_pipeline(
    schema: Schema, algorithm: str, hyperparameters: Mapping[str, str], random_state: int
) -> Pipeline:
    """The unfitted pipeline: `features` first, `estimator` last.

    Raises:
        BadInput: if an algorithm or hyperparameter is unknown, or a value is outside its range.
    """
    estimator = build_estimator(schema, algorithm, hyperparameters, random_state)
    known = own_steps.algorithms()[algorithm]
    sparse = known.estimators[schema.family].sparse
    # LightGBM rejects special characters in feature names, so the features have no names from here on.
    return Pipeline(
        [*build_features(schema, known.standardise, sparse, random_state).steps, ("estimator", estimator)]
    )


def build_estimator(
    schema: Schema, algorithm: str, hyperparameters: Mapping[str, str], random_state: int
) -> Any:
    """The unfitted estimator of an algorithm.

    It predicts the target itself, even if it learns the logarithm, as the options may say, or the
    standardised target, as the algorithm's row may say.

    Raises:
        BadInput: if an algorithm or hyperparameter is unknown, or a value is outside its range.
    """
    known = own_steps.algorithms()
    estimator = build(algorithm, schema.family, hyperparameters, random_state, known, len(schema.columns))
    if schema.family == "regression" and known[algorithm].estimators["regression"].standardise_target:
        estimator = StandardisedTarget(estimator)
    return LogarithmicTarget(estimator) if schema.options.log_target else estimator


def build_features(schema: Schema, standardise: bool, sparse: bool, random_state: int) -> Pipeline:
    """The unfitted steps before the estimator, which depend on nothing else of an algorithm.

    Trees get numbers as they are, with NaN for empty cells, which all three libraries handle themselves. The
    other estimators get numbers imputed and scaled. A date becomes its day number, month and weekday, and
    hour and minute if it has a time. A level of a category becomes a feature of its own, or, if the category
    has many levels, the mean of the target over its rows.

    Args:
        schema: the schema of the columns.
        standardise: whether to impute and scale.
        sparse: whether the features may be a sparse matrix.
        random_state: the seed of the rows from which the means of levels are computed.
    """
    numeric, booleans = schema.of_kind("numeric"), schema.of_kind("boolean")
    categorical = schema.of_kind("categorical")
    timed = [bool(column.time) for column in schema.columns if column.kind == "date"]
    parts = ("parts", FunctionTransformer(date_parts, kw_args={"timed": timed}))
    if standardise:
        # keep_empty_features: a column that is empty in a fold keeps its place.
        impute = ("impute", SimpleImputer(strategy="median", keep_empty_features=True))
        scale = ("scale", StandardScaler())
        numeric_steps, date_steps = Pipeline([impute, scale]), Pipeline([parts, impute, scale])
        boolean_steps = SimpleImputer(strategy="most_frequent", keep_empty_features=True)
    else:
        numeric_steps = boolean_steps = "passthrough"
        date_steps = Pipeline([parts])
    splitter = KFold(CROSS_FITTING, shuffle=True, random_state=random_state)
    by_target: Any = TargetEncoder(target_type=TARGET_TYPES[schema.task], cv=splitter)
    if standardise:
        by_target = Pipeline([("encode", by_target), ("scale", StandardScaler())])
    by_level = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=FEW_LEVELS, sparse_output=sparse
    )
    transformers: list[tuple[str, Any, Any]] = [
        ("numeric", numeric_steps, numeric),
        ("boolean", boolean_steps, booleans),
        ("date", date_steps, schema.of_kind("date")),
    ]
    if categorical:  # how many levels a column has is known only when it is fitted
        of_levels = (categorical, len(schema.classes))
        transformers.append((MANY_LEVELS, by_target, partial(many_levels, *of_levels)))
        transformers.append(("few_levels", by_level, partial(few_levels, *of_levels)))
    used = [(name, steps, columns) for name, steps, columns in transformers if columns]
    features = ColumnTransformer(used, sparse_threshold=0.3 if sparse else 0.0)
    steps: list[tuple[str, Any]] = [("features", features)]
    if standardise:
        # NumPy sums a row in an order that depends on the memory layout, which differs between data frames.
        # Naive Bayes magnifies the difference if a column is nearly constant.
        steps.append(("in_rows", FunctionTransformer(in_rows, accept_sparse=True)))
    return Pipeline(steps)


def fit_features(
    steps: Pipeline, frame: pd.DataFrame, target: np.ndarray, groups: np.ndarray | None = None
) -> Any:
    """Fit the steps before the estimator, and return the features (n_rows, n_features) to fit it on.

    In these rows, a level's mean of the target is computed from other rows than the one that it is for (from
    other groups, if there are groups), so the estimator does not trust it more than it should.
    """
    encoders = {name: part for name, part, _ in steps.named_steps["features"].transformers}
    folds = 0 if groups is None else min(CROSS_FITTING, len(np.unique(groups)))
    if MANY_LEVELS not in encoders or folds < 2:
        return steps.fit_transform(frame, target)
    encoder = encoders[MANY_LEVELS]
    encoder = encoder.named_steps["encode"] if isinstance(encoder, Pipeline) else encoder
    encoder.set_params(cv=GroupKFold(folds, shuffle=True, random_state=encoder.cv.random_state))
    with config_context(enable_metadata_routing=True):
        return steps.fit_transform(frame, target, groups=groups)


def decide_levels(steps: Pipeline, frame: pd.DataFrame) -> None:
    """Decide by all training rows (n_rows, n_columns) which categories the target encodes in a fold.

    By its own rows, which are fewer, a fold would decide otherwise than the refit near `ROWS_OF_A_LEVEL`.
    """
    features = steps.named_steps["features"]
    features.transformers = [
        (name, part, columns(frame) if callable(columns) else columns)
        for name, part, columns in features.transformers
    ]


def in_rows(features: Any) -> Any:
    """Features in a row-by-row memory layout."""
    return features if issparse(features) else np.ascontiguousarray(features)


def many_levels(columns: Sequence[str], n_classes: int, frame: pd.DataFrame) -> list[str]:
    """The categories of a frame that are encoded by the target.

    They have more than `FEW_LEVELS` levels. An ID, of which each level has a few rows only, is not among
    them: what its levels say about the target is mostly chance. With three or more classes, the encoding
    takes a feature for each, so a table with many classes has none of them.
    """
    if n_classes > FEW_LEVELS:
        return []
    found = {name: frame[name].nunique() for name in columns}
    return [name for name, n in found.items() if FEW_LEVELS < n <= len(frame) / ROWS_OF_A_LEVEL]


def few_levels(columns: Sequence[str], n_classes: int, frame: pd.DataFrame) -> list[str]:
    """The other categories; of those with many levels, the rare ones share a feature."""
    many = set(many_levels(columns, n_classes, frame))
    return [name for name in columns if name not in many]


class OtherTarget(RegressorMixin, BaseEstimator):
    """A regressor that learns the target in another form and predicts the target itself.

    Unlike scikit-learn's TransformedTargetRegressor, it can also be fitted round by round. Like a Pipeline,
    it fits the regressor that it is given, and not a copy.
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, features: Any, target: np.ndarray, **arguments: Any) -> "OtherTarget":
        """Fit the regressor; further arguments are passed to its `fit`."""
        self.prepare(target)
        self.regressor_ = self.regressor.fit(features, self.learnt(target), **arguments)
        return self

    def partial_fit(self, features: Any, target: np.ndarray, **arguments: Any) -> "OtherTarget":
        """Fit the regressor for one more round; the form is that of the first round's target."""
        if not hasattr(self, "regressor_"):
            self.prepare(target)
        self.regressor_ = self.regressor.partial_fit(features, self.learnt(target), **arguments)
        return self

    def predict(self, features: Any) -> np.ndarray:
        """The target itself (n_rows,)."""
        return self.target(self.regressor_.predict(features))

    def prepare(self, target: np.ndarray) -> None:
        """Find out from the target (n_rows,) what the form depends on."""

    def learnt(self, target: np.ndarray) -> np.ndarray:
        """What the regressor learns (n_rows,)."""
        raise NotImplementedError

    def target(self, learnt: np.ndarray) -> np.ndarray:
        """The inverse of `learnt`."""
        raise NotImplementedError


def innermost(estimator: Any) -> Any:
    """The estimator whose settings count, which may learn the target in another form."""
    while isinstance(estimator, OtherTarget):
        estimator = estimator.regressor
    return estimator


class LogarithmicTarget(OtherTarget):
    """Learns the logarithm of the target."""

    def learnt(self, target: np.ndarray) -> np.ndarray:
        """The logarithm."""
        return logarithm(target)

    def target(self, learnt: np.ndarray) -> np.ndarray:
        """The target itself."""
        return exponential(learnt)


class StandardisedTarget(OtherTarget):
    """Learns the target with a mean of zero and a standard deviation of one.

    Attributes:
        mean_: The mean of the target.
        scale_: Its standard deviation, or one if all targets are equal.
    """

    def prepare(self, target: np.ndarray) -> None:
        """Measure the target."""
        spread = float(np.std(target))
        self.mean_, self.scale_ = float(np.mean(target)), spread if spread > 0 else 1.0

    def learnt(self, target: np.ndarray) -> np.ndarray:
        """The standardised target."""
        return (target - self.mean_) / self.scale_

    def target(self, learnt: np.ndarray) -> np.ndarray:
        """The target itself, in its unit."""
        return self.mean_ + self.scale_ * learnt


def logarithm(target: np.ndarray) -> np.ndarray:
    """The logarithm of one plus the target, which a model learns instead of the target."""
    return np.log1p(target)


def exponential(predicted: np.ndarray) -> np.ndarray:
    """The inverse of `logarithm`, in double precision whatever the precision of the estimator."""
    return np.expm1(np.asarray(predicted, dtype=np.float64))
