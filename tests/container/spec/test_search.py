"""The plan of a packed search travels as text, and is refused where it makes no sense."""

import pytest
from tabular.spec.errors import BadInput
from tabular.spec.search import Plan

PLAN = Plan("XGBoost, LightGBM", trials=24, scorer="roc_auc", folds=5, random_state=1, ensemble="false")


def test_a_plan_travels_as_text_and_comes_back():
    sent = PLAN.to_hyperparameters()
    assert set(map(type, sent.values())) == {str}
    assert Plan.from_hyperparameters(sent) == PLAN


def test_the_names_of_the_algorithms_may_have_blanks_between_them():
    assert PLAN.names == ("XGBoost", "LightGBM")
    assert not PLAN.may_combine


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("trials", "0", "trials is 0; it must be at least 1"),
        ("trials", "many", "trials is 'many'; it must be an integer"),
        ("seconds", "-1", "seconds is -1; it must be at least 0"),
        ("seconds", "39601", "a search may use 39600, so that what overruns can still end"),
        ("folds", "1", "folds is 1; it must be at least 2"),
        ("ensemble", "yes", "ensemble is 'yes'; it must be true or false"),
        ("algorithms", " , ", "The search has no algorithm"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_in_one_sentence(field, value, said):
    with pytest.raises(BadInput, match=said):
        Plan.from_hyperparameters(PLAN.to_hyperparameters() | {field: value})


def test_a_missing_field_is_named():
    sent = PLAN.to_hyperparameters()
    del sent["scorer"]
    with pytest.raises(BadInput, match="The search has no scorer"):
        Plan.from_hyperparameters(sent)
