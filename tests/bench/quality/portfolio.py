"""The configurations that a search tries first: learnt greedily on tables on which nothing is judged.

The pool is the defaults and random draws, also of LightGBM with extra trees. One by one, that configuration
is added with which the winner and a small ensemble of all so far have the least loss, on average over the
tables; a table's loss is scaled: 0 is the best trial of the pool and 1 the median one. The whole pool is
cross-validated on the first ten tables, and on the others a shortlist: what is chosen by these ten, the
defaults and the extra trees.
"""

import json
import math
import random
import sys
from pathlib import Path

import numpy as np
from tabular.spec.columns import Family

from bench.quality.tables import TABLES, split_of
from bench.quality.trials import FOLDS, Bank, Configuration, defaults, draws, row_losses, total

__all__ = ["learn"]

FILE = Path("container/tabular/searching/proposals/portfolio.json")
POOL, LENGTH = 60, 24  # random draws beside the defaults; configurations of a family
EXTRA = 10  # draws with extra trees
FIRST = 10  # tables, on which the shortlist is chosen
ENOUGH = 0.0005  # that a configuration has to bring
MEMBERS = 6
SEED = 0
FAMILIES: tuple[Family, ...] = ("classification", "regression")


def pool(family: Family) -> list[Configuration]:
    """From what the portfolio is chosen."""
    return [*defaults(), *draws(family, POOL), *extra_trees()]


def extra_trees() -> list[Configuration]:
    """Draws of LightGBM with extra trees, which are as good for both families, and two by hand."""
    draw = random.Random(7)
    drawn = [
        {
            "num_leaves": round(_logarithmic(draw, 6, 64)),
            "learning_rate": _logarithmic(draw, 0.03, 0.2),
            "min_child_samples": round(_logarithmic(draw, 2, 20)),
            "subsample": round(draw.uniform(0.6, 1), 2),
            "colsample_bytree": round(draw.uniform(0.4, 1), 2),
            "reg_lambda": _logarithmic(draw, 0.01, 20),
        }
        for _ in range(EXTRA)
    ]
    by_hand: list[dict[str, float]] = [{}, {"learning_rate": 0.03, "min_child_samples": 5}]
    return [
        Configuration("LightGBM", {"extra_trees": "true", **{name: str(one[name]) for name in one}})
        for one in [*drawn, *by_hand]
    ]


def _logarithmic(draw: random.Random, low: float, high: float) -> float:
    return round(math.exp(draw.uniform(math.log(low), math.log(high))), 4)


def learn(folder: Path, names: list[str]) -> None:
    """Choose the portfolio from the trials of these tables and write it."""
    kept: dict[str, object] = {"learnt_on": names, "folds": FOLDS}
    for family in FAMILIES:
        banks = [Bank(split_of(name, SEED), folder) for name in names if TABLES[name].family == family]
        first = [bank for bank in banks if bank.split.table.name in names[:FIRST]]
        shortlist = _chosen(first, pool(family))
        chosen = _chosen(
            banks, [*shortlist, *(one for one in [*defaults(), *extra_trees()] if one not in shortlist)]
        )
        kept[family] = [
            {"algorithm": one.algorithm, "hyperparameters": dict(one.hyperparameters)} for one in chosen
        ]
    FILE.write_text(as_text(kept))


def as_text(kept: dict[str, object]) -> str:
    """JSON with a line for each configuration."""
    lines = []
    for name, value in kept.items():
        each = [f"  {json.dumps(one)}" for one in value] if name in FAMILIES else []
        lines.append(f' "{name}": ' + ("[\n" + ",\n".join(each) + "\n ]" if each else json.dumps(value)))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _chosen(banks: list[Bank], candidates: list[Configuration]) -> list[Configuration]:
    tables = [_Learnt(bank, candidates) for bank in banks]
    chosen: list[int] = []
    least = np.inf
    while len(chosen) < LENGTH:
        means = [
            np.inf if number in chosen else np.mean([one.scaled([*chosen, number]) for one in tables])
            for number in range(len(candidates))
        ]
        if min(means) > least - ENOUGH:
            break
        least = min(means)
        chosen.append(int(np.argmin(means)))
        print(f"{min(means):.3f} {candidates[chosen[-1]]}", file=sys.stderr, flush=True)
    return [candidates[number] for number in chosen]


class _Learnt:
    """The trials of one table: how good those are that a portfolio has."""

    def __init__(self, bank: Bank, candidates: list[Configuration]) -> None:
        self.family, self.truth = bank.split.schema.family, bank.truth
        self.results = [bank.trial(one) for one in candidates]
        self.alone = np.array([np.inf if one is None else -one.score for one in self.results])
        self.best, self.middle = self.alone.min(), np.median(self.alone[np.isfinite(self.alone)])

    def scaled(self, numbers: list[int]) -> float:
        """Between the best trial of all (0) and the median (1): the mean of the winner and an ensemble."""
        there = [number for number in numbers if np.isfinite(self.alone[number])]
        if not there:
            return 2.0
        winner = int(np.argmin(self.alone[there]))
        predictions = np.stack([self.results[number].out_of_fold for number in there])
        mixed = self._mixed(predictions, winner)
        reached = (self.alone[there[winner]] + mixed) / 2
        return float(min((reached - self.best) / max(self.middle - self.best, 1e-12), 2.0))

    def _mixed(self, predictions: np.ndarray, winner: int) -> float:
        """The loss of a greedy ensemble that grows from the winner."""
        mixed = predictions[winner]
        found = [total(row_losses(self.truth, mixed), self.family)]
        for size in range(1, MEMBERS):
            grown = (mixed * size + predictions) / (size + 1)
            losses = [total(row_losses(self.truth, one), self.family) for one in grown]
            mixed = grown[int(np.argmin(losses))]
            found.append(min(losses))
        return min(found)
