"""A pickle is served only if its name is allowed in both places."""

import os
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from support.container.server import serving
from support.container.tables import fitted
from tabular.judging.agreement import as_model_input
from tabular.portable import pickled
from tabular.portable.files import load_model
from tabular.portable.pickled import save_pickled
from tabular.portable.table_model import UnusableModel
from tabular.serving.codec import BadRequest, decode
from tabular.serving.models import Models, needed_bytes
from tabular.spec import own_steps
from tabular.spec.errors import BadInput

NAMES = frozenset(["Thicket"])


@pytest.fixture(params=["binary", "multiclass", "regression"])
def task(request):
    return request.param


def save(folder, task="binary", **changed):
    """A pipeline whose estimator the portable format does not know, kept as a pickle."""
    # The fitted pipelines are shared by all tests: this one is a copy.
    one = pickle.loads(pickle.dumps(fitted("RandomForest", task)))
    kind = ExtraTreesRegressor if task == "regression" else ExtraTreesClassifier
    estimator = kind(n_estimators=5, random_state=0)
    estimator.fit(one.pipeline.named_steps["features"].transform(one.frame), one.target)
    one.pipeline.steps[-1] = ("estimator", estimator)
    save_pickled(folder, {"algorithm": "Thicket", **one.schema.to_dict(), **changed}, one.pipeline)
    return one


def test_a_named_pickle_answers_as_its_pipeline_does(tmp_path, task):
    one = save(tmp_path, task)
    model = load_model(tmp_path, NAMES)
    assert model.kind == "pickle"
    answer = model.predict(*as_model_input(one.frame, one.schema))
    expected = one.pipeline.predict(one.frame)
    if task == "regression":
        assert answer.labels == expected.tolist()
        assert answer.probabilities is None
    else:
        assert answer.labels == [one.schema.classes[position] for position in expected]
        np.testing.assert_array_equal(answer.probabilities, one.pipeline.predict_proba(one.frame))


@pytest.mark.parametrize("names", [frozenset(), frozenset(["Other"])])
def test_a_pickle_that_is_not_named_is_not_opened(tmp_path, names, monkeypatch):
    save(tmp_path)
    monkeypatch.setattr(joblib, "load", lambda path: pytest.fail("opened"))
    with pytest.raises(UnusableModel, match=r"'Thicket', which is code.* add the name to SERVE_PICKLES"):
        load_model(tmp_path, names)


def test_a_changed_pickle_is_not_opened(tmp_path, monkeypatch):
    save(tmp_path)
    with (tmp_path / pickled.PIPELINE).open("ab") as file:
        file.write(b".")
    monkeypatch.setattr(joblib, "load", lambda path: pytest.fail("opened"))
    with pytest.raises(
        UnusableModel, match=r"The SHA-256 of pipeline\.joblib is not the one in manifest\.json"
    ):
        load_model(tmp_path, NAMES)


def test_what_is_missing_or_of_another_version_is_named(tmp_path):
    save(tmp_path, format_version=2)
    with pytest.raises(UnusableModel, match="version is 2; this server reads 1"):
        load_model(tmp_path, NAMES)
    save(tmp_path)
    (tmp_path / pickled.PIPELINE).unlink()
    with pytest.raises(UnusableModel, match=r"The model has no pipeline.joblib"):
        load_model(tmp_path, NAMES)


class Unreadable:
    def __reduce__(self):
        return os.stat, ("/nowhere/at/all",)


@pytest.mark.parametrize(("manifest", "pipeline"), [({"columns": []}, Unreadable()), ({}, "no pipeline")])
def test_a_pickle_that_cannot_be_read_is_a_sentence(tmp_path, manifest, pipeline):
    save_pickled(tmp_path, {"algorithm": "Thicket", **manifest}, pipeline)
    with pytest.raises(UnusableModel, match=r"pipeline.joblib cannot be read here"):
        load_model(tmp_path, NAMES)


def test_a_pickle_counts_in_the_budget(tmp_path):
    save(tmp_path)
    size = (tmp_path / pickled.PIPELINE).stat().st_size
    assert needed_bytes(str(tmp_path)) > 4 * size
    with pytest.raises(BadRequest) as refusal:
        Models(budget=4 * size, pickles=NAMES).load("own", str(tmp_path))
    assert refusal.value.status == 507


def test_requests_are_read_by_its_columns(tmp_path):
    one = save(tmp_path)
    model = load_model(tmp_path, NAMES)
    row = one.frame.head(1).to_csv(header=False, index=False).encode()
    numbers, categories = decode(row, "text/csv", model)
    assert model.predict(numbers, categories).labels[0] in one.schema.classes
    with pytest.raises(BadRequest, match="Row 1, column 'size'"):
        decode(b"red,big,yes,1,c1\n", "text/csv", model)


@pytest.mark.parametrize(("switch", "status"), [("", 400), ("Other, Thicket", 200)])
def test_the_server_is_started_with_the_names(tmp_path, switch, status):
    save(tmp_path / "own")
    with serving(tmp_path, SERVE_PICKLES=switch) as server:
        answer = server.load("own", tmp_path / "own")
        assert answer.status == status
        assert ("SERVE_PICKLES" in answer.text) == (status == 400)


STEPS = """
from tabular.spec.estimators import Algorithm, Estimator
ALGORITHMS = [Algorithm("Thicket", False, {"classification": Estimator("sklearn.ensemble.X", {})})]
PICKLES = %s
"""


@pytest.mark.parametrize(
    ("written", "said"),
    [("'Thicket'", "a list of names"), ("[1]", "a list of names"), ("['XGBoost']", "it adds: Thicket")],
)
def test_only_algorithms_of_your_own_can_be_named(tmp_path, written, said):
    steps = Path(tmp_path / f"steps_{abs(hash(written))}.py")
    steps.write_text(STEPS % written)
    with pytest.raises(BadInput, match=said):
        own_steps.pickles(steps)


def test_the_steps_name_what_may_be_pickled(tmp_path):
    steps = tmp_path / "steps_named.py"
    steps.write_text(STEPS % "['Thicket']")
    assert own_steps.pickles(steps) == NAMES
    assert own_steps.pickles(tmp_path / "absent.py") == frozenset()
