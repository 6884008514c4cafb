"""A portable model predicts the same as the scikit-learn pipeline it comes from, or is refused."""

import dataclasses
import os
import subprocess
import sys

import lightgbm
import numpy as np
import pytest
import xgboost
from scipy.sparse import issparse
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from support.container.tables import FEW_ROUNDS, MODELS, TASKS, fit, fitted, mixed, nasty
from tabular.judging.agreement import as_model_input, check_equal
from tabular.learning.pipeline import build_pipeline, innermost
from tabular.portable import exporters
from tabular.portable.export import export
from tabular.portable.files import load_model, save_model
from tabular.portable.model import PortableModel
from tabular.spec.algorithms import ALGORITHMS, exporter_of
from tabular.spec.errors import BadInput
from tabular.spec.estimators import EXPORTERS

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
each = pytest.mark.parametrize(("algorithm", "task"), [(name, task) for name in MODELS for task in TASKS])


def answers(one, frame):
    return one.model.predict(*as_model_input(frame, one.schema))


@each
def test_it_predicts_the_rows_it_was_trained_on_as_scikit_learn_does(algorithm, task):
    one = fitted(algorithm, task)
    assert one.frame.isna().any().any()
    check_equal(one.model, one.pipeline, one.frame, one.schema)


@each
def test_it_predicts_rows_unlike_those_as_scikit_learn_does(algorithm, task):
    one = fitted(algorithm, task)
    rows = nasty(one.frame)
    check_equal(one.model, one.pipeline, rows, one.schema)


@each
def test_gaps_that_training_never_saw_are_answered_as_scikit_learn_does(algorithm, task):
    one = fitted(algorithm, task, gaps=False)
    assert not one.frame.isna().any().any()
    rows = nasty(one.frame)
    assert rows.isna().any(axis=1).any()
    check_equal(one.model, one.pipeline, rows, one.schema)


@each
def test_labels_are_those_of_the_table_and_probabilities_sum_to_one(algorithm, task):
    one = fitted(algorithm, task)
    answer = answers(one, one.frame)
    if task == "regression":
        assert answer.probabilities is None
        assert all(type(label) is float for label in answer.labels)
        return
    assert set(answer.labels) <= set(one.schema.classes) == {*mixed(task)["target"].tolist()}
    assert all(type(label) is type(one.schema.classes[0]) for label in answer.labels)
    assert answer.probabilities.shape == (len(one.frame), len(one.schema.classes))
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1.0, atol=1e-6)
    best = [one.schema.classes[position] for position in answer.probabilities.argmax(axis=1)]
    assert answer.labels == best


@each
def test_one_row_is_answered_as_it_is_among_others(algorithm, task):
    one = fitted(algorithm, task)
    rows = nasty(one.frame, 12)
    whole = answers(one, rows)
    for i in range(len(rows)):
        alone = answers(one, rows.iloc[[i]])
        if task == "regression":
            assert alone.labels[0] == pytest.approx(whole.labels[i], rel=1e-12)
        else:
            assert alone.labels[0] == whole.labels[i]
            np.testing.assert_allclose(alone.probabilities[0], whole.probabilities[i], atol=1e-12)


@pytest.mark.parametrize("algorithm", MODELS)
def test_features_are_transformed_to_the_last_bit(algorithm):
    one = fitted(algorithm, "binary")
    rows = nasty(one.frame)
    pipelines = getattr(one.pipeline, "pipelines", [one.pipeline])
    for member, pipeline in zip(one.model.members, pipelines, strict=True):
        ours = member.transform(member.features.inputs(*as_model_input(rows, one.schema)))
        theirs = pipeline.named_steps["features"].transform(rows)
        np.testing.assert_array_equal(ours, theirs.toarray() if issparse(theirs) else theirs)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_levels_beyond_the_twentieth_share_a_column_with_those_never_seen(algorithm):
    one = fitted(algorithm, "binary")
    code = one.manifest["encodings"][1]
    assert code["width"] == 20
    assert code["unknown"] == 19
    assert sum(position == 19 for position in code["levels"].values()) == len(code["levels"]) - 19 > 1
    colour = one.manifest["encodings"][0]
    assert colour == {
        "levels": {"": 0, "blue": 1, "green": 2, "light grey": 3, "red": 4},
        "unknown": None,
        "width": 5,
    }


@pytest.mark.slow
@each
def test_twenty_rows_are_enough(algorithm, task):
    one = fit(mixed(task, rows=20), algorithm, task, rounds=FEW_ROUNDS)
    check_equal(one.model, one.pipeline, nasty(one.frame, 20), one.schema)


@pytest.mark.slow
@each
@pytest.mark.parametrize("only", [["size"], ["member"], ["colour"]])
def test_one_column_of_any_type_is_enough(algorithm, task, only):
    one = fit(mixed(task, rows=40)[[*only, "target"]], algorithm, task, rounds=FEW_ROUNDS)
    check_equal(one.model, one.pipeline, nasty(one.frame, 20), one.schema)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_column_that_is_empty_in_training_keeps_its_place(algorithm, task):
    whole = fitted(algorithm, task)
    frame = whole.frame.assign(income=np.nan, member=np.nan, colour="")
    pipeline = build_pipeline(whole.schema, algorithm, {}, 7)
    if algorithm == "NeuralNet":
        innermost(pipeline.named_steps["estimator"]).set_params(max_iter=10)
    pipeline.fit(frame, whole.target)
    model = PortableModel(*export(pipeline, whole.schema, exporter_of(algorithm, whole.schema.family)))
    rows = nasty(whole.frame)
    if algorithm == "NaiveBayes":  # a column without variance: away from it scikit-learn answers 1 to all
        rows = rows.assign(income=np.nan, member=np.nan)
    check_equal(model, pipeline, rows, whole.schema)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("algorithm", "hyperparameters"),
    [
        ("NeuralNet", {"hidden_layer_sizes": "32-16", "activation": "tanh"}),
        ("LightGBM", {"subsample": "0.5", "colsample_bytree": "0.3", "extra_trees": "true"}),
        ("XGBoost", {"subsample": "0.5", "max_depth": "10", "learning_rate": "0.5"}),
        ("RandomForest", {"max_depth": "32", "max_features": "0.1", "n_estimators": "51"}),
        ("LogisticRegression", {"C": "1000"}),
        ("NaiveBayes", {"var_smoothing": "1e-12"}),
    ],
)
def test_hyperparameters_at_the_ends_of_their_ranges(algorithm, hyperparameters):
    one = fit(mixed("multiclass", rows=80), algorithm, "multiclass", hyperparameters)
    check_equal(one.model, one.pipeline, nasty(one.frame), one.schema)


@each
def test_what_is_written_is_what_is_read(tmp_path, algorithm, task):
    one = fitted(algorithm, task)
    save_model(tmp_path, one.manifest, one.arrays)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "model.safetensors"]
    read = load_model(tmp_path)
    check_equal(read, one.pipeline, nasty(one.frame), one.schema)


@pytest.mark.slow
@each
def test_the_same_training_writes_the_same_bytes(tmp_path, algorithm, task):
    for folder in ("one", "two"):
        one = fit(mixed(task, rows=60), algorithm, task, rounds=FEW_ROUNDS)
        save_model(tmp_path / folder, one.manifest, one.arrays)
    for file in ("manifest.json", "model.safetensors"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.slow
def test_a_server_needs_neither_scikit_learn_nor_pickle(make_folder):
    """In a separate process, with every training library out of reach."""
    code = (
        "import sys\n"
        "for name in ('sklearn', 'scipy', 'pandas', 'joblib', 'xgboost', 'lightgbm'):\n"
        "    sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "import tabular.serving.server\n"
        "from tabular.portable.files import load_model\n"
        "print(len([load_model(Path(folder)) for folder in sys.argv[1:]]))\n"
    )
    folders = [str(make_folder(algorithm)) for algorithm in MODELS]
    done = subprocess.run(
        [sys.executable, "-c", code, *folders], capture_output=True, text=True, env=os.environ
    )
    assert (done.stdout, done.stderr) == (f"{len(MODELS)}\n", "")


def exported(estimator, task="binary", exporter=None):
    """Export a pipeline in which another estimator has taken the place of the fitted one."""
    one = fitted("XGBoost", task, gaps=False)
    pipeline = build_pipeline(one.schema, "XGBoost", {}, 7)
    pipeline.steps[-1] = ("estimator", estimator)
    pipeline.fit(one.frame, one.target)
    return export(pipeline, one.schema, exporter), pipeline, one


def test_there_is_an_exporter_for_every_name_that_a_row_may_give():
    assert exporters.EXPORTERS.keys() == set(EXPORTERS)


def test_an_estimator_without_an_exporter_is_refused_by_name():
    sentence = (
        r"KNeighborsClassifier cannot be made portable: its row does not name an exporter \(one of forest, "
    )
    with pytest.raises(BadInput, match=sentence):
        exported(KNeighborsClassifier())


def test_an_exporter_that_does_not_fit_is_refused():
    sentence = "The exporter 'forest' does not fit KNeighborsClassifier: .* Name another exporter"
    with pytest.raises(BadInput, match=sentence):
        exported(KNeighborsClassifier(), exporter="forest")


def test_a_class_that_an_exporter_fits_needs_nothing_but_its_name():
    exported_parts, pipeline, one = exported(ExtraTreesClassifier(3, random_state=7), exporter="forest")
    check_equal(PortableModel(*exported_parts), pipeline, nasty(one.frame), one.schema)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "task", "sentence"),
    [
        (
            xgboost.XGBClassifier(n_estimators=2, booster="gblinear"),
            "binary",
            "gblinear with binary:logistic",
        ),
        (xgboost.XGBClassifier(n_estimators=2, booster="dart"), "binary", "dart with binary:logistic"),
        (
            xgboost.XGBRegressor(n_estimators=2, objective="reg:absoluteerror"),
            "regression",
            "reg:absoluteerror",
        ),
        (lightgbm.LGBMRegressor(n_estimators=2, objective="l1", verbose=-1), "regression", "regression_l1"),
        (
            lightgbm.LGBMClassifier(n_estimators=2, zero_as_missing=True, verbose=-1),
            "binary",
            "zero_as_missing",
        ),
        (lightgbm.LGBMClassifier(n_estimators=2, linear_tree=True, verbose=-1), "binary", "linear trees"),
        (
            lightgbm.LGBMClassifier(
                n_estimators=2, boosting_type="rf", subsample=0.5, subsample_freq=1, verbose=-1
            ),
            "binary",
            "cannot be made portable",
        ),
        (MLPClassifier(activation="logistic", max_iter=2), "binary", "activation 'logistic' cannot be made"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_setting_that_the_format_does_not_know_is_refused(estimator, task, sentence):
    exporter = {"xgboost": "xgboost", "lightgbm": "lightgbm"}.get(type(estimator).__module__.split(".")[0])
    with pytest.raises(BadInput, match=sentence):
        exported(estimator, task, exporter or "perceptron")


def test_a_model_that_answers_otherwise_does_not_pass():
    one = fitted("LogisticRegression", "binary")
    nearly = one.arrays | {"intercept": one.arrays["intercept"] + 1e-5}
    with pytest.raises(BadInput, match=r"differs from scikit-learn by .*, and at most 1e-12 is allowed"):
        check_equal(PortableModel(one.manifest, nearly), one.pipeline, one.frame, one.schema)
    far = one.arrays | {"intercept": one.arrays["intercept"] + 100}
    with pytest.raises(BadInput, match=r"predicts other labels than scikit-learn for \d+ of 160 rows"):
        check_equal(PortableModel(one.manifest, far), one.pipeline, one.frame, one.schema)


def test_the_difference_of_a_regression_is_relative_to_the_size_of_its_numbers():
    one = fitted("LogisticRegression", "regression")
    tall = dataclasses.replace(one, target=one.target * 1e12)
    pipeline = build_pipeline(one.schema, "LogisticRegression", {}, 7).fit(tall.frame, tall.target)
    model = PortableModel(*export(pipeline, one.schema, "linear"))
    check_equal(model, pipeline, one.frame, one.schema)
    shifted = PortableModel(one.manifest, one.arrays | {"intercept": one.arrays["intercept"] + 1e-3})
    with pytest.raises(BadInput, match="differs from scikit-learn"):
        check_equal(shifted, one.pipeline, one.frame, one.schema)
