"""Which configurations are tried: what did well before, the portfolio, then Optuna's sampler.

Optuna: Akiba et al. (2019), https://arxiv.org/abs/1907.10902
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from tabular.searching.proposals.space import distribution, ranges_of
from tabular.searching.trials import Configuration, Trial
from tabular.spec import own_steps
from tabular.spec.algorithms import exporter_of
from tabular.spec.columns import Family
from tabular.spec.estimators import Categorical

__all__ = ["SAMPLERS", "Proposals", "former"]

WARM = 3  # one in this many trials is, at most, a configuration that did well before
SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "random": lambda seed: RandomSampler(seed=seed),
    "tpe": lambda seed: TPESampler(seed=seed),
}
QUICK = ("logistic", "linear", "gaussian_naive_bayes")  # the exporters of such algorithms
ATTEMPTS = 20  # to draw a configuration that was not tried yet
_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class Proposals:
    """The configurations of a search, one after the other, each another one.

    Args:
        algorithms: the names of the competing algorithms.
        family: which estimators and ranges apply.
        trials: how many are asked for at most.
        seed: of the sampler.
        sampler: a name in SAMPLERS.
        warm: configurations that were good before, the best first.
        known: the portfolio; algorithms of which it has nothing compete with their defaults.
        quick_first: whether the first trial is one that is soon complete, as a search with little time needs.

    Raises:
        BadInput: if an algorithm is unknown or has no estimator for the family.
    """

    def __init__(
        self,
        algorithms: Sequence[str],
        family: Family,
        trials: int,
        seed: int,
        sampler: str = "random",
        warm: Iterable[Configuration] = (),
        known: Sequence[Configuration] = (),
        quick_first: bool = False,
    ) -> None:
        self.ranges = {name: ranges_of(name, family) for name in algorithms}
        self.distributions = {
            name: {f"{name}.{one}": distribution(allowed) for one, allowed in ranges.items()}
            for name, ranges in self.ranges.items()
        }
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.study = optuna.create_study(direction="maximize", sampler=SAMPLERS[sampler](seed))
        self._asked: list[tuple[Configuration, optuna.Trial]] = []
        self._first_ones = self._first(warm, known, trials)
        if quick_first:
            first = list(islice(self._first_ones, trials))
            soon = next((one for one in first if _is_quick(one.algorithm, family)), None)
            # The sort is stable, and all others stay in their order.
            self._first_ones = iter(sorted(first, key=lambda one: one is not soon))
        self._turn = 0

    def ask(self) -> Configuration | None:
        """The next configuration; None if there is no other."""
        found = next(self._first_ones, None)
        if found is None:
            return self._sampled()
        values = {
            f"{found.algorithm}.{name}": text if isinstance(allowed, Categorical) else allowed.parse(text)
            for name, allowed in self.ranges[found.algorithm].items()
            for text in (found.hyperparameters[name],)
        }
        self.study.enqueue_trial(values)
        self._asked.append((found, self.study.ask(self.distributions[found.algorithm])))
        return found

    def skip(self) -> None:
        """Do not try what was proposed last."""
        _, asked = self._asked.pop()
        self.study.tell(asked, state=TrialState.FAIL)

    def tell(self, trial: Trial) -> None:
        """Let the sampler learn from a trial that has ended; the trials' numbers are those of the asking."""
        _, asked = self._asked[trial.number]
        for fold, score in enumerate(trial.scores):
            asked.report(score, fold)
        self.study.tell(asked, trial.score, _STATES[str(trial.state)])

    def _first(
        self, warm: Iterable[Configuration], known: Sequence[Configuration], trials: int
    ) -> Iterator[Configuration]:
        good = (one for one in map(self._usable, warm) if one is not None)
        taken: list[Configuration] = []
        for one in good:
            if (
                len(taken) < trials // WARM
                and not _repeats(one, taken)
                and self._leaves_room(one, taken, trials)
            ):
                taken.append(one)
                yield one
        first = [self._whole(one) for one in known if one.algorithm in self.ranges]
        for one in self._with_every_algorithm(first, trials - len(taken), self._unseen(taken)):
            if not _repeats(one, taken):
                taken.append(one)
                yield one

    def _leaves_room(self, one: Configuration, taken: Sequence[Configuration], trials: int) -> bool:
        """Whether each algorithm still has a trial if this is taken, or there are too few trials anyway."""
        after = [*taken, one]
        return trials < len(self.ranges) or trials - len(after) >= len(self._unseen(after))

    def _unseen(self, taken: Sequence[Configuration]) -> list[str]:
        """The algorithms that none of these configurations has."""
        return [name for name in self.ranges if name not in {one.algorithm for one in taken}]

    def _with_every_algorithm(
        self, first: list[Configuration], room: int, unseen: list[str]
    ) -> list[Configuration]:
        """In such an order that every unseen algorithm is among the trials that are left, if possible.

        An algorithm that the portfolio does not have competes with its defaults.
        """
        chosen: list[Configuration] = []
        others: list[Configuration] = []
        for one in first:
            if one.algorithm in unseen:
                unseen.remove(one.algorithm)
                chosen.append(one)
            elif room - len(chosen) > len(unseen):
                chosen.append(one)
            else:
                others.append(one)
        by_default = [self._whole(Configuration(name, {}, "default")) for name in self.ranges]
        soon = [one for one in by_default if one.algorithm in unseen]
        known = {one.algorithm for one in first}
        late = [one for one in by_default if one.algorithm not in unseen and one.algorithm not in known]
        return [*chosen, *soon, *others, *late]

    def _usable(self, one: Configuration) -> Configuration | None:
        """An earlier configuration, unless its algorithm does not compete now or a range has changed."""
        ranges = self.ranges.get(one.algorithm)
        if ranges is None or set(one.hyperparameters) - set(ranges):
            return None
        try:
            for name, text in one.hyperparameters.items():
                ranges[name].parse(text)
        except ValueError:
            return None
        return self._whole(one)

    def _whole(self, one: Configuration) -> Configuration:
        """With the defaults of the hyperparameters that it does not set."""
        whole = {name: str(allowed.default) for name, allowed in self.ranges[one.algorithm].items()}
        return Configuration(one.algorithm, whole | dict(one.hyperparameters), one.source)

    def _sampled(self) -> Configuration | None:
        """The sampler's choice for the algorithm whose turn it is, among those with hyperparameters."""
        names = [name for name, ranges in self.ranges.items() if ranges]
        for _ in range(ATTEMPTS if names else 0):
            algorithm = names[self._turn % len(names)]
            self._turn += 1
            asked = self.study.ask(self.distributions[algorithm])
            drawn = {name.removeprefix(f"{algorithm}."): str(value) for name, value in asked.params.items()}
            found = Configuration(algorithm, drawn, "sampler")
            if not _repeats(found, [one for one, _ in self._asked]):
                self._asked.append((found, asked))
                return found
            self.study.tell(asked, state=TrialState.FAIL)
        return None


def former(algorithm: str, hyperparameters: Mapping[str, str], family: Family) -> Configuration | None:
    """What a model in service was fitted with, without its rounds; None if there is no such algorithm."""
    known = own_steps.algorithms()
    if algorithm not in known or family not in known[algorithm].estimators:
        return None
    ranges = known[algorithm].estimators[family].hyperparameters
    given = {name: text for name, text in hyperparameters.items() if name in ranges}
    return Configuration(algorithm, given, "warm")


def _is_quick(algorithm: str, family: Family) -> bool:
    """Whether it is fitted at once and not in rounds or trees."""
    return exporter_of(algorithm, family, own_steps.algorithms()) in QUICK


def _repeats(one: Configuration, others: Iterable[Configuration]) -> bool:
    what = (one.algorithm, one.hyperparameters)
    return any(what == (other.algorithm, other.hyperparameters) for other in others)
