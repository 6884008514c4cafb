"""The competing algorithms as a table of data: estimators, hyperparameters, ranges and defaults.

The command line, the validation, the tuning ranges and the documentation all come from this table.
Importing it does not import any machine-learning library, so a notebook can read it, too.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, get_args

from tabular.spec.columns import Family
from tabular.spec.errors import BadInput, unknown
from tabular.spec.trial import check_hyperparameter_name

__all__ = [
    "ALGORITHMS",
    "EXPORTERS",
    "WIDE",
    "Algorithm",
    "Boosting",
    "Categorical",
    "Continuous",
    "Estimator",
    "Exporter",
    "Family",
    "Integer",
    "Rounds",
    "build",
    "exporter_of",
]

WIDE = 1000  # columns

Scale = Literal["Linear", "Logarithmic"]
# How fitted estimators are made portable: tabular.portable.export has a function for each.
Exporter = Literal[
    "forest", "gaussian_naive_bayes", "lightgbm", "linear", "logistic", "perceptron", "xgboost"
]
EXPORTERS: tuple[Exporter, ...] = get_args(Exporter)


@dataclass(frozen=True)
class Integer:
    """An integer from `low` to `high`, both included."""

    low: int
    high: int
    default: int
    scale: Scale = "Linear"

    def parse(self, text: str) -> int:
        """The value of a hyperparameter that SageMaker passes as text."""
        return _parse(int, "an integer", self, text)


@dataclass(frozen=True)
class Continuous:
    """A real number from `low` to `high`, both included."""

    low: float
    high: float
    default: float
    scale: Scale = "Linear"

    def parse(self, text: str) -> float:
        """The value of a hyperparameter that SageMaker passes as text."""
        return _parse(float, "a number", self, text)


@dataclass(frozen=True)
class Categorical:
    """One of a few names; `values` maps each name to the value that the estimator gets."""

    values: Mapping[str, Any]
    default: str

    def parse(self, text: str) -> Any:
        """The value of a hyperparameter that SageMaker passes as text."""
        if text not in self.values:
            raise unknown("value", text, self.values)
        return self.values[text]


@dataclass(frozen=True)
class Boosting:
    """How the trees of a booster are counted, and how many are enough.

    `settings` are passed to the booster in cross-validation. They end the training if the loss on the rows
    that a fold is scored on has not improved for a while. `fit_arguments` turns the features, the target and
    a list of weights (None: no weights) of these rows into further arguments of `fit`. `trained` is the
    number of rounds of a fitted booster. `shorten` makes it predict with its first rounds only.
    """

    settings: Mapping[str, Any]
    fit_arguments: Callable[[Any, Any, list[Any] | None], dict[str, Any]]
    trained: Callable[[Any], int]
    shorten: Callable[[Any, int], None]


@dataclass(frozen=True)
class Rounds:
    """An estimator is fitted in rounds (trees, epochs), whose best number is found by cross-validation.

    `argument` is the estimator's name for the number of rounds, and `most` is the largest number that is
    tried. Without `boosting`, each call of the estimator's `partial_fit` is one round.
    """

    argument: str
    most: int
    boosting: Boosting | None = None


@dataclass(frozen=True)
class Estimator:
    """A class compatible with scikit-learn, its fixed arguments and the hyperparameters to tune.

    `exporter` says how a fitted estimator is made portable. Without it, the exporter is taken from the
    project's own row for the same class, if there is one. `sparse` says whether its features may be a sparse
    matrix, in which a cell that is not stored is zero, and not missing. `wide` turns the arguments into those
    to change for a table with more than `WIDE` columns.

    Raises:
        BadInput: if the name of a hyperparameter is reserved, or if the exporter is unknown.
    """

    path: str
    hyperparameters: Mapping[str, Integer | Continuous | Categorical]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = True
    threaded: bool = False
    rounds: Rounds | None = None
    exporter: Exporter | None = None
    sparse: bool = False
    wide: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        for name in self.hyperparameters:
            check_hyperparameter_name(name)
        if self.exporter is not None and self.exporter not in EXPORTERS:
            raise unknown("exporter", self.exporter, EXPORTERS)


@dataclass(frozen=True)
class Algorithm:
    """A competing algorithm; `standardise` says whether its features are imputed and scaled first."""

    name: str
    standardise: bool
    estimators: Mapping[Family, Estimator]


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
}
# LightGBM ignores subsample unless subsample_freq is set; the last two settings make it reproducible.
_LIGHTGBM_FIXED = {"subsample_freq": 1, "verbose": -1, "deterministic": True, "force_row_wise": True}
_XGBOOST_FIXED = {"tree_method": "hist", "verbosity": 1}


ENOUGH = 50  # trees after the one with the least loss


def _eval_set(features: Any, target: Any, weights: list[Any] | None) -> dict[str, Any]:
    return {"eval_set": [(features, target)], "sample_weight_eval_set": weights, "verbose": False}


def _eval_x(features: Any, target: Any, weights: list[Any] | None) -> dict[str, Any]:
    rows = {"eval_X": features, "eval_y": target, "eval_sample_weight": weights}
    return {**rows, "callbacks": [_LightGBMStops()]}


class _LightGBMStops:
    """A callback that stops LightGBM like early_stopping_rounds, but keeps the trees after the best one."""

    order = 30  # after the callbacks that note the losses

    def __init__(self) -> None:
        self.best, self.since = math.inf, 0

    def __call__(self, environment: Any) -> None:
        loss = environment.evaluation_result_list[0][2]
        self.best, self.since = (loss, 0) if loss < self.best else (self.best, self.since + 1)
        if self.since >= ENOUGH:
            stop = import_module("lightgbm.callback").EarlyStopException
            raise stop(environment.iteration, environment.evaluation_result_list)


def _few_bins(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A quarter of the bins, which takes a third of the time and loses nothing if columns are many."""
    return {"max_bin": 63}


def _few_features(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A share of 1,000 features at each split: more trees are worth more than more features."""
    return {"max_features": max(1, round(arguments["max_features"] * WIDE))}


def _xgboost_trained(fitted: Any) -> int:
    return fitted.get_booster().num_boosted_rounds()


def _xgboost_shorten(fitted: Any, rounds: int) -> None:
    fitted.get_booster().set_attr(best_iteration=str(rounds - 1))


def _lightgbm_trained(fitted: Any) -> int:
    return fitted.booster_.current_iteration()


def _lightgbm_shorten(fitted: Any, rounds: int) -> None:
    fitted.booster_.best_iteration = rounds


_EPOCHS = Rounds("max_iter", most=500)
_XGBOOST_ROUNDS = Rounds(
    "n_estimators",
    most=1000,
    boosting=Boosting({"early_stopping_rounds": ENOUGH}, _eval_set, _xgboost_trained, _xgboost_shorten),
)
_LIGHTGBM_ROUNDS = Rounds(
    "n_estimators", most=1000, boosting=Boosting({}, _eval_x, _lightgbm_trained, _lightgbm_shorten)
)

_TABLE = (
    Algorithm(
        "RandomForest",
        standardise=False,
        estimators={
            "classification": Estimator(
                "sklearn.ensemble.RandomForestClassifier",
                _FOREST,
                threaded=True,
                exporter="forest",
                wide=_few_features,
            ),
            "regression": Estimator(
                "sklearn.ensemble.RandomForestRegressor",
                _FOREST,
                threaded=True,
                exporter="forest",
                wide=_few_features,
            ),
        },
    ),
    Algorithm(
        "NeuralNet",
        standardise=True,
        estimators={
            "classification": Estimator(
                "sklearn.neural_network.MLPClassifier",
                _NETWORK,
                rounds=_EPOCHS,
                exporter="perceptron",
                sparse=True,
            ),
            "regression": Estimator(
                "sklearn.neural_network.MLPRegressor",
                _NETWORK,
                rounds=_EPOCHS,
                exporter="perceptron",
                sparse=True,
            ),
        },
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
        estimators={
            "classification": Estimator(
                "xgboost.XGBClassifier",
                _XGBOOST,
                _XGBOOST_FIXED,
                threaded=True,
                rounds=_XGBOOST_ROUNDS,
                exporter="xgboost",
                wide=_few_bins,
            ),
            "regression": Estimator(
                "xgboost.XGBRegressor",
                _XGBOOST,
                _XGBOOST_FIXED,
                threaded=True,
                rounds=_XGBOOST_ROUNDS,
                exporter="xgboost",
                wide=_few_bins,
            ),
        },
    ),
    Algorithm(
        "LightGBM",
        standardise=False,
        estimators={
            "classification": Estimator(
                "lightgbm.LGBMClassifier",
                _LIGHTGBM,
                _LIGHTGBM_FIXED,
                threaded=True,
                rounds=_LIGHTGBM_ROUNDS,
                exporter="lightgbm",
                wide=_few_bins,
            ),
            "regression": Estimator(
                "lightgbm.LGBMRegressor",
                _LIGHTGBM,
                _LIGHTGBM_FIXED,
                threaded=True,
                rounds=_LIGHTGBM_ROUNDS,
                exporter="lightgbm",
                wide=_few_bins,
            ),
        },
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


def _parse(kind: Callable[[str], Any], what: str, allowed: Integer | Continuous, text: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = math.nan  # outside every range
    if not allowed.low <= value <= allowed.high:
        raise ValueError(f"it must be {what} from {allowed.low} to {allowed.high}.")
    return value
