"""What trials on a sample have found, for all rows: more trees, and nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tabular.data.features import features
from tabular.data.inference import encode, infer_schema
from tabular.searching.search import search
from tabular.searching.trials import Configuration, Trial
from tabular.searching.whole_table import for_all_rows
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
    found = search(*rows, PLAN)
    boosted = next(one for one in found.complete if one.configuration.algorithm == "LightGBM")
    linear = next(one for one in found.complete if one.configuration.algorithm == "LogisticRegression")
    said: list[str] = []
    (more, weight), (same, _) = for_all_rows(
        [(boosted, 0.7), (linear, 0.3)], found.rows, *rows, *JUDGED, said.append
    )
    assert more.rounds > boosted.rounds
    assert (weight, replace(more, rounds=boosted.rounds)) == (0.7, boosted), "only the rounds are others"
    assert same is linear, "which is not fitted in rounds"
    assert said == [f"LightGBM: {boosted.rounds} rounds were best with 200 rows, {more.rounds} are with all"]


def test_nothing_is_fitted_where_the_trials_saw_most_rows(rows, capsys) -> None:
    trial = Trial(0, Configuration("LightGBM", {}, "default"), [-0.5], rounds=4, state="complete")
    members = [(trial, 1.0)]
    assert for_all_rows(members, 1500, *rows, *JUDGED, print) is members
    assert capsys.readouterr().out == ""
