"""The number of rounds (trees, epochs): cross-validation finds it, and the refit uses it on all rows.

A model of 100 rounds contains the models of 1 to 99 rounds. So each fold scores many of them, by the scorer
of the tuning, for little more than the price of one. The number with the best mean score over the folds wins,
just as another hyperparameter would; if several are equally good, the one with the least loss. A fold ends
when its loss no longer falls. No rows are set aside: a fold learns from all its rows, and so does the refit.
Whatever the size of a table, the folds and the refit do the same.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import accumulate, count, takewhile
from typing import Any, NamedTuple

import numpy as np
from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.metrics import get_scorer
from sklearn.utils import assert_all_finite

from tabular.learning.boosters import BOOSTERS, Boosting
from tabular.learning.pipeline import LogarithmicTarget, innermost, logarithm
from tabular.spec.estimators import Rounds

__all__ = [
    "Part",
    "PredictedOnce",
    "Scorer",
    "Scores",
    "best_rounds",
    "by_rounds",
    "fit_rounds",
    "fit_whole",
    "numbers_of_rounds",
    "scores_by_rounds",
]

# One of scikit-learn's: it scores an estimator on features and an encoded target; greater is better.
Scorer = Callable[[Any, Any, np.ndarray], float]
RATIO = 1.3  # of two numbers of rounds that are scored one after the other
LEAST = 20  # epochs, before which a network does not stop
PATIENCE = 3  # how many numbers in a row may be no better than the best before a network stops
EQUAL = 1e-9  # scores that differ by less are equally good


class Scores(NamedTuple):
    """What the scorer of the tuning says of held-out rows, and the loss on them with its sign changed."""

    score: float
    loss: float


class Part(NamedTuple):
    """Features (n_rows, n_features), the encoded target (n_rows,), and weights (n_rows,) or None."""

    features: Any
    target: np.ndarray
    weights: np.ndarray | None


def numbers_of_rounds(most: int) -> list[int]:
    """1, 2, 3 and so on, in growing steps, up to the largest number."""
    grown = accumulate(count(), lambda before, _: max(before + 1, int(before * RATIO)), initial=1)
    return [*takewhile(lambda number: number < most, grown), most]


def fit_whole(estimator: Any, learn: Part, **more: Any) -> None:
    """Fit the estimator as its settings say."""
    estimator.fit(learn.features, learn.target, **_weighted(learn), **more)


def fit_rounds(estimator: Any, kind: Rounds, learn: Part, rounds: int) -> None:
    """Fit the estimator for this number of rounds."""
    innermost(estimator).set_params(**{kind.argument: rounds})
    if kind.booster is not None:
        fit_whole(estimator, learn)
        return
    network = _Network(estimator, learn)
    network.become(rounds)
    network.finish()


def scores_by_rounds(
    estimator: Any,
    kind: Rounds,
    learn: Part,
    held_out: Part,
    score: Scorer,
    keep: Callable[[Any, Any], None] | None = None,
) -> list[Scores]:
    """The scores on held-out rows after each of the `numbers_of_rounds`, until the loss no longer falls.

    Each time, `keep` is given the estimator and the held-out features.
    """
    labelled = is_classifier(estimator)
    loss = _log_loss if labelled else _squared_error
    # Scorers describe themselves completely; one that is the loss, as by default, is not computed twice.
    name = "neg_log_loss" if labelled else "neg_mean_squared_error"
    is_loss = held_out.weights is None and repr(score) == repr(get_scorer(name))

    def look() -> Scores:
        fitted = PredictedOnce(estimator, held_out.features)
        if keep is not None:
            keep(fitted, held_out.features)
        lost = -loss(fitted, held_out)
        return Scores(lost if is_loss else float(score(fitted, held_out.features, held_out.target)), lost)

    return by_rounds(estimator, kind, learn, held_out, look)


def by_rounds(
    estimator: Any, kind: Rounds, learn: Part, held_out: Part, look: Callable[[], Scores]
) -> list[Scores]:
    """What `look` says after each of the `numbers_of_rounds`, until the loss no longer falls.

    When it is called, the estimator predicts as after this number of rounds.
    """
    model: _Booster | _Network = (
        _Network(estimator, learn)
        if kind.booster is None
        else _Booster(estimator, kind, BOOSTERS[kind.booster], learn, held_out)
    )
    found: list[Scores] = []
    for number in numbers_of_rounds(kind.most):
        model.become(number)
        with config_context(skip_parameter_validation=True):  # of the scorers, at each of their calls
            found.append(look())
        if model.has_ended(number, [one.loss for one in found]):
            break
    return found


def best_rounds(folds: Sequence[Sequence[Scores]], kind: Rounds) -> tuple[int, list[float]]:
    """The number of rounds with the best mean over the folds, and the score of each fold after it.

    Only numbers that every fold has reached are compared.
    """
    table = np.array([scores[: min(map(len, folds))] for scores in folds])
    score, loss = table.mean(axis=0).T
    best = int(np.where(score >= score.max() - EQUAL, loss, -np.inf).argmax())
    return numbers_of_rounds(kind.most)[best], table[:, best, 0].tolist()


class _Booster:
    """A booster that is trained at once, until its loss on the held-out rows no longer falls."""

    def __init__(self, estimator: Any, kind: Rounds, boosting: Boosting, learn: Part, held_out: Part) -> None:
        self.fitted, self.boosting = innermost(estimator), boosting
        self.fitted.set_params(**{kind.argument: kind.most}, **boosting.settings)
        logarithmic = isinstance(estimator, LogarithmicTarget)
        target = logarithm(held_out.target) if logarithmic else held_out.target
        weights = None if held_out.weights is None else [held_out.weights]
        fit_whole(estimator, learn, **boosting.fit_arguments(held_out.features, target, weights))
        self.trained = boosting.trained(self.fitted)

    def become(self, rounds: int) -> None:
        """Predict as after this number of rounds."""
        self.boosting.shorten(self.fitted, min(rounds, self.trained))

    def has_ended(self, rounds: int, losses: Sequence[float]) -> bool:
        """Whether there are no more rounds to score."""
        return rounds >= self.trained


class _Network:
    """A network that is trained epoch by epoch, each in another random order of the rows."""

    def __init__(self, estimator: Any, learn: Part) -> None:
        self.estimator, self.learn, self.epochs = estimator, learn, 0
        self.seed = innermost(estimator).get_params().get("random_state")
        if self.seed is not None:  # a number would give each epoch the same order
            innermost(estimator).set_params(random_state=np.random.RandomState(self.seed))

    def become(self, rounds: int) -> None:
        """Train until the network has seen all rows this number of times."""
        classes = {"classes": np.unique(self.learn.target)} if is_classifier(self.estimator) else {}
        with _checked_once(innermost(self.estimator)):
            for epoch in range(self.epochs, rounds):
                more = classes if epoch == 0 else {}
                self.estimator.partial_fit(
                    self.learn.features, self.learn.target, **_weighted(self.learn), **more
                )
        self.epochs = rounds

    def has_ended(self, rounds: int, losses: Sequence[float]) -> bool:
        """Whether the loss, with its sign changed, has not improved for a while."""
        return rounds >= LEAST and len(losses) - 1 - int(np.argmax(losses)) >= PATIENCE

    def finish(self) -> None:
        """Put the seed back, so that the estimator describes itself by its settings."""
        if self.seed is not None:
            innermost(self.estimator).set_params(random_state=self.seed)


@contextmanager
def _checked_once(network: Any) -> Iterator[None]:
    """Have scikit-learn check the rows of the first epoch only: in this context, all epochs have the same.

    On a small table, the check takes three quarters of an epoch; of what is left, a quarter is for asking
    before each batch whether the rows are a data frame. It is not public: seen on scikit-learn 1.9.
    """
    check = getattr(network, "_validate_input", None)
    if check is None:  # one of your own algorithms
        yield
        return
    from sklearn.neural_network import _multilayer_perceptron  # which the network has imported

    checked: list[Any] = []

    def once(*rows: Any, **how: Any) -> Any:
        checked[:] = checked or [check(*rows, **how)]
        return checked[0]

    network._validate_input = once
    ours = {"_safe_indexing": _rows_of, "shuffle": _shuffled}
    before = {name: getattr(_multilayer_perceptron, name, None) for name in ours}
    known = all(before.values())  # not in a release that calls them otherwise
    for name, function in ours.items() if known else ():
        setattr(_multilayer_perceptron, name, function)
    try:
        yield
    finally:
        del network._validate_input
        for name, function in before.items() if known else ():
            setattr(_multilayer_perceptron, name, function)


def _rows_of(features: Any, places: np.ndarray) -> Any:
    """The rows of a batch: what has been checked is an array or a sparse matrix."""
    return features[places]


def _shuffled(places: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
    """The rows' numbers in the order in which scikit-learn's `shuffle` would put them."""
    order = np.arange(len(places))
    random_state.shuffle(order)
    return places[order]


class PredictedOnce:
    """A fitted estimator that predicts the same rows once, however often a scorer asks for that."""

    def __init__(self, estimator: Any, features: Any) -> None:
        self._estimator, self._features = estimator, features

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._estimator, name)
        if name in ("predict", "predict_proba", "decision_function"):
            found = _remembering(found, self._features)
            setattr(self, name, found)
        return found


def _remembering(method: Callable[..., Any], features: Any) -> Callable[..., Any]:
    known: list[Any] = []

    @wraps(method)  # scorers ask for its name
    def once(rows: Any) -> Any:
        if rows is not features:
            return method(rows)
        if not known:
            known.append(method(rows))
        return known[0]

    return once


def _log_loss(estimator: Any, held_out: Part) -> float:
    """The log loss of the rows; scikit-learn's takes ten times as long, for checks."""
    probabilities = np.asarray(estimator.predict_proba(held_out.features))
    assert_all_finite(probabilities)
    of_truth = probabilities[np.arange(len(held_out.target)), held_out.target.astype(np.intp)]
    tiny = np.finfo(of_truth.dtype).eps  # keeps the loss finite
    losses = -np.log(np.clip(of_truth, tiny, 1 - tiny).astype(np.float64))
    return float(np.average(losses, weights=held_out.weights))


def _squared_error(estimator: Any, held_out: Part) -> float:
    """The mean squared error of the rows."""
    predicted = np.asarray(estimator.predict(held_out.features), dtype=np.float64)
    assert_all_finite(predicted)
    return float(np.average((predicted - held_out.target) ** 2, weights=held_out.weights))


def _weighted(part: Part) -> dict[str, np.ndarray]:
    return {} if part.weights is None else {"sample_weight": part.weights}
