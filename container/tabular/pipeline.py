"""The scikit-learn pipeline of one algorithm: preprocessing and estimator, fitted together in every fold."""

from collections.abc import Mapping

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tabular.algorithms import ALGORITHMS, build
from tabular.schema import Schema

__all__ = ["build_pipeline"]

MAX_LEVELS = 50  # of one category; rarer levels share a column


def build_pipeline(
    schema: Schema, algorithm: str, hyperparameters: Mapping[str, str], random_state: int
) -> Pipeline:
    """The unfitted pipeline: `features`, then `estimator`.

    Trees get numbers as they are, with NaN where a cell is empty, which all three libraries handle
    themselves; the others get them imputed and scaled.

    Raises:
        BadInput: an unknown algorithm or hyperparameter, or a value outside its range.
    """
    estimator = build(algorithm, schema.family, hyperparameters, random_state)
    numeric, booleans = schema.of_kind("numeric"), schema.of_kind("boolean")
    categorical = schema.of_kind("categorical")
    if ALGORITHMS[algorithm].standardise:
        # keep_empty_features: a fold in which a column is empty keeps its place.
        numeric_steps = Pipeline(
            [
                ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
                ("scale", StandardScaler()),
            ]
        )
        boolean_steps = SimpleImputer(strategy="most_frequent", keep_empty_features=True)
    else:
        numeric_steps = boolean_steps = "passthrough"
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MAX_LEVELS, sparse_output=False
    )
    transformers = [
        ("numeric", numeric_steps, numeric),
        ("boolean", boolean_steps, booleans),
        ("categorical", encoder, categorical),
    ]
    used = [(name, steps, columns) for name, steps, columns in transformers if columns]
    # LightGBM accepts no special characters in feature names, so the columns carry none further.
    return Pipeline([("features", ColumnTransformer(used, sparse_threshold=0.0)), ("estimator", estimator)])
