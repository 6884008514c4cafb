"""What a trial fits is what the refit fits: weights and the target's logarithm included."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight
from support.container.jobs import give_hyperparameters
from support.container.tables import FEW_ROUNDS, family, mixed, settings
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.data.splits.files import write_split
from tabular.jobs import train
from tabular.judging.agreement import as_model_input, check_equal
from tabular.learning.fitting import fit
from tabular.portable.export import export
from tabular.portable.model import PortableModel
from tabular.spec.algorithms import ALGORITHMS, exporter_of
from tabular.spec.errors import BadInput
from tabular.spec.options import Options
from tabular.spec.trial import Trial

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
each = pytest.mark.parametrize("algorithm", ALGORITHMS)


def prepared(table, task, **options):
    schema = infer_schema(table, "target", family(task), Options(**options))
    return features(table, schema), encode(table["target"], schema), schema


def fitted(table, task, algorithm, **options):
    frame, target, schema = prepared(table, task, **options)
    chosen = settings(algorithm, task)
    return fit(frame, target, schema, algorithm, chosen, 7, FEW_ROUNDS[algorithm]), frame, target, schema


def rare(rows=400):
    """A class of one row in ten, which numbers tell only roughly from the other."""
    rng = np.random.default_rng(0)
    target = np.arange(rows) % 10 == 0
    return pd.DataFrame({"x": rng.normal(size=rows) + target, "y": rng.normal(size=rows), "target": target})


@each
def test_balanced_classes_are_weighted_in_every_algorithm(algorithm):
    """The rare class is found more often; no algorithm leaves the weights aside."""
    found = {}
    for weight in ("none", "balanced"):
        pipeline, frame, _target, _ = fitted(rare(), "binary", algorithm, class_weight=weight)
        found[weight] = pipeline.predict_proba(frame)[:, 1].mean()
    assert found["balanced"] > 1.5 * found["none"]


@each
def test_weights_are_those_of_scikit_learn(algorithm):
    table = rare()
    pipeline, frame, target, _schema = fitted(table, "binary", algorithm, class_weight="balanced")
    by_hand, *_ = fitted(table, "binary", algorithm)  # of the same settings
    rows = by_hand[:-1].transform(frame)
    weights = compute_sample_weight("balanced", target)
    if algorithm == "NeuralNet":
        estimator = clone(by_hand.named_steps["estimator"])
        shuffled = estimator.set_params(random_state=np.random.RandomState(7))
        for _ in range(FEW_ROUNDS[algorithm]):
            shuffled.partial_fit(rows, target, sample_weight=weights, classes=[0, 1])
        by_hand.steps[-1] = ("estimator", shuffled)
    else:
        by_hand.named_steps["estimator"].fit(rows, target, sample_weight=weights)
    np.testing.assert_allclose(pipeline.predict_proba(frame), by_hand.predict_proba(frame), rtol=1e-10)


@each
def test_the_logarithm_of_a_target_is_learnt_and_the_target_answered(algorithm):
    table = mixed("regression", rows=200)
    table["target"] = np.exp(table["target"]).round(3)
    pipeline, frame, _target, schema = fitted(table, "regression", algorithm, log_target=True)
    by_hand, *_ = fitted(table.assign(target=np.log1p(table["target"])), "regression", algorithm)
    np.testing.assert_allclose(pipeline.predict(frame), np.expm1(by_hand.predict(frame)), rtol=1e-6)
    manifest, arrays = export(pipeline, schema, exporter_of(algorithm, schema.family))
    assert manifest["estimator"]["link"] == "expm1"
    model = PortableModel(manifest, arrays)
    check_equal(model, pipeline, frame, schema)
    answer = model.predict(*as_model_input(frame.head(3), schema))
    assert all(type(number) is float for number in answer.labels)


@pytest.mark.parametrize("log_target", [False, True])
def test_a_network_learns_a_price_as_well_in_cents_as_in_thousands(log_target):
    table = mixed("regression", rows=200)
    table["target"] = np.abs(table["target"]) + 1
    plain, frame, *_ = fitted(table, "regression", "NeuralNet")
    in_cents = table.assign(target=table["target"] * 1e6 + 1e7)
    cents, _, target, schema = fitted(in_cents, "regression", "NeuralNet", log_target=log_target)
    assert np.corrcoef(cents.predict(frame), target)[0, 1] > 0.5
    if not log_target:
        np.testing.assert_allclose(cents.predict(frame), plain.predict(frame) * 1e6 + 1e7, rtol=1e-6)
    model = PortableModel(*export(cents, schema, exporter_of("NeuralNet", schema.family)))
    check_equal(model, cents, frame, schema)


def give_split(base, table, task="binary", **options):
    frame, target, schema = prepared(table, task, **options)
    groups = pd.factorize(table[options["group"]])[0] if "group" in options else None
    write_split(base / "input/data/train", frame, target, schema, groups)
    return frame, target, schema


@pytest.mark.parametrize("options", [{}, {"group": "code"}, {"time": "size"}, {"class_weight": "balanced"}])
def test_a_trial_scores_the_folds_that_the_options_ask_for(base, options):
    give_split(base, mixed(rows=200, gaps=False), **options)
    scores, _, _ = train.cross_validate(Trial("LightGBM", "roc_auc", 3, 7, settings("LightGBM", "binary")))
    assert len(scores) == 3
    assert all(0.5 < score <= 1 for score in scores)


def test_rows_of_a_group_that_look_alike_do_not_flatter_the_score(base):
    """Random folds find a group's label by its other rows; whole groups show that nothing is learned."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 8)
    table = pd.DataFrame(
        {"x": rng.normal(size=40)[group], "group": group, "target": rng.integers(2, size=40)[group]}
    )
    scores = {}
    for name, options in (("random", {"drop": ("group",)}), ("whole", {"group": "group"})):
        give_split(base, table, **options)
        trial = Trial("RandomForest", "roc_auc", 5, 7, {"n_estimators": "50"})
        scores[name] = np.mean(train.cross_validate(trial)[0])
    assert scores["random"] > 0.95
    assert scores["whole"] < 0.75


def shuffled(task, seed=0):
    table = mixed(task, rows=300, gaps=False)
    return table.assign(target=np.random.default_rng(seed).permutation(table["target"]))


@pytest.mark.parametrize(
    ("task", "scorer", "threshold"),
    [("binary", "roc_auc", 0.65), ("multiclass", "roc_auc_ovr", 0.65), ("regression", "r2", 0.1)],
)
@each
def test_nothing_is_learnt_from_shuffled_targets(base, algorithm, task, scorer, threshold):
    """A score above chance would mean that a fold sees what it is scored on."""
    give_split(base, shuffled(task), task)
    trial = Trial(algorithm, scorer, 5, 7, settings(algorithm, task))
    assert np.mean(train.cross_validate(trial)[0]) < threshold


def failing_trial(base, capsys, sentence, **hyperparameters):
    given = Trial("NaiveBayes", "accuracy", 3, 7).to_hyperparameters()
    give_hyperparameters(base, **given | hyperparameters)
    with pytest.raises(BadInput, match=sentence) as refused:
        train.main()
    assert "cross_validation_score" not in capsys.readouterr().out
    assert "\n" not in str(refused.value)


@pytest.mark.filterwarnings("ignore")
def test_a_trial_whose_numbers_run_away_has_no_score_but_a_reason(base, capsys):
    table = mixed("regression", rows=120, gaps=False)
    table["target"] *= 1e300
    give_split(base, table, "regression")
    failing_trial(
        base,
        capsys,
        "Fold 1 of 3 cannot be fitted and scored with XGBoost .*: .* Try other hyperparameters or",
        algorithm="XGBoost",
        scorer="r2",
    )


@pytest.mark.filterwarnings("ignore")
def test_a_scorer_that_is_not_defined_on_a_fold_names_the_fold(base, capsys):
    table = mixed("regression", rows=20, gaps=False)
    give_split(base, table, "regression")
    failing_trial(
        base,
        capsys,
        "The scorer r2 is not defined on fold 1 of 20, because it needs two different targets",
        scorer="r2",
        folds="20",
    )


def test_a_fold_without_a_class_to_train_on_is_refused(base, capsys):
    table = mixed(rows=60, gaps=False)
    table["place"] = table["target"]  # each group is one class
    give_split(base, table, group="place")
    failing_trial(
        base, capsys, r"^Fold 1 of 2 has no row of the class '.*' to train on; set Cross.*", folds="2"
    )


def test_the_options_reach_the_model(base):
    *_, schema = give_split(base, mixed(), class_weight="balanced", drop=("size",))
    kept = json.loads((base / "input/data/train/schema.json").read_text())["options"]
    assert (kept["class_weight"], kept["drop"]) == ("balanced", ["size"])
    assert dataclasses.replace(schema, baseline={}) == schema
