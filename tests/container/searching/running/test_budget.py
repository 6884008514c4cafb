"""The seconds of a search: what is set aside for the fits that come after its trials."""

import time

import numpy as np
import pandas as pd
import pytest
from tabular.learning.folds import folds_to_search
from tabular.searching.proposals.proposals import Proposals
from tabular.searching.running.budget import COMBINING, MORE_ROWS, WRITING, Budget
from tabular.searching.running.prepared import Prepared
from tabular.searching.scoring import Scoring
from tabular.searching.trials import Configuration, Trial
from tabular.spec.columns import Column, Schema

CLOSE = pytest.approx


def trial(number: int, score: float, seconds: float, folds: int = 4) -> Trial:
    what = Configuration("LightGBM", {}, "portfolio")
    return Trial(number, what, [score] * folds, state="complete", seconds=seconds)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_what_comes_after_the_trials_is_not_left_for_them(clock):
    alone = Budget(60, 90, rows=1000, fits=2)
    assert (alone.elapsed, alone.left([])) == (10, 50 - WRITING)
    good, better = trial(0, -2.0, 8.0), trial(1, -1.0, 4.0)
    assert alone.left([good, better]) == CLOSE(50 - WRITING - 2 * MORE_ROWS * 1.0), "the better one is fitted"
    together = Budget(60, 90, rows=1000, members=8, fits=2)
    assert together.left([good, better]) == CLOSE(50 - WRITING - 2 * MORE_ROWS * 3.0 - COMBINING * 2000)
    clock[0] += 60
    assert together.left([good, better]) == 0


def test_an_ensemble_is_made_of_trials_that_can_still_be_fitted():
    quick, slow, best = trial(0, -3.0, 4.0), trial(1, -2.0, 400.0), trial(2, -1.0, 40.0)
    among = [quick, slow, best]
    assert Budget(60, 90, members=8).affordable(among) == [quick, best]
    assert Budget(10, 90, members=8).affordable(among) == [best], "there is always one"
    assert Budget(600, 90, members=8).affordable(among) == among
    two = [trial(number, -number, 40.0) for number in range(5)]
    assert len(Budget(36, 100, members=2).affordable(two)) == 5, "of which two are fitted, whichever it is"
    assert len(Budget(36, 100, members=3).affordable(two)) == 2


def test_without_a_limit_there_is_time_for_everything():
    among = [trial(0, -1.0, 1e9), trial(1, -2.0, 1e9)]
    assert Budget(0, 0, members=8).left(among) == float("inf")
    assert Budget(0, 0, members=8).affordable(among) == among


def test_with_a_limit_the_first_trial_is_one_that_is_soon_complete():
    known = [Configuration(name, {}, "portfolio") for name in ("LightGBM", "XGBoost", "LogisticRegression")]
    names = ("LightGBM", "XGBoost", "LogisticRegression")

    def asked(trials: int, quick_first: bool) -> list[str]:
        proposals = Proposals(names, "classification", trials, 7, known=known, quick_first=quick_first)
        return [proposals.ask().algorithm for _ in range(trials)]

    assert asked(3, False) == ["LightGBM", "XGBoost", "LogisticRegression"]
    assert asked(3, True) == ["LogisticRegression", "LightGBM", "XGBoost"]
    assert asked(2, True) == asked(2, False), "which trials there are is the same"


def test_with_little_time_nothing_is_prepared_before_a_trial_needs_it(clock):
    frame, target = pd.DataFrame({"size": np.arange(60.0)}), np.arange(60) % 2
    schema = Schema("binary", "sold", ("no", "yes"), (Column("size", "numeric"),))
    folds = folds_to_search(target, schema, "neg_log_loss", 3, 7)
    prepared = Prepared(frame, target, schema, None, folds, 7, Scoring("neg_log_loss", schema))
    prepared.prepare(["LogisticRegression"], end=clock[0] - 1)
    assert not prepared._parts
    assert np.isfinite(prepared.fit(Configuration("LogisticRegression", {}, "default"), 0).scores[0].score)
    prepared.prepare(["LogisticRegression"], end=clock[0] + 1)
    assert len(prepared._parts) == 3


def test_a_configuration_that_is_skipped_leaves_its_number_to_the_next():
    proposals = Proposals(("LogisticRegression", "NaiveBayes"), "classification", 4, 7)
    first = proposals.ask()
    proposals.skip()
    second = proposals.ask()
    assert first != second
    proposals.tell(Trial(0, second, [-1.0], state="complete"))
