"""The positive class of two: the one that the user names, the one that means yes, or the second."""

import pandas as pd
import pytest
from support.container.tables import mixed
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.positive import means_yes
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import Options


def schema_of(labels, **options):
    table = pd.DataFrame({"x": range(20), "y": pd.Series([*labels] * (20 // len(labels)), dtype=object)})
    return infer_schema(table, "y", "classification", Options(**options))


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        (("no", "yes"), "yes"),
        (("No", "yes"), "yes"),
        (("Yes", "no"), "Yes"),  # the first in sorted order
        (("ja", "nein"), "ja"),
        (("+", "-"), "+"),
        (("POS", "neg"), "POS"),
        (("False", "True"), "True"),
        (("\u0434\u0430", "\u043d\u0435\u0442"), "\u0434\u0430"),
        (("ja", "nej"), "ja"),
        (("evet", "hay\u0131r"), "evet"),
        (("\u05db\u05df", "\u05dc\u05d0"), "\u05db\u05df"),
        (("J", "N"), "J"),
        (("\u0414", "\u041d"), "\u0414"),
        (("+", "\u2212"), "+"),
        (("\u3042\u308a", "\u306a\u3057"), "\u3042\u308a"),
        (("\u5bf9", "\u9519"), "\u5bf9"),
        (("\u9633\u6027", "\u9634\u6027"), "\u9633\u6027"),
        ((0, 1), 1),
        ((1, 2), 2),
        ((-1, 1), 1),
        (("bad", "good"), "good"),  # nobody knows: the second
        (("benign", "malignant"), "malignant"),
        (("defect", "no defect"), "defect"),
        (("Canceled", "Not_Canceled"), "Canceled"),
        (("click", "no_click"), "click"),
        (("ckd", "notckd"), "ckd"),
        (("Nicht gek\u00fcndigt", "gek\u00fcndigt"), "gek\u00fcndigt"),
        (("Will leave", "Will not leave"), "Will leave"),
        (("no-recurrence-events", "recurrence-events"), "recurrence-events"),
        (("\u6d41\u5931", "\u672a\u6d41\u5931"), "\u6d41\u5931"),
        (("No", "deceased"), "deceased"),
        (("anomaly", "normal"), "anomaly"),
        (("attack", "normal."), "attack"),
        (("case", "control"), "case"),
        (("tested_negative", "tested_positive"), "tested_positive"),
        (("result: neg", "result: pos"), "result: pos"),
        (("<=50K", ">50K"), ">50K"),
        (("None", "null"), "null"),  # a label, and not the option that nobody has set
    ],
)
def test_without_a_word_from_the_user_it_is_the_one_that_means_yes_or_the_second(labels, positive):
    schema = schema_of(labels)
    assert schema.positive == positive
    assert schema.classes == tuple(sorted(labels))
    assert Schema.from_dict(schema.to_dict()) == schema


@pytest.mark.parametrize(
    ("labels", "known"),
    [
        (("no", "yes"), True),
        ((1, 2), True),
        (("<=50K", ">50K"), True),
        (("defect", "no defect"), True),
        (("Churned", "Stayed"), False),
        (("bad", "good"), False),
        (("a b", "b a"), False),
        (("", "+"), False),
    ],
)
def test_it_is_known_whether_a_class_means_yes(labels, known):
    assert (means_yes(labels) is not None) is known


@pytest.mark.parametrize(
    ("labels", "given", "positive"),
    [
        (("bad", "good"), "bad", "bad"),
        ((0, 1), 0, 0),
        ((0, 1), "0", 0),
        (("0", "01"), "01", "01"),
        (("0.00", "1.00"), 1, "1.00"),
        (("1", "01"), 1, "1"),
        (("no", "yes"), True, "yes"),  # YAML reads an unquoted yes as true
        (("no", "yes"), False, "no"),
        (("False", "True"), False, "False"),
    ],
)
def test_the_class_that_the_user_names_is_the_positive_one(labels, given, positive):
    schema = schema_of(labels, positive=given)
    assert (schema.positive, schema.classes) == (positive, tuple(sorted(labels)))


def test_more_classes_and_numbers_have_none():
    assert schema_of(("a", "b", "c", "d")).positive is None
    assert infer_schema(mixed("regression"), "target", "regression").positive is None
    assert "positive" not in schema_of(("a", "b", "c", "d")).to_dict()


@pytest.mark.parametrize(
    ("labels", "given", "sentence"),
    [
        (("no", "yes"), "maybe", "positive is 'maybe', and the classes of 'y' are 'no' and 'yes'; name one"),
        (("1.0", "01"), 1, "positive is 1, and the classes of 'y' are '01' and '1.0'; name one of them"),
        (("a", "b"), True, "positive is True, and the classes of 'y' are 'a' and 'b'; name one of them"),
        (("a", "b", "c", "d"), "a", "positive names a class of two, and the target 'y' has 4 classes; leave"),
    ],
)
def test_a_class_that_does_not_exist_is_refused(labels, given, sentence):
    with pytest.raises(BadInput, match=sentence):
        schema_of(labels, positive=given)


def test_a_number_to_predict_has_no_positive_class():
    with pytest.raises(BadInput, match="the target 'target' is a number; leave it out"):
        infer_schema(mixed("regression"), "target", "regression", Options(positive="1"))
    for task in ("multiclass", "regression"):
        with pytest.raises(BadInput, match=f"positive names a class of two, and the task is {task}"):
            Options(task=task, positive="a")
    with pytest.raises(BadInput, match="positive is \\['a'\\]; it must be one of the two classes"):
        Options(positive=["a"])


def test_options_of_before_keep_their_form():
    assert "positive" not in Options().to_dict()
    assert Options.from_dict(Options(positive="a").to_dict()).positive == "a"
