"""An ensemble in the portable format: its members, what they share, and what is refused."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
from support.container.tables import ENSEMBLE, Fitted, dated, family, fit, fitted, mixed, nasty, settings
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.judging.agreement import as_model_input, check_equal
from tabular.learning.ensemble import Ensemble
from tabular.learning.fitting import fit as learn
from tabular.portable import model as portable_model
from tabular.portable.export import export_ensemble
from tabular.portable.exporters import NotPortable
from tabular.portable.files import load_model, save_model
from tabular.portable.model import PortableModel, UnusableModel
from tabular.spec.algorithms import exporter_of
from tabular.spec.options import Options


def coded(task, rows=600):
    """A table with a category of many levels, which are encoded by the target."""
    table = mixed(task, rows=rows)
    table["code"] = [f"code {row % 29}" for row in range(rows)]
    return table


def bagged(table, task, names, options=Options()):  # noqa: B008 - it is frozen
    """Each member fitted on two thirds of the rows, so that it knows other levels than the others."""
    schema = infer_schema(table, "target", family(task), options)
    frame, target = features(table, schema), encode(table["target"], schema)
    pipelines = []
    for fold, name in enumerate(names):
        rows = np.arange(len(frame)) % 3 != fold
        what = (schema, name, settings(name, task), 7, 20)
        pipelines.append(learn(frame[rows], target[rows], *what))
    ensemble = Ensemble(pipelines, [1] * len(names))
    exporters = [exporter_of(name, schema.family) for name in names]
    exported = export_ensemble(ensemble.pipelines, ensemble.weights, schema, exporters)
    return Fitted(schema, frame, target, ensemble, *exported)


def check(one, monkeypatch):
    """Compare it with scikit-learn, in C and without a compiler, and after it was written and read."""
    check_equal(one.model, one.pipeline, nasty(one.frame), one.schema)
    with monkeypatch.context() as without_compiler:
        without_compiler.setattr(portable_model, "predict_in_c", None)
        check_equal(one.model, one.pipeline, nasty(one.frame), one.schema)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_dates_and_levels_encoded_by_the_target_are_stored_once(task, monkeypatch):
    table = coded(task).join(dated(task, rows=600)[["day", "moment"]])
    one = fit(table, ENSEMBLE, task)
    assert [encoding.get("kind") for encoding in one.manifest["encodings"]] == [None, "target"]
    assert [member.keys() for member in one.manifest["members"]] == [{"weight", "estimator"}] * 4
    assert [name for name in one.arrays if name.endswith("level.values")] == ["level.values"]
    assert len({id(member.features) for member in one.model.members}) == 1
    check(one, monkeypatch)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_members_that_were_fitted_on_other_rows_keep_their_own_levels(task, monkeypatch, tmp_path):
    table = coded(task)
    table["colour"] = np.where(np.arange(len(table)) % 6 == 1, "teal", table["colour"])
    one = bagged(table, task, ["XGBoost", "LogisticRegression", "XGBoost"])
    assert ["encodings" in member for member in one.manifest["members"]] == [False, True, True]
    levels = [
        set(one.manifest["encodings"][0]["levels"]),
        one.manifest["members"][1]["encodings"][0]["levels"],
    ]
    assert "teal" in levels[0]
    assert "teal" not in levels[1]
    check(one, monkeypatch)
    save_model(tmp_path, one.manifest, one.arrays)
    check_equal(load_model(tmp_path), one.pipeline, nasty(one.frame), one.schema)


def test_a_level_is_known_if_one_of_the_members_knows_it():
    table = mixed("binary").assign(code="a")
    table.loc[np.arange(len(table)) % 3 == 0, "code"] = "only for the others"
    one = bagged(table, "binary", ["XGBoost", "XGBoost"])
    place = one.model.names.index("code")
    assert set(one.manifest["encodings"][1]["levels"]) == {"a"}
    assert one.model.levels_of(place) == {"a", "only for the others"}


def test_balanced_classes_are_balanced_in_every_member(monkeypatch):
    table = mixed("binary")
    table = pd.concat([table[table["target"] == "no"].head(20), table[table["target"] != "no"]])
    plain = fit(table, ENSEMBLE, "binary")
    balanced = fit(table, ENSEMBLE, "binary", options=Options(class_weight="balanced"))
    check(balanced, monkeypatch)
    rare = [one.pipeline.predict_proba(one.frame)[:, 0].mean() for one in (plain, balanced)]
    assert rare[1] > rare[0]


def test_a_request_for_few_rows_gets_the_mean_of_what_the_members_answer():
    one = fitted(ENSEMBLE, "multiclass")
    numbers, categories = as_model_input(one.frame.head(3), one.schema)
    answer = one.model.predict(numbers, categories)
    mean = np.zeros((3, 3))
    for member, weight in zip(one.model.members, one.pipeline.weights, strict=True):
        mean += weight * member.predict(member.transform(member.features.inputs(numbers, categories)))[1]
    np.testing.assert_allclose(answer.probabilities, mean, rtol=1e-6)
    assert answer.probabilities.dtype == np.float64


def test_only_an_ensemble_needs_a_server_that_knows_the_second_version(tmp_path):
    for algorithm, version in (("XGBoost", 1), (ENSEMBLE, 2)):
        one = fitted(algorithm, "binary")
        save_model(tmp_path / algorithm, one.manifest, one.arrays)
        written = json.loads((tmp_path / algorithm / "manifest.json").read_text())
        assert written["format_version"] == version


def test_the_tolerance_is_that_of_the_least_precise_member():
    tolerance = {name: fitted(name, "binary").model.tolerance for name in ("XGBoost", "LogisticRegression")}
    assert fitted(ENSEMBLE, "binary").model.tolerance == max(tolerance.values()) > min(tolerance.values())


def test_an_ensemble_with_a_member_that_is_not_portable_is_refused():
    one = fitted(ENSEMBLE, "binary")
    with pytest.raises(NotPortable, match="its row does not name an exporter"):
        export_ensemble(one.pipeline.pipelines, one.pipeline.weights, one.schema, ["forest"] + [None] * 3)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        lambda members: [],
        lambda members: {},
        lambda members: "abcd",
        lambda members: [None],
        lambda members: members[:-1],
        lambda members: [{}, *members[1:]],
        lambda members: [members[0] | {"weight": 0.0}, members[1] | {"weight": 0.7}, *members[2:]],
        lambda members: [members[0] | {"weight": -0.3}, members[1] | {"weight": 1.0}, *members[2:]],
        lambda members: [members[0] | {"weight": float("nan")}, *members[1:]],
        lambda members: [members[0] | {"weight": None}, *members[1:]],
        lambda members: [members[0] | {"weight": members[0]["weight"] + 1e-6}, *members[1:]],
        lambda members: [members[0] | {"encodings": []}, *members[1:]],
        lambda members: [members[0] | {"encodings": [{"kind": "target", "levels": {}, "unknown": 0}] * 2}],
        lambda members: [members[0] | {"estimator": {"kind": "ensemble"}}, *members[1:]],
        lambda members: [members[1], members[0], *members[2:]],
        lambda members: [*members, members[0]],
    ],
)
def test_members_that_do_not_make_an_ensemble_are_refused(change, compiled, monkeypatch):
    if not compiled:
        monkeypatch.setattr(portable_model, "predict_in_c", None)
    one = fitted(ENSEMBLE, "binary")
    members = change(copy.deepcopy(one.manifest["members"]))
    with pytest.raises(UnusableModel, match=r"^The model's files do not fit together: "):
        PortableModel(one.manifest | {"members": members}, one.arrays)


def test_members_of_other_classes_are_refused():
    two, three = fitted(ENSEMBLE, "binary"), fitted(ENSEMBLE, "multiclass")
    members = [*two.manifest["members"][:3], three.manifest["members"][3]]
    arrays = two.arrays | {name: three.arrays[name] for name in three.arrays if name.startswith("members.3.")}
    with pytest.raises(UnusableModel, match="does not fit 3 outputs and 2 classes"):
        PortableModel(two.manifest | {"members": members}, arrays)


def test_an_array_that_is_not_there_is_refused():
    one = fitted(ENSEMBLE, "multiclass")
    needed = [name for name in one.arrays if ".numeric." not in name]
    assert len(needed) > 20
    for absent in needed:
        with pytest.raises(UnusableModel):
            PortableModel(one.manifest, {name: array for name, array in one.arrays.items() if name != absent})
