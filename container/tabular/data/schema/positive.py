"""Which of two classes is the positive one, by what their words mean."""

import re
from collections.abc import Sequence

from tabular.data.schema.labels import Label
from tabular.data.values.cells import BOOLEAN_PAIRS, BOOLEANS, TRUE
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

__all__ = ["means_yes", "positive_of"]

# Beside the words for true and false, of which the one for true is the positive class.
_POSITIVE_AND_NEGATIVE = (
    *(
        ("positive", "negative"),
        ("pos", "neg"),
        ("+", "-"),
        ("+", "\u2212"),
        ("(+)", "(-)"),
        ("positiv", "negativ"),
    ),
    *(("positif", "n\u00e9gatif"), ("positivo", "negativo"), ("positief", "negatief")),
    *(("\u9633\u6027", "\u9634\u6027"), ("\u967d\u6027", "\u9670\u6027"), ("\uc591\uc131", "\uc74c\uc131")),
    *(("j", "n"), ("s", "n"), ("o", "n"), ("\u0434", "\u043d")),  # yes and no, too short to be sure of
)
OPPOSITES = tuple(map(frozenset, _POSITIVE_AND_NEGATIVE))
POSITIVE = frozenset(positive for positive, _ in _POSITIVE_AND_NEGATIVE)
# What makes the opposite of the words beside it: no rain and rain.
NEGATIONS = frozenset(
    (
        *("no", "not", "non", "without", "kein", "keine", "nicht", "ohne", "pas", "sans", "sin", "sem"),
        *("não", "nao", "senza", "geen", "niet", "zonder", "nie", "bez", "ne", "nem", "inte", "ej", "ikke"),
        *("değil", "не", "без", "нет", "未", "非", "无", "無", "不", "没有", "미", "비", "không"),
    )
)
# What is usual, beside what is looked for.
USUAL = frozenset(("normal", "control", "healthy", "benign", "legit", "legitimate", "genuine", "ham"))


def positive_of(classes: Sequence[Label], target: str, options: Options) -> Label | None:
    """The positive class: the one that the user names, or the one that means yes, or the second."""
    given = options.positive
    if len(classes) != 2:
        if given is not None:
            what = f"has {len(classes)} classes" if classes else "is a number"
            raise BadInput(f"positive names a class of two, and the target {target!r} {what}; leave it out.")
        return None
    # Not given is None, which the label None must not be taken for.
    meant = [label for label in classes if given is not None and str(label) == str(given)]
    if not meant and isinstance(given, bool):  # YAML reads yes as true
        meant = [label for label in classes if BOOLEANS.get(str(label).strip().lower()) == float(given)]
    if not meant and type(given) in (int, float):  # a number, however its label is written: 1 for 1.00
        meant = [label for label in classes if _number(label) == given]
    if given is not None and len(meant) != 1:
        raise BadInput(
            f"The option positive is {given!r}, and the classes of {target!r} are {classes[0]!r} and "
            f"{classes[1]!r}; name one of them."
        )
    if meant:
        return meant[0]
    place = means_yes(classes)
    return classes[1 if place is None else place]


def means_yes(classes: Sequence[Label]) -> int | None:
    """Which of two classes means yes, or is what is looked for; None if nobody knows.

    Only what is not in both tells: yes and no, positive and negative; the greater of two numbers, or what is
    above a limit; a word without its negation (rain and no rain), or beside what means no or is usual.
    """
    texts = [str(label).strip().casefold() for label in classes]
    if all(_number(text) is not None for text in texts) or [text[:1] for text in texts] == ["<", ">"]:
        return 1
    found = [re.findall(r"[^\W_]+", text) for text in texts]
    apart = [" ".join(word for word in found[place] if word not in found[1 - place]) for place in (0, 1)]
    for pair in (texts, apart):
        if frozenset(pair) in (*BOOLEAN_PAIRS, *OPPOSITES):
            return next(place for place, word in enumerate(pair) if word in (*TRUE, *POSITIVE))
    joined = ["".join(words) for words in found]
    for place, other in ((0, 1), (1, 0)):
        is_negated = joined[other] in {negation + joined[place] for negation in NEGATIONS}
        if is_negated or (apart[other] in NEGATIONS and apart[place] not in NEGATIONS):
            return place
        if apart[other] in USUAL and apart[place] not in USUAL:
            return place
        if texts[other].isalpha() and BOOLEANS.get(texts[other]) == 0 and texts[place] not in BOOLEANS:
            return place
    return None


def _number(label: Label) -> float | None:
    """The number that a label is written as; None if it is not one."""
    try:
        return float(label)
    except ValueError:
        return None
