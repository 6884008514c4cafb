"""How closely a portable model agrees with scikit-learn; one that differs is never registered."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from support.container.tables import fit, fitted
from tabular.judging.agreement import check_answers, check_equal, positions
from tabular.portable.model import PortableModel
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.errors import BadInput


def answers(task):
    """What scikit-learn says of a task's rows, and the fitted model."""
    one = fitted("LogisticRegression", task)
    predicted = one.pipeline.predict(one.frame)
    probabilities = None if task == "regression" else one.pipeline.predict_proba(one.frame)
    return one, predicted, probabilities


def compare(one, *given, tolerance=1e-12):
    return check_answers(given, one.pipeline, one.frame, one.schema, tolerance)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_only_trees_may_differ_by_more_than_the_order_of_a_sum(algorithm):
    model = fitted(algorithm, "binary").model
    assert model.tolerance == (4 * 2**-23 if model.kind == "trees" else 1e-12)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_same_answers_differ_by_nothing(task):
    one, predicted, probabilities = answers(task)
    agreement = compare(one, (predicted, probabilities), (predicted, probabilities))
    assert (agreement.rows, agreement.largest_difference, agreement.ties) == (160, 0.0, 0)


def test_the_largest_difference_of_all_answers_is_told():
    one, predicted, probabilities = answers("binary")
    other = probabilities.copy()
    other[7] += [1e-13, -1e-13]
    agreement = compare(one, (predicted, probabilities), (predicted, other))
    assert 4e-14 < agreement.largest_difference < 2e-13


@pytest.mark.parametrize("value", [1e-9, np.nan])
def test_a_probability_that_differs_is_refused_with_its_row(value):
    one, predicted, probabilities = answers("binary")
    other = probabilities.copy()
    other[41, 1] += value
    with pytest.raises(
        BadInput, match=r"differs from scikit-learn by .* in row 42, and at most 1e-12 is allowed; it is not"
    ):
        compare(one, (predicted, probabilities), (predicted, other))


def test_another_label_is_refused():
    one, predicted, probabilities = answers("multiclass")
    other = predicted.astype(np.intp)
    other[:2] = (other[:2] + 1) % 3
    with pytest.raises(
        BadInput, match="predicts other labels than scikit-learn for 2 of 160 rows; it is not registered"
    ):
        compare(one, (other, probabilities))


def test_another_label_of_equal_probability_is_a_tie_and_counted():
    one, predicted, probabilities = answers("binary")
    probabilities[3] = [0.5, 0.5]

    class Undecided:
        """scikit-learn with one row on the fence."""

        predict = staticmethod(lambda frame: predicted)
        predict_proba = staticmethod(lambda frame: probabilities)

    other = predicted.astype(np.intp)
    other[3] = 1 - other[3]
    assert check_answers([(other, probabilities)], Undecided, one.frame, one.schema, 1e-12).ties == 1


def test_a_number_is_compared_in_the_size_of_the_largest():
    one, predicted, _ = answers("regression")
    large = np.abs(predicted).max()
    assert compare(one, (predicted + large * 5e-13, None)).largest_difference < 1e-12
    with pytest.raises(BadInput, match="differs from scikit-learn"):
        compare(one, (predicted + (1 + large) * 2e-12, None))


def test_rows_are_compared_in_a_batch_and_one_by_one():
    one = fitted("NeuralNet", "multiclass")

    class Alone(PortableModel):
        """Differs where it is asked for one row."""

        def predict(self, numbers, categories):
            answer = super().predict(numbers, categories)
            return answer._replace(probabilities=answer.probabilities + 1e-6 * (len(numbers) == 1))

    with pytest.raises(BadInput, match=r"differs from scikit-learn by .* in row 1,"):
        check_equal(Alone(one.manifest, one.arrays), one.pipeline, one.frame, one.schema)


def test_labels_are_compared_as_positions_and_numbers_as_they_are():
    assert positions([10, 0, 20], fitted("XGBoost", "multiclass").schema).tolist() == [1, 0, 2]
    assert positions([1.5, -2.0], fitted("XGBoost", "regression").schema).tolist() == [1.5, -2.0]


def test_probabilities_of_single_precision_agree_on_real_columns():
    """XGBoost's own exponential function differs from NumPy's by two units in the last place."""
    table = load_breast_cancer(as_frame=True).frame
    for random_state in range(3):
        one = fit(table, "XGBoost", "binary", hyperparameters={"max_depth": str(4 + random_state)})
        assert check_equal(one.model, one.pipeline, one.frame, one.schema).largest_difference < 4e-7
