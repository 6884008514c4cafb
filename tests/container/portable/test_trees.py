"""The walk through trees in C equals the one in NumPy to the last bit, and trusts no index."""

import os
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import ROOT
from support.container.examples import EXAMPLES
from support.container.tables import TASKS, fitted, nasty
from tabular.judging.agreement import as_model_input
from tabular.portable import model as portable
from tabular.portable import predictors

trees_in_c = pytest.importorskip("tabular.portable.native.trees", reason="installed without a compiler")
TREES = ("RandomForest", "XGBoost", "LightGBM")
PYPROJECT = ROOT / "container/pyproject.toml"


def both(model, n_rows, monkeypatch, *, harm=False):
    """A model's answer to random rows, walked in C and in NumPy; all but the walk is NumPy's in both."""
    monkeypatch.setattr(portable, "predict_in_c", None)
    one = fitted(*model)
    rows = nasty(one.frame, 60).sample(n_rows, replace=True, random_state=n_rows)
    numbers, categories = as_model_input(rows, one.schema)
    if harm:
        numbers = np.where(np.random.default_rng(0).random(numbers.shape) < 0.3, np.inf, numbers)
    in_c = one.model.predict(numbers, categories)
    monkeypatch.setattr(predictors, "trees_in_c", None)
    return in_c, one.model.predict(numbers, categories)


@pytest.mark.parametrize("n_rows", [1, 2, 7, 8, 9, 16, 100, 1000])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", TREES)
def test_both_walks_give_the_same_bits(algorithm, task, n_rows, monkeypatch):
    in_c, in_numpy = both((algorithm, task), n_rows, monkeypatch)
    assert in_c.labels == in_numpy.labels
    np.testing.assert_array_equal(in_c.probabilities, in_numpy.probabilities)


@pytest.mark.parametrize("algorithm", TREES)
def test_both_walks_take_an_infinite_number_the_same_way(algorithm, monkeypatch):
    in_c, in_numpy = both((algorithm, "multiclass"), 50, monkeypatch, harm=True)
    np.testing.assert_array_equal(in_c.probabilities, in_numpy.probabilities)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", TREES)
def test_the_kernel_walks_the_trees_of_every_library(algorithm, task, monkeypatch):
    one, packed = fitted(algorithm, task), []
    pack = predictors.trees_in_c.pack
    monkeypatch.setattr(predictors.trees_in_c, "pack", lambda *given: packed.append(given) or pack(*given))
    assert one.model is not None
    assert len(packed) == 1


def test_trees_that_are_changed_after_they_were_loaded_change_nothing():
    one = fitted("RandomForest", "binary")
    arrays = {name: array.copy() for name, array in one.arrays.items()}
    (member,) = one.model.members
    model = predictors.trees(one.manifest["estimator"], arrays, member.features.width, 2)
    rows = member.transform(member.features.inputs(*as_model_input(one.frame, one.schema)))
    before = model.predict(rows)[1]
    for name in ("feature", "left", "root", "group"):
        arrays[name][:] = 2**30
    np.testing.assert_array_equal(model.predict(rows)[1], before)


SOUND = {
    "feature": np.array([0, 0, 0], dtype=np.int32),
    "threshold": np.array([0.5, np.inf, np.inf]),
    "left": np.array([1, 1, 2], dtype=np.int32),
    "default_left": np.array([1, 1, 1], dtype=np.uint8),
    "root": np.array([0], dtype=np.int32),
    "group": np.array([0], dtype=np.int32),
    "value": np.array([0.0, 1.0, 2.0]),
}


def pack(n_features=1, n_outputs=1, is_double=True, **changed):
    return trees_in_c.pack(*(SOUND | changed).values(), n_features, n_outputs, is_double)


def int32(*values):
    return np.array(values, dtype=np.int32)


def test_a_sound_tree_is_walked():
    totals = np.full((4, 1), 10.0)
    trees_in_c.add(pack(), np.array([[0.5], [0.6], [np.nan], [-np.inf]]), totals)
    assert totals.ravel().tolist() == [11.0, 12.0, 11.0, 11.0]


@pytest.mark.parametrize(
    "changed",
    [
        {"feature": int32(1, 0, 0)},
        {"feature": int32(-1, 0, 0)},
        {"feature": int32(2**30, 0, 0)},
        {"left": int32(2, 1, 2)},
        {"left": int32(3, 1, 2)},
        {"left": int32(-1, 1, 2)},
        {"left": int32(1, 0, 2)},
        {"root": int32(3)},
        {"root": int32(-1)},
        {"root": int32(0, 0)},
        {"group": int32(1)},
        {"group": int32(-1)},
        {"group": int32()},
        {"value": np.zeros(2)},
        {"value": np.zeros(0)},
        {"value": np.zeros((3, 2))},
        {"threshold": np.zeros(3, dtype=np.float32)},
        {"default_left": np.zeros(2, dtype=np.uint8)},
        {"is_double": False},
        {"n_features": 0},
        {"n_features": 2**31},
        {"n_outputs": 0},
        {"n_outputs": -1},
    ],
    ids=str,
)
def test_arrays_that_do_not_fit_together_are_refused(changed):
    with pytest.raises(ValueError, match="The arrays of the trees do not fit together"):
        pack(**changed)


def test_a_node_that_leads_to_itself_is_a_leaf_whatever_its_threshold_says():
    """Otherwise a step to the right of it would leave the array."""
    totals = np.zeros((2, 1))
    walk = pack(threshold=np.array([-1.0, -1.0, -1.0]), default_left=np.zeros(3, dtype=np.uint8))
    trees_in_c.add(walk, np.array([[5.0], [np.nan]]), totals)
    assert totals.ravel().tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("rows", "totals"),
    [
        (np.zeros((2, 1)), np.zeros((1, 1))),
        (np.zeros((1, 1)), np.zeros((2, 1))),
        (np.zeros((1, 2)), np.zeros((1, 1))),
        (np.zeros((1, 1), dtype=np.float32), np.zeros((1, 1))),
        (np.zeros(0), np.zeros((1, 1))),
        (np.zeros((1, 1)), np.zeros(3, dtype=np.uint8)),
    ],
)
def test_rows_and_totals_of_other_sizes_are_refused(rows, totals):
    with pytest.raises(ValueError, match="Rows and totals are not of the size of the trees"):
        trees_in_c.add(pack(), rows, totals)


def test_what_is_no_array_or_no_tree_is_refused():
    with pytest.raises(TypeError):
        trees_in_c.pack(*["x"] * 7, 1, 1, True)
    with pytest.raises(ValueError, match="PyCapsule_GetPointer"):
        trees_in_c.add("trees", np.zeros((1, 1)), np.zeros((1, 1)))
    frozen = np.zeros((1, 1))
    frozen.flags.writeable = False
    with pytest.raises((TypeError, BufferError, ValueError)):
        trees_in_c.add(pack(), np.zeros((1, 1)), frozen)


indices = st.lists(st.integers(-3, 9), min_size=1, max_size=8)


@settings(max_examples=EXAMPLES)
@given(feature=indices, left=indices, root=indices, group=indices, threshold=st.floats(), cell=st.floats())
def test_any_indices_are_refused_or_lead_to_leaves(feature, left, root, group, threshold, cell):
    """A walk that left its memory or went in a circle would crash or hang here."""
    n_nodes = min(len(feature), len(left))
    try:
        walk = trees_in_c.pack(
            int32(*feature[:n_nodes]),
            np.full(n_nodes, threshold),
            int32(*left[:n_nodes]),
            np.zeros(n_nodes, dtype=np.uint8),
            int32(*root[: len(group)]),
            int32(*group[: len(root)]),
            np.ones(n_nodes),
            4,
            3,
            True,
        )
    except ValueError:
        return
    totals = np.zeros((9, 3))
    trees_in_c.add(walk, np.full((9, 4), cell), totals)
    assert totals.sum() == 9 * min(len(root), len(group))


def test_the_installation_succeeds_without_a_compiler():
    modules = tomllib.loads(PYPROJECT.read_text())["tool"]["setuptools"]["ext-modules"]
    assert {module["name"] for module in modules} == {
        "tabular.data.files.native.csv_columns",
        "tabular.data.values.native.counts",
        "tabular.data.values.native.plain_cells",
        "tabular.data.values.native.texts",
        "tabular.portable.native.predict",
        "tabular.portable.native.trees",
        "tabular.portable.native.csv_rows",
    }
    assert all(module["optional"] for module in modules)


@pytest.mark.slow
def test_what_is_written_in_c_can_be_done_without(make_folder):
    code = (
        "import sys\n"
        "names = ('portable.native.predict', 'portable.native.trees', 'portable.native.csv_rows')\n"
        "names += ('data.files.native.csv_columns', 'data.values.native.plain_cells')\n"
        "names += ('data.values.native.counts', 'data.values.native.texts')\n"
        "sys.modules |= dict.fromkeys(f'tabular.{name}' for name in names)\n"
        "from pathlib import Path\n"
        "from tabular.data.doubts import repetitions\n"
        "from tabular.data.decisions.many import counts, dates, plain_cells\n"
        "from tabular.data.files import csv_parts\n"
        "from tabular.portable import files, model, predictors\n"
        "from tabular.serving import codec\n"
        "assert model.predict_in_c is predictors.trees_in_c is codec.csv_rows is None\n"
        "assert plain_cells.cells_in_c is csv_parts.columns_in_c is counts.counts_in_c is None\n"
        "assert repetitions.texts_in_c is dates.texts_in_c is None\n"
        "print(files.load_model(Path(sys.argv[1])).kind)\n"
    )
    command = [sys.executable, "-c", code, str(make_folder("RandomForest"))]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert (done.stdout, done.stderr) == ("trees\n", "")
