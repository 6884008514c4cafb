"""A trial: folds that do not leak, the line that the tuner reads, and errors that the user can fix."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from support.container.jobs import give_hyperparameters, run
from support.container.tables import TASKS, family, mixed, settings
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.data.splits.files import write_split
from tabular.jobs import train
from tabular.learning.pipeline import build_pipeline
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.columns import Column, Schema
from tabular.spec.errors import BadInput
from tabular.spec.trial import METRICS, SCORE, Trial, score_line

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
TRIAL = Trial("NaiveBayes", "accuracy", 3, 7).to_hyperparameters()


def give_split(base, table, task):
    """Write a whole raw table as the training split."""
    schema = infer_schema(table, "target", family(task))
    frame, target = features(table, schema), encode(table["target"], schema)
    write_split(base / "input/data/train", frame, target, schema)
    return frame, target, schema


@pytest.fixture
def trial(base, run_module, capsys):
    """Run a trial in this process; gives the score that the tuner would read."""

    def run_trial(table, task="binary", **hyperparameters):
        give_split(base, table, task)
        scorer = {"scorer": "r2"} if task == "regression" else {}
        give_hyperparameters(base, **TRIAL | scorer | hyperparameters)
        run_module(train.main)
        (score,) = re.findall(METRICS[SCORE], capsys.readouterr().out)
        return float(score)

    return run_trial


@pytest.mark.parametrize(("algorithm", "task"), [(name, task) for name in ALGORITHMS for task in TASKS])
def test_every_algorithm_is_scored_on_every_task(trial, base, algorithm, task):
    score = trial(mixed(task).drop(columns="code"), task, algorithm=algorithm, **settings(algorithm, task))
    kept = json.loads((base / "output/data/scores.json").read_text())
    assert kept["scorer"] == ("r2" if task == "regression" else "accuracy")
    assert score == np.mean(kept["scores"])
    assert len(kept["scores"]) == 3
    with np.load(base / "output/data/answers.npz") as answers:
        shapes = [answers[name].shape for name in answers]
    classes = {"binary": (2,), "multiclass": (3,), "regression": ()}[task]
    assert sum(shape[0] for shape in shapes) == 160
    assert {shape[1:] for shape in shapes} == {classes}
    chance = {"binary": 0.55, "multiclass": 0.45, "regression": 0.0}[task]
    assert score > chance


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_trial_has_the_same_score(trial, algorithm):
    scores = [trial(mixed(), algorithm=algorithm, **settings(algorithm, "binary")) for _ in range(2)]
    assert scores[0] == scores[1]


def test_a_trial_that_may_see_fewer_rows_scores_those(trial, base):
    whole, part, same = (trial(mixed(rows=900), search_rows=rows) for rows in ("0", "200", "200"))
    assert part == same != whole
    assert trial(mixed(rows=900), search_rows="900") == whole


def test_another_random_state_makes_other_folds(trial):
    assert trial(mixed(), random_state="1") != trial(mixed(), random_state="2")


@pytest.mark.parametrize(
    ("scorer", "task"),
    [
        ("neg_log_loss", "multiclass"),
        ("neg_brier_score", "binary"),
        ("neg_root_mean_squared_error", "regression"),
    ],
)
def test_a_score_below_zero_is_printed_as_the_tuner_reads_it(trial, scorer, task):
    assert trial(mixed(task), task, scorer=scorer) < 0


def test_the_line_keeps_exponents_and_every_digit():
    for score in (-1.5e-07, 1e-05, 0.1 + 0.2, -0.0, 12345678.9, 1e300):
        assert re.findall(METRICS[SCORE], score_line(score)) == [repr(score)]


def test_hyperparameters_of_sagemaker_and_of_the_tuner_are_left_out(trial):
    plain = trial(mixed(), var_smoothing="1e-5")
    assert trial(mixed(), var_smoothing='"1e-5"', sagemaker_region="x", _tuning_objective_metric="y") == plain


def outliers(rows=90, seed=1):
    """Two overlapping classes and, in one column, a few numbers that make all others look alike."""
    rng = np.random.default_rng(seed)
    target = np.arange(rows) % 2
    size = target + rng.normal(size=rows)
    size[:4] = [3e3, -2e3, 8e3, 5e3]
    return pd.DataFrame({"size": size, "target": target})


def test_no_fold_is_scaled_by_rows_of_another():
    """The scores are those of folds computed by hand, and not those of a scaler that saw all rows."""
    table = outliers()
    schema = Schema("binary", "target", (0, 1), (Column("size", "numeric"),))
    x, y = table["size"].to_numpy(), table["target"].to_numpy()
    settings = {"C": "0.01"}
    pipeline = build_pipeline(schema, "LogisticRegression", settings, 7)
    by_hand, leaky, ours = [], [], []
    for rows, held_out in StratifiedKFold(3, shuffle=True, random_state=7).split(x, y):
        model = LogisticRegression(C=0.01, max_iter=1000)
        for scores, seen in ((by_hand, x[rows]), (leaky, x)):
            mean, scale = seen.mean(), seen.std()
            model.fit((x[rows, None] - mean) / scale, y[rows])
            scores.append(model.predict_proba((x[held_out, None] - mean) / scale)[:, 1])
        pipeline.fit(table[["size"]].iloc[rows], y[rows])
        ours.append(pipeline.predict_proba(table[["size"]].iloc[held_out])[:, 1])
    np.testing.assert_allclose(np.concatenate(ours), np.concatenate(by_hand), atol=1e-9)
    assert np.abs(np.concatenate(leaky) - np.concatenate(by_hand)).max() > 0.01


def test_the_scores_of_a_trial_are_those_of_folds_computed_by_hand(base):
    table = outliers()
    give_split(base, table, "binary")
    scores, _, _ = train.cross_validate(Trial("LogisticRegression", "neg_log_loss", 3, 7, {"C": "0.01"}))
    x, y = table["size"].to_numpy(), table["target"].to_numpy()
    expected = []
    for rows, held_out in StratifiedKFold(3, shuffle=True, random_state=7).split(x, y):
        mean, scale = x[rows].mean(), x[rows].std()
        model = LogisticRegression(C=0.01, max_iter=1000).fit((x[rows, None] - mean) / scale, y[rows])
        probabilities = model.predict_proba((x[held_out, None] - mean) / scale)
        given = probabilities[np.arange(len(held_out)), y[held_out]]
        expected.append(np.log(np.maximum(given, np.finfo(float).eps)).mean())
    assert scores == pytest.approx(expected)


@pytest.mark.parametrize("algorithm", [name for name, one in ALGORITHMS.items() if one.standardise])
def test_what_is_imputed_and_scaled_comes_from_the_rows_of_training_alone(algorithm):
    table = mixed()
    schema = infer_schema(table, "target", "classification")
    frame, target = features(table, schema), encode(table["target"], schema)
    pipeline = build_pipeline(schema, algorithm, settings(algorithm, "binary"), 7)
    pipeline.named_steps["features"].fit(frame.iloc[:100], target[:100])
    numeric = pipeline.named_steps["features"].named_transformers_["numeric"]
    median = frame[["size", "income"]].iloc[:100].median()
    np.testing.assert_allclose(numeric.named_steps["impute"].statistics_, median)
    filled = frame[["size", "income"]].iloc[:100].fillna(median)
    np.testing.assert_allclose(numeric.named_steps["scale"].mean_, filled.mean())
    np.testing.assert_allclose(numeric.named_steps["scale"].scale_, filled.std(ddof=0))


@pytest.mark.parametrize(
    ("hyperparameters", "sentence"),
    [
        (
            {"algorithm": "xgboost"},
            "Unknown algorithm 'xgboost'; the known ones are .* Did you mean 'XGBoost'",
        ),
        ({"var_smoothing": "2"}, "var_smoothing of NaiveBayes is '2': it must be a number from 1e-12 to 1"),
        ({"depth": "3"}, "Unknown hyperparameter of NaiveBayes 'depth'"),
        ({"scorer": "r2"}, "CrossValidationScorer 'r2' does not fit a binary target; use one of accuracy"),
        ({"scorer": "auc"}, "CrossValidationScorer 'auc' does not fit"),
        ({"folds": "81"}, "The rarest class has 80 training rows, fewer than the 81 folds; set Cross"),
    ],
)
def test_a_trial_that_cannot_be_run_says_why_in_a_sentence(trial, hyperparameters, sentence):
    with pytest.raises(SystemExit, match=sentence) as ended:
        trial(mixed(), **hyperparameters)
    assert "\n" not in ended.value.code


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_class_without_a_training_row_is_refused(base, absent):
    """Also the last, whose absence the encoded target does not show."""
    schema = Schema("multiclass", "target", ("a", "b", "c"), (Column("size", "numeric"),))
    target = np.array([label for label in range(3) if label != absent] * 20)
    write_split(base / "input/data/train", pd.DataFrame({"size": np.arange(40.0)}), target, schema)
    with pytest.raises(BadInput, match="The rarest class has 0 training rows, fewer than the 3 folds"):
        train.cross_validate(Trial("NaiveBayes", "accuracy", 3, 7))


def test_folds_on_which_the_scorer_is_not_defined_are_refused_before_any_is_fitted(trial, monkeypatch):
    monkeypatch.delattr(train, "scores_of_fold")
    with pytest.raises(
        SystemExit, match=r"r2 is not defined on fold 1 of 30, .* there is only one row; set "
    ):
        trial(mixed("regression", rows=30), "regression", scorer="r2", folds="30")


def test_a_score_that_is_not_finite_is_refused(trial):
    table = mixed("regression", rows=30)
    table["target"] *= 1e160
    with pytest.raises(SystemExit, match=r"error of LogisticRegression is -inf on fold 1 of 3, which cannot"):
        trial(table, "regression", algorithm="LogisticRegression", scorer="neg_mean_squared_error", folds="3")


def test_a_trial_as_sagemaker_runs_it(aws, base):
    give_split(base, mixed(rows=60), "binary")
    given = TRIAL | {
        "algorithm": "LogisticRegression",
        "C": "0.5",
        "sagemaker_program": "tabular.jobs.train",
        "sagemaker_submit_directory": aws.source,
        "_tuning_objective_metric": "cross_validation_score",
    }
    give_hyperparameters(base, **given)
    done = run("train", base, **aws.variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert 0.5 < float(re.fullmatch(METRICS[SCORE], done.stdout.strip())[1]) <= 1
    assert not (base / "output/failure").exists()

    give_hyperparameters(base, **given | {"C": "one half"})
    done = run("train", base, **aws.variables)
    sentence = (
        "Hyperparameter C of LogisticRegression is 'one half': it must be a number from 0.0001 to 1000.0."
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{sentence}\n")
    assert (base / "output/failure").read_text() == sentence
