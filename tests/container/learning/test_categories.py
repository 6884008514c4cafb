"""Categories by the number of their levels: a feature for each, or the mean of the target."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import issparse
from support.container.tables import TASKS, family, nasty, settings
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.judging.agreement import check_equal
from tabular.learning.fitting import fit
from tabular.learning.pipeline import FEW_LEVELS, build_pipeline, fit_features
from tabular.portable.export import export
from tabular.portable.model import PortableModel, UnusableModel
from tabular.spec.algorithms import ALGORITHMS, exporter_of

ROWS, ROUNDS = 1200, 10


def table(task="binary", rows=ROWS, numbers=True):
    """A category with few levels, one with many, an ID, and a number with gaps."""
    draw = np.random.default_rng(0)
    many = draw.integers(40, size=rows)
    score = draw.normal(size=40)[many] + 0.5 * draw.normal(size=rows)
    target = score.round(4)
    if task != "regression":
        edges = [0.5] if task == "binary" else [0.3, 0.7]
        target = np.array(["a", "b", "c"])[np.digitize(score, np.quantile(score, edges))]
    columns = {
        "few": draw.choice(["red", "green", "blue"], rows),
        "many": np.array([f"level {i}" for i in range(40)])[many],
        "id": np.array([f"id {i}" for i in range(rows)]),
        "number": np.where(draw.random(rows) < 0.1, np.nan, draw.normal(size=rows)),
        "target": target,
    }
    return pd.DataFrame(columns if numbers else {k: v for k, v in columns.items() if k != "number"})


def prepared(given, task="binary"):
    schema = infer_schema(given, "target", family(task))
    return features(given, schema), encode(given["target"], schema), schema


def exported(algorithm, task, given, groups=None):
    frame, target, schema = prepared(given, task)
    pipeline = fit(frame, target, schema, algorithm, settings(algorithm, task), 7, ROUNDS, groups)
    return frame, schema, pipeline, export(pipeline, schema, exporter_of(algorithm, schema.family))


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_levels_are_served_as_they_were_encoded(algorithm, task, numbers):
    frame, schema, pipeline, (manifest, arrays) = exported(algorithm, task, table(task, numbers=numbers))
    assert [one.get("kind") for one in manifest["encodings"]] == [None, "target", None]
    assert manifest["encodings"][2]["width"] == FEW_LEVELS, "the rarest levels share a feature"
    model = PortableModel(manifest, arrays)
    check_equal(model, pipeline, frame.head(200), schema)
    check_equal(model, pipeline, nasty(frame), schema)


def test_a_level_that_was_never_seen_gets_the_mean_of_the_target():
    frame, _, pipeline, (manifest, arrays) = exported("LightGBM", "binary", table())
    strange = frame.head(1).assign(many="never seen")
    assert pipeline.named_steps["features"].transform(strange)[0, 1] == pytest.approx(0.5)
    encoding = manifest["encodings"][1]
    assert arrays["level.values"][encoding["unknown"]] == pytest.approx(0.5)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_features_are_sparse_where_the_estimator_reads_absent_cells_as_zero(algorithm):
    frame, target, schema = prepared(table(numbers=False))
    found = fit_features(build_pipeline(schema, algorithm, {}, 7)[:-1], frame, target)
    assert issparse(found) == (algorithm in ("NeuralNet", "LogisticRegression"))


def test_numbers_stay_dense_beside_a_category():
    given = table()[["few", "target"]]
    numbers = pd.DataFrame(np.random.default_rng(0).normal(size=(ROWS, 60))).add_prefix("number ")
    frame, target, schema = prepared(given.join(numbers))
    assert not issparse(fit_features(build_pipeline(schema, "LogisticRegression", {}, 7)[:-1], frame, target))


@pytest.mark.parametrize("algorithm", ["LightGBM", "LogisticRegression"])
def test_what_a_row_learns_of_a_level_does_not_come_from_its_own_target(algorithm):
    frame, target, schema = prepared(table())
    changed = target.copy()
    changed[0] = 1 - changed[0]
    one, other = (encoded(frame, labels, schema, algorithm) for labels in (target, changed))
    same = frame["many"] == frame["many"][0]
    if algorithm == "LightGBM":
        assert one[0] == other[0]
    else:  # the scale depends on all rows
        assert one[0] == pytest.approx(other[0], abs=1e-2)
    assert np.abs(one[same] - other[same]).max() > 5e-2, "other rows of the level do learn from it"


def test_what_a_row_learns_of_a_level_does_not_come_from_its_group():
    frame, target, schema = prepared(table())
    groups = np.arange(ROWS) // 30
    changed = np.where(groups == groups[0], 1 - target, target)
    one, other = (encoded(frame, labels, schema, "LightGBM", groups) for labels in (target, changed))
    np.testing.assert_array_equal(one[groups == groups[0]], other[groups == groups[0]])
    alone, together = (encoded(frame, labels, schema, "LightGBM") for labels in (target, changed))
    assert (alone != together)[groups == groups[0]].any(), "without groups it does"


def test_one_group_and_groups_without_many_levels_are_fitted():
    for given, groups in ((table(), np.zeros(ROWS)), (table(rows=300), np.arange(300) // 10)):
        frame, target, schema = prepared(given)
        pipeline = fit(frame, target, schema, "LightGBM", {}, 7, ROUNDS, groups)
        assert (pipeline.predict(frame) == target).mean() > 0.5


def test_with_many_classes_no_category_is_encoded_by_the_target():
    classes = [f"class {i}" for i in range(FEW_LEVELS + 1)]
    given = table(rows=ROWS).assign(target=np.resize(classes, ROWS))
    manifest = exported("LightGBM", "multiclass", given)[3][0]
    assert [one.get("kind") for one in manifest["encodings"]] == [None, None, None]


@pytest.mark.parametrize(
    "change",
    [
        lambda encoding, arrays: arrays.pop("level.values"),
        lambda encoding, arrays: arrays.update({"level.values": arrays["level.values"].astype(np.float32)}),
        lambda encoding, arrays: arrays.update({"level.values": np.hstack([arrays["level.values"]] * 2)}),
        lambda encoding, arrays: encoding.update(unknown=None),
        lambda encoding, arrays: encoding.update(unknown=41),
        lambda encoding, arrays: encoding["levels"].update({"level 1": -1}),
        lambda encoding, arrays: encoding["levels"].update({"level 1": "0"}),
    ],
)
def test_a_file_whose_levels_lead_nowhere_is_refused(change):
    manifest, arrays = exported("LogisticRegression", "binary", table())[3]
    PortableModel(manifest, arrays)
    change(manifest["encodings"][1], arrays)
    with pytest.raises(UnusableModel):
        PortableModel(manifest, arrays)


def encoded(frame, target, schema, algorithm, groups=None):
    """What the category with many levels becomes in the rows to fit on (n_rows,)."""
    found = fit_features(build_pipeline(schema, algorithm, {}, 7)[:-1], frame, target, groups)
    return (found.toarray() if issparse(found) else found)[:, 1]
