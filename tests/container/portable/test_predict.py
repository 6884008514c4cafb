"""Predictions in one C call equal NumPy's, row by row, and no file can lead the C code astray."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from support.container.examples import EXAMPLES
from support.container.tables import ENSEMBLE, MODELS, TASKS, fit, fitted, mixed, nasty
from tabular.judging.agreement import as_model_input
from tabular.portable import model as portable
from tabular.spec.options import Options

in_c = pytest.importorskip("tabular.portable.native.predict", reason="installed without a compiler")
LAST_BITS = 1e-13  # the exponential of C's library is not NumPy's


def both(one, rows, monkeypatch):
    numbers, categories = as_model_input(rows, one.schema)
    ours = one.model.predict(numbers, categories)
    assert ours.is_finite
    monkeypatch.setattr(portable, "predict_in_c", None)
    in_numpy = one.model.predict(numbers, categories)
    assert not in_numpy.is_finite
    return ours, in_numpy


def check(ours, in_numpy):
    if in_numpy.probabilities is None:
        np.testing.assert_allclose(ours.labels, in_numpy.labels, rtol=LAST_BITS)
        assert all(type(number) is float for number in ours.labels)
        return
    assert ours.labels == in_numpy.labels
    assert list(map(type, ours.labels)) == list(map(type, in_numpy.labels))
    assert ours.probabilities.dtype == in_numpy.probabilities.dtype
    tolerance = 1e-7 if ours.probabilities.dtype == np.float32 else LAST_BITS
    np.testing.assert_allclose(ours.probabilities, in_numpy.probabilities, rtol=tolerance, atol=1e-300)


@pytest.mark.parametrize("n_rows", [1, 3, 60])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", MODELS)
def test_rows_are_answered_as_numpy_does(algorithm, task, n_rows, monkeypatch):
    one = fitted(algorithm, task)
    check(*both(one, nasty(one.frame, 60).sample(n_rows, random_state=n_rows), monkeypatch))


@pytest.mark.parametrize("algorithm", MODELS)
def test_categories_alone_are_answered(algorithm, monkeypatch):
    one = fit(mixed("multiclass")[["colour", "code", "target"]], algorithm, "multiclass")
    check(*both(one, one.frame.head(5), monkeypatch))


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", MODELS)
def test_a_wide_table_is_answered(algorithm, monkeypatch):
    table = mixed("binary", gaps=False)[["size", "target"]]
    noise = np.random.default_rng(0).normal(size=(len(table), 700))
    table = table.join(pd.DataFrame(noise).add_prefix("noise "))
    one = fit(table, algorithm, "binary")
    check(*both(one, one.frame.head(2), monkeypatch))


def test_the_hyperbolic_tangent_is_answered(monkeypatch):
    one = fit(mixed("binary"), "NeuralNet", "binary", {"activation": "tanh", "hidden_layer_sizes": "32-16"})
    check(*both(one, one.frame.head(8), monkeypatch))


@pytest.mark.parametrize("algorithm", ["RandomForest", "NaiveBayes"])
def test_shares_and_likelihoods_are_the_same_to_the_last_bits_whatever_the_numbers(algorithm, monkeypatch):
    one = fitted(algorithm, "multiclass")
    rows = nasty(one.frame, 60)
    for start in range(0, 56, 8):
        with monkeypatch.context() as patch:
            check(*both(one, rows.iloc[start : start + 8], patch))


@pytest.mark.parametrize("algorithm", ["XGBoost", ENSEMBLE])
def test_the_logarithm_of_the_target_is_undone(algorithm, monkeypatch):
    table = mixed("regression").assign(target=lambda table: np.exp(table["target"]))
    one = fit(table, algorithm, "regression", options=Options(log_target=True))
    check(*both(one, one.frame.head(20), monkeypatch))


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", MODELS)
def test_an_answer_does_not_depend_on_the_rows_beside_it(algorithm, task, compiled, monkeypatch):
    if not compiled:
        monkeypatch.setattr(portable, "predict_in_c", None)
    one = fitted(algorithm, task)
    numbers, categories = as_model_input(one.frame, one.schema)
    everything = one.model.predict(numbers, categories)
    for rows in (slice(1), slice(5, 8), slice(3, 12), slice(1, 36)):
        for order in (np.ascontiguousarray, np.asfortranarray):
            some = one.model.predict(order(numbers[rows]), [levels[rows] for levels in categories])
            assert some.labels == everything.labels[rows]
            if some.probabilities is not None:
                assert np.array_equal(some.probabilities, everything.probabilities[rows])


@pytest.mark.parametrize("algorithm", ["NeuralNet", ENSEMBLE])
def test_many_rows_are_answered_in_blocks(algorithm):
    one = fitted(algorithm, "multiclass")
    numbers, categories = as_model_input(one.frame, one.schema)
    once = one.model.predict(numbers, categories)
    many = one.model.predict(np.tile(numbers, (7, 1)), [levels * 7 for levels in categories])
    assert many.labels == once.labels * 7
    assert np.array_equal(many.probabilities, np.tile(once.probabilities, (7, 1)))


@pytest.mark.parametrize("algorithm", ["LogisticRegression", ENSEMBLE])
def test_an_answer_that_is_not_finite_is_left_to_numpy(algorithm):
    one = fitted(algorithm, "regression")
    numbers, categories = as_model_input(one.frame.head(1), one.schema)
    prediction = one.model.predict(np.full_like(numbers, np.inf), categories)
    assert not prediction.is_finite
    assert not np.isfinite(prediction.labels).all()


DENSE = (np.ones((2, 1)), np.zeros(1))
SOUND = {
    "kind": 1,
    "link": 0,
    "activation": 0,
    "is_single": False,
    "divisor": 1,
    "n_numeric": 1,
    "n_features": 2,
    "n_outputs": 1,
    "trees": None,
    "constants": (None, None, None),
    "parts": DENSE,
    "classes": (),
}


def model(**changed):
    return in_c.model(*(SOUND | changed).values())


def test_a_sound_model_answers():
    labels, numbers = in_c.answer(model(), 2, np.array([[3.0], [4.0]]), [1, None])
    assert labels == np.frombuffer(numbers).tolist() == [4.0, 4.0]


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": 0},
        {"kind": 2},
        {"kind": 3},
        {"kind": -1},
        {"link": -1},
        {"link": 8},
        {"link": 2},
        {"link": 7},
        {"n_numeric": -1},
        {"n_numeric": 3},
        {"n_features": 3},
        {"n_features": -1},
        {"n_outputs": 0},
        {"n_outputs": 2},
        {"n_outputs": 2**40},
        {"parts": ()},
        {"parts": DENSE[:1]},
        {"parts": DENSE * 2},
        {"parts": DENSE * 40},
        {"parts": (np.ones((2, 1)), np.zeros(0))},
        {"parts": (np.ones((2, 1), dtype=np.float32), np.zeros(1))},
        {"constants": (np.zeros(2), None, None)},
        {"constants": (None, np.zeros(1), None)},
        {"constants": (None, np.zeros(1), np.ones(2))},
        {"classes": ("a",)},
        {"classes": ("a", "b")},
        {"classes": ("a", "b"), "link": 1},
        {"classes": ("a", "b"), "link": 7},
        {"classes": ("a", "b", "c"), "link": 3},
        {"classes": tuple(range(1000)), "link": 5},
    ],
    ids=str,
)
def test_arrays_that_do_not_fit_together_are_refused(changed):
    with pytest.raises(ValueError, match="The arrays of the model do not fit together"):
        model(**changed)


@pytest.mark.parametrize(
    ("n_rows", "numbers", "hot"),
    [
        (1, np.zeros((1, 2)), []),
        (2, np.zeros((1, 1)), []),
        (0, np.zeros((0, 1)), []),
        (-1, np.zeros((1, 1)), []),
        (2**62, np.zeros((1, 1)), []),
        (2, np.zeros((2, 1)), [1]),
        (1, np.zeros((1, 1)), [0]),
        (1, np.zeros((1, 1)), [2]),
        (1, np.zeros((1, 1)), [-1]),
    ],
)
def test_rows_of_another_size_are_refused(n_rows, numbers, hot):
    with pytest.raises(ValueError, match=r"not of the size of the model|does not have"):
        in_c.answer(model(), n_rows, numbers, hot)


def test_what_is_no_array_or_no_model_is_refused():
    with pytest.raises(TypeError):
        model(parts=("x", "y"))
    with pytest.raises(ValueError, match="PyCapsule_GetPointer"):
        model(trees="trees")
    with pytest.raises(ValueError, match="PyCapsule_GetPointer"):
        in_c.answer("model", 1, np.zeros((1, 1)), [])
    with pytest.raises(TypeError):
        in_c.answer(model(), 1, np.zeros((1, 1)), ["x"])


ROWS = (np.array([[3.0], [4.0]]), [1, None])


def test_the_mean_is_weighted_and_summed_in_the_order_of_the_models():
    twice = model(parts=(np.full((2, 1), 2.0), np.zeros(1)))
    labels, numbers = in_c.mean((model(), twice, model()), (0.5, 0.25, 0.25), 2, (ROWS,) * 3)
    assert labels == np.frombuffer(numbers).tolist() == [5.0, 5.0]
    tenths = in_c.mean((model(),) * 3, (0.1, 0.2, 0.7), 1, ((np.array([[1.0]]), []),) * 3)[0]
    assert tenths == [0.0 + 0.1 * 1.0 + 0.2 * 1.0 + 0.7 * 1.0]


@pytest.mark.parametrize(
    ("models", "weights", "n_rows", "inputs"),
    [
        ((), (), 2, ()),
        ((model(),), (), 2, (ROWS,)),
        ((model(),), (1.0,), 2, ()),
        ((model(), model()), (1.0,), 2, (ROWS, ROWS)),
        ((model(),), (1.0,), 0, (ROWS,)),
        ((model(),), (1.0,), 2**62, (ROWS,)),
        ((model(),), (1.0,), 1, (ROWS,)),
        ((model(), model(n_numeric=2)), (0.5, 0.5), 2, (ROWS, ROWS)),
        ((model(), model(classes=("a", "b"), link=3)), (0.5, 0.5), 2, (ROWS, ROWS)),
        (("model",), (1.0,), 2, (ROWS,)),
        ((model(), "model"), (0.5, 0.5), 2, (ROWS, ROWS)),
    ],
)
def test_models_and_inputs_that_do_not_make_a_mean_are_refused(models, weights, n_rows, inputs):
    with pytest.raises(ValueError, match=r"one weight and one input|of the size|differ in their|PyCapsule"):
        in_c.mean(models, weights, n_rows, inputs)


@pytest.mark.parametrize(
    ("weights", "inputs"),
    [
        (("x",), (ROWS,)),
        ((1.0,), ("xx",)),
        ((1.0,), ((),)),
        ((1.0,), ((*ROWS, 1),)),
        ((1.0,), (("x", []),)),
        ((1.0,), ((ROWS[0], "x"),)),
        ((1.0,), ((ROWS[0], ["x", None]),)),
    ],
)
def test_what_is_no_weight_or_no_input_is_refused(weights, inputs):
    with pytest.raises(TypeError):
        in_c.mean((model(),), weights, 2, inputs)


def test_a_mean_that_is_not_finite_is_left_to_numpy():
    assert in_c.mean((model(), model()), (0.5, 0.5), 1, ((np.array([[np.inf]]), []),) * 2) is None
    assert in_c.mean((model(), model()), (2.0, 2.0), 1, ((np.array([[1e308]]), []),) * 2) is None


sizes = st.integers(-2, 12)


@examples(max_examples=EXAMPLES)
@given(
    kind=st.integers(-1, 3),
    link=st.integers(-1, 8),
    numbers=sizes,
    features=sizes,
    outputs=sizes,
    lengths=st.lists(st.integers(0, 24), max_size=6),
    n_classes=st.integers(0, 6),
    cell=st.floats(),
)
def test_any_sizes_are_refused_or_answered(kind, link, numbers, features, outputs, lengths, n_classes, cell):
    try:
        held = model(
            kind=kind,
            link=link,
            n_numeric=numbers,
            n_features=features,
            n_outputs=outputs,
            parts=tuple(np.full(length, 0.5) for length in lengths),
            classes=tuple(range(n_classes)),
        )
    except ValueError:
        return
    answer = in_c.answer(held, 2, np.full((2, numbers), cell), [])
    if answer is not None:
        assert len(answer[0]) == 2
