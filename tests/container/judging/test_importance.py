"""Permutation importance of a decisive column, of a meaningless one, and of tables that are too wide."""

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance as of_scikit_learn
from support.container.tables import ENSEMBLE, TASKS, fit, fitted
from tabular.judging.importance import MOST_COLUMNS, permutation_importance
from tabular.spec.columns import Column, Schema


@pytest.mark.parametrize("task", TASKS)
def test_it_agrees_with_scikit_learns(task):
    one = fitted("LogisticRegression", task)
    metric, scorer = ("rmse", "neg_root_mean_squared_error") if task == "regression" else ("accuracy",) * 2
    found = permutation_importance(one.model, one.frame, one.target, one.schema, metric, 0)
    theirs = of_scikit_learn(
        one.pipeline, one.frame, one.target, scoring=scorer, n_repeats=10, random_state=0
    )
    expected = dict(zip(one.frame, theirs.importances_mean, strict=True))
    assert set(found) == set(expected)
    for name, value in expected.items():
        spread = 4 * max(found[name]["standard_deviation"], 0.01)
        assert found[name]["mean"] == pytest.approx(value, abs=spread)
    means = [one["mean"] for one in found.values()]
    assert means == sorted(means, reverse=True)


def test_the_column_that_decides_comes_first_and_noise_loses_nothing():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"noise": rng.normal(size=300), "cause": rng.normal(size=300)})
    one = fit(table.assign(target=np.where(table["cause"] > 0, "a", "b")), "LogisticRegression", "binary")
    found = permutation_importance(one.model, one.frame, one.target, one.schema, "log_loss", 0)
    assert list(found) == ["cause", "noise"]
    assert found["cause"]["mean"] > 10 * abs(found["noise"]["mean"])


@pytest.mark.parametrize("algorithm", ["XGBoost", ENSEMBLE])
def test_the_same_seed_gives_the_same_numbers(algorithm):
    one = fitted(algorithm, "binary")
    first, second = (
        permutation_importance(one.model, one.frame, one.target, one.schema, "auc", 3) for _ in range(2)
    )
    assert first == second


def test_of_many_rows_some_are_asked_about(monkeypatch):
    one = fitted("NaiveBayes", "binary")
    asked = []
    predict = one.model.predict
    model = one.model
    monkeypatch.setattr(model, "predict", lambda *given: asked.append(len(given[0])) or predict(*given))
    frame = pd.concat([one.frame] * 20, ignore_index=True)
    permutation_importance(model, frame, np.tile(one.target, 20), one.schema, "accuracy", 0)
    assert max(asked) == 5 * 1000


def test_a_table_of_too_many_columns_is_not_asked_about():
    columns = tuple(Column(f"x{i}", "numeric") for i in range(MOST_COLUMNS + 1))
    schema = Schema("binary", "t", ("a", "b"), columns)
    model = fitted("NaiveBayes", "binary").model
    assert permutation_importance(model, pd.DataFrame(), np.array([]), schema, "auc", 0) == {}
