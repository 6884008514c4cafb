"""The names of metrics and scorers, and which fit which task."""

import re

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from support import ROOT
from support.container.tables import TASKS, fitted
from tabular.spec.errors import BadInput
from tabular.spec.metrics import METRICS, SCORERS, check_scorer


@pytest.mark.parametrize("task", TASKS)
def test_the_documentation_names_every_metric_in_the_order_of_a_report(task):
    text = (ROOT / "docs/models/evaluation.md").read_text()
    title = {"binary": "two classes", "multiclass": "more than two classes", "regression": "numbers"}[task]
    (line,) = re.findall(rf"^\| {title} \| (.*) \|$", text, re.MULTILINE)
    assert re.sub(r" \([^)]*\)", "", line).split(", ") == list(METRICS[task])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("task", "scorer"), [(task, scorer) for task in TASKS for scorer in SCORERS[task]])
def test_every_allowed_scorer_scores_every_fold(task, scorer):
    one = fitted("NaiveBayes", task)
    scores = cross_val_score(one.pipeline, one.frame, one.target, cv=3, scoring=check_scorer(scorer, task))
    assert len(scores) == 3
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    ("scorer", "task"), [("roc_auc", "multiclass"), ("r2", "binary"), ("accuracy", "regression")]
)
def test_a_scorer_of_another_task_is_refused_with_the_allowed_ones(scorer, task):
    with pytest.raises(
        BadInput, match=f"CrossValidationScorer {scorer!r} does not fit a {task} target; use one of"
    ):
        check_scorer(scorer, task)
