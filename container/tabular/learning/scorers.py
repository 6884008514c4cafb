"""scikit-learn's scorers for a table, of which some depend on which of two classes is the positive one."""

from sklearn.metrics import (
    average_precision_score,
    f1_score,
    get_scorer,
    make_scorer,
    precision_score,
    recall_score,
)

from tabular.learning.rounds import Scorer
from tabular.spec.columns import Schema
from tabular.spec.metrics import check_scorer

__all__ = ["scorer_of"]

# The others say the same whichever class is positive.
_OF_THE_FIRST_CLASS = {
    "average_precision": make_scorer(
        average_precision_score, response_method=("decision_function", "predict_proba"), pos_label=0
    ),
    "f1": make_scorer(f1_score, pos_label=0),
    "precision": make_scorer(precision_score, pos_label=0),
    "recall": make_scorer(recall_score, pos_label=0),
}


def scorer_of(name: str, schema: Schema) -> Scorer:
    """The scorer of this name, for the positive class of the table if there are two.

    Raises:
        BadInput: if the scorer does not fit the task.
    """
    check_scorer(name, schema.task)
    first = schema.task == "binary" and schema.positive == schema.classes[0]
    return _OF_THE_FIRST_CLASS[name] if first and name in _OF_THE_FIRST_CLASS else get_scorer(name)
