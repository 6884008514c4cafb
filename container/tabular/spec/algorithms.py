"""The competing algorithms as a table of data: estimators, hyperparameters, ranges and defaults.

The command line, the validation, the tuning ranges and the documentation all come from this table.
Importing it does not import any machine-learning library, so a notebook can read it, too.
"""

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from tabular.spec.columns import Family
from tabular.spec.errors import BadInput, unknown
from tabular.spec.estimators import (
    Algorithm,
    Categorical,
    Continuous,
    Estimator,
    Exporter,
    Integer,
    Rounds,
)

__all__ = ["ALGORITHMS", "WIDE", "build", "exporter_of"]

WIDE = 1000  # columns

_FOREST = {
    "n_estimators": Integer(50, 300, default=100),
    "max_depth": Integer(2, 32, default=16, scale="Logarithmic"),
    "min_samples_split": Integer(2, 20, default=2),
    "min_samples_leaf": Integer(1, 20, default=1, scale="Logarithmic"),
    "max_features": Continuous(0.05, 1.0, default=0.2, scale="Logarithmic"),
}
_NETWORK = {
    "hidden_layer_sizes": Categorical(
        {"16": (16,), "32": (32,), "64": (64,), "128": (128,), "32-16": (32, 16), "64-32": (64, 32)},
        default="64",
    ),
    "activation": Categorical({"relu": "relu", "tanh": "tanh"}, default="relu"),
    "alpha": Continuous(1e-6, 10.0, default=1e-4, scale="Logarithmic"),
    "learning_rate_init": Continuous(1e-4, 1e-1, default=1e-3, scale="Logarithmic"),
}
_XGBOOST = {
    "max_depth": Integer(2, 10, default=6),
    "learning_rate": Continuous(2e-2, 0.5, default=0.1, scale="Logarithmic"),
    "min_child_weight": Continuous(0.1, 10.0, default=1.0, scale="Logarithmic"),
    "subsample": Continuous(0.5, 1.0, default=1.0),
    "colsample_bytree": Continuous(0.3, 1.0, default=1.0),
    "reg_lambda": Continuous(1e-3, 100.0, default=1.0, scale="Logarithmic"),
}
_LIGHTGBM = {
    "num_leaves": Integer(4, 128, default=31, scale="Logarithmic"),
    "learning_rate": Continuous(2e-2, 0.5, default=0.1, scale="Logarithmic"),
    "min_child_samples": Integer(2, 50, default=20, scale="Logarithmic"),
    "subsample": Continuous(0.5, 1.0, default=1.0),
    "colsample_bytree": Continuous(0.3, 1.0, default=1.0),
    "reg_lambda": Continuous(1e-3, 100.0, default=1e-3, scale="Logarithmic"),
    "extra_trees": Categorical({"false": False, "true": True}, default="false"),
}
# LightGBM ignores subsample unless subsample_freq is set; the last two settings make it reproducible.
_LIGHTGBM_FIXED = {"subsample_freq": 1, "verbose": -1, "deterministic": True, "force_row_wise": True}
_XGBOOST_FIXED = {"tree_method": "hist", "verbosity": 1}


def _few_bins(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A quarter of the bins, which takes a third of the time and loses nothing if columns are many."""
    return {"max_bin": 63}


def _few_features(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A share of 1,000 features at each split: more trees are worth more than more features."""
    return {"max_features": max(1, round(arguments["max_features"] * WIDE))}


def _pair(
    classifier: str,
    regressor: str,
    hyperparameters: Mapping[str, Integer | Continuous | Categorical],
    fixed: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[Family, Estimator]:
    """The two classes of one algorithm, which differ in nothing else."""
    paths: dict[Family, str] = {"classification": classifier, "regression": regressor}
    return {family: Estimator(path, hyperparameters, fixed or {}, **more) for family, path in paths.items()}


_TABLE = (
    Algorithm(
        "RandomForest",
        standardise=False,
        estimators=_pair(
            "sklearn.ensemble.RandomForestClassifier",
            "sklearn.ensemble.RandomForestRegressor",
            _FOREST,
            threaded=True,
            exporter="forest",
            wide=_few_features,
        ),
    ),
    Algorithm(
        "NeuralNet",
        standardise=True,
        estimators=_pair(
            "sklearn.neural_network.MLPClassifier",
            "sklearn.neural_network.MLPRegressor",
            _NETWORK,
            rounds=Rounds("max_iter", most=500),
            exporter="perceptron",
            sparse=True,
            standardise_target=True,
        ),
    ),
    Algorithm(
        "LogisticRegression",
        standardise=True,
        estimators={
            "classification": Estimator(
                "sklearn.linear_model.LogisticRegression",
                {"C": Continuous(1e-4, 1e3, default=1.0, scale="Logarithmic")},
                {"max_iter": 1000},
                exporter="logistic",
                sparse=True,
            ),
            "regression": Estimator(
                "sklearn.linear_model.Ridge",
                {"alpha": Continuous(1e-4, 1e4, default=1.0, scale="Logarithmic")},
                exporter="linear",
            ),
        },
    ),
    Algorithm(
        "NaiveBayes",
        standardise=True,
        estimators={
            "classification": Estimator(
                "sklearn.naive_bayes.GaussianNB",
                {"var_smoothing": Continuous(1e-12, 1.0, default=1e-9, scale="Logarithmic")},
                seeded=False,
                exporter="gaussian_naive_bayes",
            ),
            "regression": Estimator(
                "sklearn.linear_model.BayesianRidge",
                {
                    "alpha_1": Continuous(1e-8, 1.0, default=1e-6, scale="Logarithmic"),
                    "lambda_1": Continuous(1e-8, 1.0, default=1e-6, scale="Logarithmic"),
                },
                seeded=False,
                exporter="linear",
            ),
        },
    ),
    Algorithm(
        "XGBoost",
        standardise=False,
        estimators=_pair(
            "xgboost.XGBClassifier",
            "xgboost.XGBRegressor",
            _XGBOOST,
            _XGBOOST_FIXED,
            threaded=True,
            rounds=Rounds("n_estimators", most=1000, booster="xgboost"),
            exporter="xgboost",
            wide=_few_bins,
        ),
    ),
    Algorithm(
        "LightGBM",
        standardise=False,
        estimators=_pair(
            "lightgbm.LGBMClassifier",
            "lightgbm.LGBMRegressor",
            _LIGHTGBM,
            _LIGHTGBM_FIXED,
            threaded=True,
            rounds=Rounds("n_estimators", most=1000, booster="lightgbm"),
            exporter="lightgbm",
            wide=_few_bins,
        ),
    ),
)
ALGORITHMS: Mapping[str, Algorithm] = {algorithm.name: algorithm for algorithm in _TABLE}


def build(
    name: str,
    family: Family,
    hyperparameters: Mapping[str, str],
    random_state: int,
    known: Mapping[str, Algorithm] = ALGORITHMS,
    columns: int = 1,
) -> Any:
    """The unfitted estimator of one of the known algorithms, with defaults for what is not given.

    `columns` is the number of columns of the table.

    Raises:
        BadInput: if an algorithm or hyperparameter is unknown, or a value is outside its range.
    """
    if name not in known:
        raise unknown("algorithm", name, known)
    if family not in known[name].estimators:
        raise BadInput(f"The algorithm {name} has no estimator for {family}; leave it out of the tuning.")
    estimator = known[name].estimators[family]
    for given in hyperparameters:
        if given not in estimator.hyperparameters:
            raise unknown(f"hyperparameter of {name}", given, estimator.hyperparameters)
    arguments = dict(estimator.fixed)
    for key, allowed in estimator.hyperparameters.items():
        text = hyperparameters.get(key, str(allowed.default))
        try:
            arguments[key] = allowed.parse(text)
        except ValueError as error:
            raise BadInput(f"Hyperparameter {key} of {name} is {text!r}: {error}") from None
    if estimator.wide and columns > WIDE:
        arguments |= estimator.wide(arguments)
    if estimator.seeded:
        arguments["random_state"] = random_state
    if estimator.threaded:
        arguments["n_jobs"] = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    module, _, class_name = estimator.path.rpartition(".")
    return getattr(import_module(module), class_name)(**arguments)


def exporter_of(name: str, family: Family, known: Mapping[str, Algorithm] = ALGORITHMS) -> Exporter | None:
    """The exporter for one of the known algorithms; None if no row names one for its class."""
    estimator = known[name].estimators[family]
    ours = [one for algorithm in ALGORITHMS.values() for one in algorithm.estimators.values()]
    return next(
        (one.exporter for one in (estimator, *ours) if one.path == estimator.path and one.exporter), None
    )
