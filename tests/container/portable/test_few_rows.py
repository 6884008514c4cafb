"""Predictions for a few rows in one C call equal NumPy's, and no file can lead the C code astray."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from support.container.examples import EXAMPLES
from support.container.tables import TASKS, fit, fitted, mixed, nasty
from tabular.judging.agreement import as_model_input
from tabular.portable import model as portable
from tabular.spec.algorithms import ALGORITHMS

few = pytest.importorskip("tabular.portable.native.few_rows", reason="installed without a compiler")
LAST_BITS = 1e-13  # the exponential of C's library is not NumPy's, and BLAS sums in an order of its own


def both(one, rows, monkeypatch):
    numbers, categories = as_model_input(rows, one.schema)
    numbers = np.ascontiguousarray(numbers)  # as a request's are; the order of NumPy's sums depends on it
    in_c = one.model.predict(numbers, categories)
    assert in_c.is_finite
    monkeypatch.setattr(portable, "few_rows", None)
    in_numpy = one.model.predict(numbers, categories)
    assert not in_numpy.is_finite
    return in_c, in_numpy


def check(in_c, in_numpy):
    if in_numpy.probabilities is None:
        np.testing.assert_allclose(in_c.labels, in_numpy.labels, rtol=LAST_BITS)
        assert all(type(number) is float for number in in_c.labels)
        return
    assert in_c.labels == in_numpy.labels
    assert list(map(type, in_c.labels)) == list(map(type, in_numpy.labels))
    assert in_c.probabilities.dtype == in_numpy.probabilities.dtype
    tolerance = 1e-7 if in_c.probabilities.dtype == np.float32 else LAST_BITS
    np.testing.assert_allclose(in_c.probabilities, in_numpy.probabilities, rtol=tolerance, atol=1e-300)


@pytest.mark.parametrize("n_rows", [1, 3, portable.FEW])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_few_rows_are_answered_as_numpy_does(algorithm, task, n_rows, monkeypatch):
    one = fitted(algorithm, task)
    check(*both(one, nasty(one.frame, 60).sample(n_rows, random_state=n_rows), monkeypatch))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_categories_alone_are_answered(algorithm, monkeypatch):
    one = fit(mixed("multiclass")[["colour", "code", "target"]], algorithm, "multiclass")
    check(*both(one, one.frame.head(5), monkeypatch))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
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


def test_more_rows_are_numpys():
    one = fitted("LogisticRegression", "binary")
    numbers, categories = as_model_input(one.frame.head(portable.FEW + 1), one.schema)
    assert not one.model.predict(numbers, categories).is_finite


def test_an_answer_that_is_not_finite_is_left_to_numpy():
    one = fitted("LogisticRegression", "regression")
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
    return few.model(*(SOUND | changed).values())


def test_a_sound_model_answers():
    labels, probabilities = few.answer(model(), 2, np.array([[3.0], [4.0]]), [1, None])
    assert (labels, probabilities) == ([4.0, 4.0], b"")


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": 0},
        {"kind": 2},
        {"kind": 3},
        {"kind": -1},
        {"link": -1},
        {"link": 7},
        {"link": 2},
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
        {"classes": ("a", "b"), "link": 6},
        {"classes": ("a", "b", "c"), "link": 2},
        {"classes": tuple(range(1000)), "link": 4},
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
        few.answer(model(), n_rows, numbers, hot)


def test_what_is_no_array_or_no_model_is_refused():
    with pytest.raises(TypeError):
        model(parts=("x", "y"))
    with pytest.raises(ValueError, match="PyCapsule_GetPointer"):
        model(trees="trees")
    with pytest.raises(ValueError, match="PyCapsule_GetPointer"):
        few.answer("model", 1, np.zeros((1, 1)), [])
    with pytest.raises(TypeError):
        few.answer(model(), 1, np.zeros((1, 1)), ["x"])


sizes = st.integers(-2, 12)


@examples(max_examples=EXAMPLES)
@given(
    kind=st.integers(-1, 3),
    link=st.integers(-1, 7),
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
    answer = few.answer(held, 2, np.full((2, numbers), cell), [])
    if answer is not None:
        assert len(answer[0]) == 2
