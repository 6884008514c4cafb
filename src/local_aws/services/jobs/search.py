"""What a tuning job tries in trial number i, with the strategies Random, Grid and Bayesian.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
"""

import itertools
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from local_aws.core.errors import invalid, not_emulated
from local_aws.services.jobs.ranges import Ranges, sample

__all__ = ["STRATEGIES", "Search", "check_strategy"]

STRATEGIES = ("Bayesian", "Grid", "Random")
# AWS does not document how many of its first proposals are random.
_RANDOM_PROPOSALS = 5

Document = dict[str, Any]
# The values of each earlier trial, and its score, or None if it has no score.
Past = Sequence[tuple[Mapping[str, str], float | None]]


class Search:
    """The trials of one tuning job. Several algorithms take turns, so that each gets an equal number.

    Every proposal depends only on the seed, the trial's number and the earlier trials passed in.

    Attributes:
        count: The number of trials.
        learns: Whether a proposal depends on earlier trials, so that a trial must wait for them.
    """

    def __init__(self, strategy: str, definitions: Sequence[Document], seed: int, count: int | None) -> None:
        self.learns = strategy == "Bayesian"
        self._strategy, self._definitions, self._seed = strategy, definitions, seed
        self._grid = list(_grid(definitions)) if strategy == "Grid" else []
        self.count = len(self._grid) if strategy == "Grid" else count or 0

    def definition(self, trial: int) -> Document:
        """Return the algorithm of a trial."""
        if self._grid:
            return self._grid[trial][0]
        return self._definitions[trial % len(self._definitions)]

    def propose(self, trial: int, past: Past) -> dict[str, str]:
        """Return the hyperparameters of a trial.

        Args:
            trial: The trial's number, from 0.
            past: Earlier trials of the same algorithm, which only the strategy Bayesian uses.
        """
        if self._grid:
            return self._grid[trial][1]
        definition = self.definition(trial)
        ranges = definition["HyperParameterRanges"]
        if self._strategy == "Random":
            return sample(ranges, self._seed, trial)
        return _learn(ranges, self._seed, trial, past, definition["TuningObjective"]["Type"])


def check_strategy(strategy: str, definitions: Sequence[Document], count: int | None) -> None:
    """Refuse strategies and settings that AWS would refuse or that are not emulated.

    Raises:
        AwsError: The strategy or its settings are refused; the message names the strategy.
    """
    if strategy not in STRATEGIES:
        raise not_emulated(f"the tuning strategy {strategy}; it supports {', '.join(STRATEGIES)}")
    if strategy != "Grid":
        if count is None:
            raise invalid(f"The strategy {strategy} needs MaxNumberOfTrainingJobs.")
        return
    for definition in definitions:
        ranges = definition.get("HyperParameterRanges") or {}
        if any(ranges.get(kind) for kind in ("IntegerParameterRanges", "ContinuousParameterRanges")):
            raise invalid("The strategy Grid accepts only CategoricalParameterRanges.")
    combinations = sum(1 for _ in _grid(definitions))
    if count not in (None, combinations):
        raise invalid(
            f"MaxNumberOfTrainingJobs is {count}; with the strategy Grid it must be the number of "
            f"combinations, {combinations}, or be left out."
        )


def _grid(definitions: Sequence[Document]) -> list[tuple[Document, dict[str, str]]]:
    """Return every combination of every algorithm."""
    found = []
    for definition in definitions:
        items = definition["HyperParameterRanges"].get("CategoricalParameterRanges", [])
        names = [item["Name"] for item in items]
        for values in itertools.product(*(item["Values"] for item in items)):
            found.append((definition, dict(zip(names, values, strict=True))))
    return found


def _learn(ranges: Ranges, seed: int, trial: int, past: Past, objective: str) -> dict[str, str]:
    """Return the next proposal of Optuna's tree-structured Parzen estimator.

    https://optuna.readthedocs.io/en/stable/reference/samplers/generated/optuna.samplers.TPESampler.html
    """
    import optuna  # imported here because it takes a second and few jobs need it

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    axes = {axis.name: axis for axis in _axes(ranges)}
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=_RANDOM_PROPOSALS, seed=zlib.crc32(f"{seed}-{trial}".encode())
    )
    study = optuna.create_study(sampler=sampler, direction=objective.lower())
    distributions = {name: axis.distribution for name, axis in axes.items()}
    for values, score in past:
        state = optuna.trial.TrialState.FAIL if score is None else optuna.trial.TrialState.COMPLETE
        parameters = {name: axis.inward(values[name]) for name, axis in axes.items()}
        study.add_trial(
            optuna.trial.create_trial(
                state=state, params=parameters, distributions=distributions, value=score
            )
        )
    asked = study.ask(distributions)
    return {name: axis.outward(asked.params[name]) for name, axis in axes.items()}


class _Axis:
    """One hyperparameter in Optuna's terms; reverse logarithmic becomes logarithmic in 1 - x."""

    def __init__(self, name: str, kind: str, item: Document) -> None:
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        self.name, self._kind = name, kind
        scaling = item.get("ScalingType", "Auto")
        self._reversed = scaling == "ReverseLogarithmic"
        is_log = scaling in ("Logarithmic", "ReverseLogarithmic")
        if kind == "Categorical":
            self.distribution: Any = CategoricalDistribution(item["Values"])
        elif kind == "Integer":
            self.distribution = IntDistribution(int(item["MinValue"]), int(item["MaxValue"]), log=is_log)
        else:
            low, high = float(item["MinValue"]), float(item["MaxValue"])
            self._low, self._high = low, high
            if self._reversed:
                low, high = 1 - high, 1 - low
            self.distribution = FloatDistribution(low, high, log=is_log)

    def inward(self, text: str) -> str | int | float:
        """Convert a hyperparameter's text to Optuna's value."""
        if self._kind == "Categorical":
            return text
        if self._kind == "Integer":
            return int(text)
        value = 1 - float(text) if self._reversed else float(text)
        return min(max(value, self.distribution.low), self.distribution.high)

    def outward(self, value: str | int | float) -> str:
        """Convert Optuna's value to a hyperparameter's text."""
        if self._kind != "Continuous":
            return str(value)
        value = 1 - value if self._reversed else value
        return repr(min(max(value, self._low), self._high))


def _axes(ranges: Ranges) -> list[_Axis]:
    return [
        _Axis(item["Name"], kind, item)
        for kind in ("Categorical", "Integer", "Continuous")
        for item in ranges.get(f"{kind}ParameterRanges", [])
    ]
