"""How the trees of each booster are counted, and how many are enough."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tabular.spec.estimators import Booster

__all__ = ["BOOSTERS", "Boosting"]

ENOUGH = 50  # trees after the one with the least loss


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


def _xgboost_rows(features: Any, target: Any, weights: list[Any] | None) -> dict[str, Any]:
    return {"eval_set": [(features, target)], "sample_weight_eval_set": weights, "verbose": False}


def _lightgbm_rows(features: Any, target: Any, weights: list[Any] | None) -> dict[str, Any]:
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
            from lightgbm.callback import EarlyStopException  # loaded only if LightGBM is

            raise EarlyStopException(environment.iteration, environment.evaluation_result_list)


def _xgboost_trained(fitted: Any) -> int:
    return fitted.get_booster().num_boosted_rounds()


def _xgboost_shorten(fitted: Any, rounds: int) -> None:
    fitted.get_booster().set_attr(best_iteration=str(rounds - 1))


def _lightgbm_trained(fitted: Any) -> int:
    return fitted.booster_.current_iteration()


def _lightgbm_shorten(fitted: Any, rounds: int) -> None:
    fitted.booster_.best_iteration = rounds


BOOSTERS: Mapping[Booster, Boosting] = {
    "lightgbm": Boosting({}, _lightgbm_rows, _lightgbm_trained, _lightgbm_shorten),
    "xgboost": Boosting({"early_stopping_rounds": ENOUGH}, _xgboost_rows, _xgboost_trained, _xgboost_shorten),
}
