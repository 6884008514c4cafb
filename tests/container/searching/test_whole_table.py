"""What trials on a sample have found, for all rows: more trees, and often other members."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.searching.search import search
from tabular.searching.trials import Configuration, Trial
from tabular.searching.whole_table import for_all_rows, rounds_for_all_rows
from tabular.spec.search import Plan

PLAN = Plan("LogisticRegression,LightGBM", 4, "neg_log_loss", 3, 7, search_rows=200)
JUDGED = (PLAN.scorer, PLAN.folds, PLAN.random_state)


@pytest.fixture(scope="module")
def rows():
    """Rows of which a few hundred say less than all: the target follows two numbers in steps."""
    draw = np.random.default_rng(7)
    table = pd.DataFrame(draw.random((3000, 3)).round(4), columns=["one", "two", "three"])
    steps = np.floor(table["one"] * 4) + np.floor(table["two"] * 4)
    table["target"] = np.where(steps % 2 == 0, "even", "odd")
    schema = infer_schema(table, "target", "classification")
    return features(table, schema), encode(table["target"], schema), schema, None


def test_a_sample_finds_too_few_trees_and_all_rows_find_more(rows) -> None:
    boosted = Trial(3, Configuration("LightGBM", {}, "default"), [-0.5], rounds=4, state="complete")
    linear = Trial(4, Configuration("LogisticRegression", {}, "default"), [-0.6], state="complete")
    said: list[str] = []
    more, same = (rounds_for_all_rows(one, 200, *rows, *JUDGED, said.append) for one in (boosted, linear))
    assert more.rounds > 20
    assert replace(more, rounds=4) == boosted, "only the rounds are others"
    assert same is linear, "which is not fitted in rounds"
    (line,) = said
    assert line.startswith("trial 3, LightGBM: -0.")
    assert line.endswith(f" with all rows; 4 rounds were best with 200 rows, {more.rounds} are with all")


def test_members_are_chosen_again_with_all_rows_and_the_search_says_so(rows) -> None:
    found = search(*rows, PLAN)
    before = found.ensemble
    said: list[str] = []
    members = for_all_rows(found, *rows, said.append)
    assert len(said) == len(found.complete), "all of the few trials were looked at"
    assert [(one.number, weight) for one, weight in found.members] == [
        (one.number, weight) for one, weight in members
    ]
    report = found.report()
    if len(members) > 1:
        weights = {one["trial"]: one["weight"] for one in report["ensemble"]["members"]}
        assert weights == {one.number: weight for one, weight in members}
        assert report["ensemble"]["score"] == pytest.approx(found.score)
    else:
        assert report["best"] == members[0][0].number
        assert not report["ensemble"]["chosen"]
    assert "chosen again with all rows, on 1000 of them" in report["ensemble"]["reason"]
    assert found.ensemble.gain == before.gain, "of the search, which has no other"
    assert found.best.state == "complete"


@pytest.mark.parametrize("ensemble", ["true", "false"])
def test_a_trial_that_was_worse_on_the_sample_wins_if_it_is_better_with_all_rows(rows, ensemble) -> None:
    plan = replace(PLAN, ensemble=ensemble)
    found = search(*rows, plan)
    poor = max(found.complete, key=lambda one: one.configuration.algorithm == "LogisticRegression")
    poor.scores = [0.0] * PLAN.folds  # as if the sample had been kind to it
    poor.answers = [  # whose mixtures are worse than it alone
        np.eye(2, dtype=np.float32)[rows[1][fold.scored]] for fold in found.folds
    ]
    assert found.best is poor
    members = for_all_rows(found, *rows)
    assert poor.number not in [one.number for one, _ in members]
    assert found.score < 0, "the score of what is served, on the folds of the sample"
    assert found.best is not poor or found.ensemble.chosen


def test_a_trial_that_fails_with_all_rows_is_passed_over(rows) -> None:
    found = search(*rows, PLAN)
    broken = Configuration("LightGBM", {"num_leaves": "-1"}, "sampler")
    first = found.trials[0]
    first.configuration = broken
    said: list[str] = []
    members = for_all_rows(found, *rows, said.append)
    assert first.number not in [one.number for one, _ in members]
    (line,) = (one for one in said if "failed" in one)
    assert line.startswith("trial 0, LightGBM: failed with all rows: ")
    assert rounds_for_all_rows(first, 200, *rows, *JUDGED) is first


def test_members_stay_where_the_fold_of_all_rows_is_smaller_than_the_sample(rows) -> None:
    found = search(*rows, replace(PLAN, search_rows=1400))
    members = found.members
    before = [(one.number, weight) for one, weight in members]
    said: list[str] = []
    after = for_all_rows(found, *rows, said.append)
    assert [(one.number, weight) for one, weight in after] == before
    assert len(said) == len(before), "the members alone were looked at, for their rounds"
    assert (found.winner, found.members) == (None, members)


def test_nothing_is_fitted_where_the_trials_saw_most_rows(rows) -> None:
    said: list[str] = []
    found = search(*rows, replace(PLAN, search_rows=1500))
    assert for_all_rows(found, *rows, said.append) == found.members
    trial = Trial(0, Configuration("LightGBM", {}, "default"), [-0.5], rounds=4, state="complete")
    assert rounds_for_all_rows(trial, 1500, *rows, *JUDGED, said.append) is trial
    assert not said
