"""The schema of a cleaned table: its task, its classes, and the kind of each column."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import as_arrow, as_texts, counts_of, is_text
from tabular.data.decisions.decide import column_of, decide
from tabular.data.decisions.decision import Decision
from tabular.data.figures import Figures, threads_for
from tabular.data.tables import MAX_CLASSES
from tabular.data.values.cells import BOOLEAN_PAIRS, BOOLEANS, NO_NUMBERS, TRUE, is_gap
from tabular.data.values.dates import ISO
from tabular.data.values.many_dates import SEVERAL
from tabular.spec.columns import Column, Family, Schema, Task
from tabular.spec.errors import BadInput
from tabular.spec.options import DEFAULTS, Options

__all__ = ["as_labels", "encode", "infer_schema", "labels_among_numbers", "means_yes"]

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
FIRST = 100  # rows
BEYOND = 2**63  # the whole numbers of 64 bits
NONE_DECIDED: Mapping[str, Decision] = MappingProxyType({})
Label = str | int | float


def infer_schema(
    table: pd.DataFrame,
    target: str,
    family: Family,
    options: Options = DEFAULTS,
    decisions: Mapping[str, Decision] = NONE_DECIDED,
    figures: Figures | None = None,
) -> Schema:
    """The schema of a table, without the columns that are constant or empty and without group and time.

    Args:
        table: the cleaned rows.
        target: the column to predict.
        family: whether labels or numbers are predicted.
        options: the user's settings.
        decisions: what was decided about the raw columns; a column that your own clean function added, or
            turned into another kind, is decided here.
        figures: what is known of the table's numbers, if it was found before.

    Raises:
        BadInput: if the target does not fit the task family or the options, or no column is usable.
    """
    task, classes = _task(table[target], family, options)
    if options.log_target and (task != "regression" or table[target].min() <= -1):
        seen = f"the smallest is {table[target].min()}" if task == "regression" else f"the task is {task}"
        raise BadInput(f"log_target needs a target of numbers greater than -1, and {seen}; leave it out.")
    if options.class_weight != "none" and task == "regression":
        raise BadInput("class_weight is only for classification, and the target is a number; leave it out.")
    apart = {target, options.group, options.time, *options.drop}
    known = (figures or Figures(table)).summaries
    names = [
        name
        for name in table.columns.tolist()
        if name not in apart
        and not (known[name].is_constant(len(table)) if name in known else _is_constant(table[name]))
    ]
    if not names:
        raise BadInput(
            "No column except the target has more than one value; add columns from which the target can be "
            "predicted."
        )
    kinds = dict(zip(table.columns.tolist(), table.dtypes, strict=True))
    columns = tuple(
        found.column
        if (found := decisions.get(name)) is not None and found.read.dtype == kinds[name]
        else column_of(name, table[name], options)
        for name in names
    )
    positive = _positive(classes, target, options)
    return Schema(task, target, classes, columns, options, positive=positive)


def _positive(classes: Sequence[Label], target: str, options: Options) -> Label | None:
    """The positive class: the one that the user names, or the one that means yes, or the second."""
    given = options.positive
    if len(classes) != 2:
        if given is not None:
            what = f"has {len(classes)} classes" if classes else "is a number"
            raise BadInput(f"positive names a class of two, and the target {target!r} {what}; leave it out.")
        return None
    meant = [label for label in classes if str(label) == str(given)]
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


def as_labels(cells: pa.ChunkedArray, present: pd.Series) -> pd.Series:
    """The labels of a classification in their own type and spelling; NaN where `present` is false.

    Text that is written as Python writes whole numbers or fractions becomes numbers, so that the labels of a
    CSV and of a Parquet file are the same. Anything else, such as 01 or true, stays text. Labels are the
    categories of the series, so that nothing after this looks at each row's label as a Python object. Blanks
    around labels, which databases write until a cell is as long as all others, only stay where two labels
    differ in nothing else.

    Args:
        cells: the target as written in the file (n_rows,).
        present: whether a row has a label (n_rows,).
    """
    if not is_text(cells.type):
        if pa.types.is_floating(cells.type) and not cells.null_count:
            return pd.Series(cells.to_pylist(), dtype=object).where(present, None)
        cells = as_texts(cells)
    texts, codes = _coded(cells)
    are_all = bool(present.all()) and not cells.null_count
    if not are_all:
        codes = np.where(present, codes, len(texts))
        used = np.flatnonzero(np.bincount(codes, minlength=len(texts) + 1)[:-1])
        places = np.full(len(texts) + 1, -1)
        places[used] = np.arange(len(used))
        texts, codes = [texts[place] for place in used], places[codes]
        if not present.all() and all(re.fullmatch(r"-?\d+\.0", text) for text in texts):
            # pandas writes whole numbers like this beside gaps
            texts = [text.removesuffix(".0") for text in texts]
    bare = [text.strip() for text in texts]
    if all(bare) and len(set(bare)) == len(texts):
        texts = bare
    numbers = list(map(_as_written, texts))
    are_numbers = None not in numbers and len(set(numbers)) == len(texts)  # no two mean the same
    labels = pd.Index(numbers if are_numbers else texts, dtype=object)
    return pd.Series(pd.Categorical.from_codes(codes, labels))


def labels_among_numbers(cells: pa.ChunkedArray, column: Column, options: Options) -> list[str]:
    """The words that are labels like the numbers beside them, as in 1, 2, 3 and U, and no typing errors.

    They are in as many rows as the rarest number, or in more, and nobody says that they mean a missing value.

    Args:
        cells: the target as written in the file (n_rows,).
        column: what was decided about it.
        options: the user's settings.
    """
    given = options.missing_in(column.name) or ()
    others = [
        word for word in column.missing or () if word.casefold() not in NO_NUMBERS and word not in given
    ]
    if column.kind != "numeric" or not others or not is_text(cells.type):
        return []
    rows = counts_of(pc.utf8_trim_whitespace(cells))
    fewest = min(count for text, count in rows.items() if not is_gap(text, column.missing or ()))
    return [word for word in others if rows.get(word, 0) >= fewest]


def _coded(cells: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """The different texts as they first occur, and the place of each cell's (n_rows,) among them.

    The place of a missing cell is after the last one.
    """
    with threads_for(len(cells)) as threads:  # pyarrow leaves Python's lock to others
        coded = pa.chunked_array(
            threads.map(pa.Array.dictionary_encode, cells.chunks), pa.dictionary(pa.int32(), cells.type)
        )
    coded = coded.unify_dictionaries().combine_chunks()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    texts = coded.dictionary.to_pylist()
    return texts, coded.indices.fill_null(len(texts)).to_numpy()


def _as_written(text: str) -> int | float | None:
    """The number that Python writes like this; None if there is none."""
    for kind in (int, float):
        try:
            if str(number := kind(text)) == text and np.isfinite(float(text)):
                return number if kind is float or abs(number) < BEYOND else None  # JSON holds no longer one
        except (ValueError, OverflowError):
            pass  # it is not written like this kind of number
    return None


def _is_constant(values: pd.Series) -> bool:
    """Whether all cells are the same; most columns show within a few rows that they are not."""
    return values.head(FIRST).nunique(dropna=False) <= 1 and values.nunique(dropna=False) <= 1


def encode(target: pd.Series, schema: Schema) -> np.ndarray:
    """Labels as their positions in `schema.classes`, or the numbers themselves for regression: (n_rows,)."""
    if schema.task == "regression":
        return target.to_numpy(dtype=np.float64)
    positions = {label: position for position, label in enumerate(schema.classes)}
    codes, labels = _distinct(target)
    return np.array([positions[label] for label in labels], dtype=np.int64)[codes]


def _task(target: pd.Series, family: Family, options: Options) -> tuple[Task, tuple[Label, ...]]:
    if options.task != "auto" and (options.task == "regression") != (family == "regression"):
        right = "regression" if options.task == "regression" else "classification"
        raise BadInput(
            f"The option task is {options.task}, but this is the {family} pipeline; start the {right} "
            "pipeline, or change the option."
        )
    if family == "regression":
        if not pd.api.types.is_numeric_dtype(target):
            numbers = pd.to_numeric(target.astype(str), errors="coerce")
            text = target[numbers.isna()].iloc[0] if numbers.isna().any() else target.iloc[0]
            _check_is_no_date(target, options)
            raise BadInput(
                f"The target {target.name!r} contains {str(text)!r}, which is not a number, and the task is "
                "regression; leave the option task out to predict labels, or fix the cell."
            )
        if target.nunique() < 2:
            raise BadInput(
                f"The target {target.name!r} contains only {target.iloc[0]}, so there is nothing to predict; "
                "choose another target."
            )
        return "regression", ()
    classes = _classes(target, options)
    task: Task = "binary" if len(classes) == 2 else "multiclass"
    if options.task not in ("auto", task):
        raise BadInput(
            f"The option task is {options.task}, but the target {target.name!r} has {len(classes)} classes; "
            "leave the option out."
        )
    return task, classes


def _classes(target: pd.Series, options: Options) -> tuple[Label, ...]:
    labels = sorted(_distinct(target)[1])
    if len(labels) < 2:
        raise BadInput(
            f"The target {target.name!r} contains only {labels[0]!r}; classification needs two classes."
        )
    if len(labels) > MAX_CLASSES:
        _check_is_no_date(target, options)
        doubts = decide(str(target.name), as_arrow(target.astype(object)), options).doubts
        looks = f" It looks like {doubts[0]}" if doubts and not doubts[0].startswith("a category") else ""
        raise BadInput(
            f"The target {target.name!r} has {len(labels)} distinct values, and at most {MAX_CLASSES} "
            f"classes are allowed; use the regression pipeline to predict a quantity.{looks}"
        )
    return tuple(labels)


def _check_is_no_date(target: pd.Series, options: Options) -> None:
    """Check that a target, which is neither a number nor a class, is no date either.

    Raises:
        BadInput: if it is; the sentence says what to predict instead.
    """
    column = column_of(str(target.name), target.astype(object), options)
    if column.kind != "date":
        return
    of_days = column.format == ISO or re.search("%[yY]", str(column.format))
    form = "mixed" if SEVERAL in str(column.format) else column.format
    read = f"pd.to_datetime(frame[{target.name!r}], format={form!r})"
    number, classes = (
        (f"({read} - pd.Timestamp('2024-01-31')).dt.days", ".dt.month_name() or .dt.day_name()")
        if of_days
        else (f"{read}.dt.hour", ".dt.hour // 6")
    )
    raise BadInput(
        f"The target {target.name!r} is a {'date' if of_days else 'time of day'}, such as "
        f"{str(target.iloc[0])!r}, and only a number or a class can be predicted; make one from it in the "
        f"clean function of your own steps: frame[{target.name!r}] = {number} is a number, and {read} "
        f"followed by {classes} is a class (docs/tables/own-steps.md)."
    )


def _distinct(target: pd.Series) -> tuple[np.ndarray, list[Label]]:
    """The place of each row's label (n_rows,) in the list of distinct labels, and that list."""
    if isinstance(target.dtype, pd.CategoricalDtype):  # which `as_labels` has made
        codes, labels = target.cat.codes.to_numpy(), _labels(pd.Series(target.cat.categories, dtype=object))
        used = np.bincount(codes[codes >= 0], minlength=len(labels)) > 0
        if used.all():
            return codes, labels
        places = np.append(np.cumsum(used) - 1, -1)  # of a missing label, the last one
        return places[codes], [label for label, is_used in zip(labels, used, strict=True) if is_used]
    if pd.api.types.infer_dtype(target).startswith("mixed"):  # True would count as 1
        target = pd.Series(_labels(target), dtype=object)
    codes, distinct = pd.factorize(target)
    return codes, _labels(pd.Series(distinct))


def _labels(target: pd.Series) -> list[Label]:
    """The labels in their own type and spelling."""
    if not pd.api.types.is_numeric_dtype(target) or pd.api.types.is_bool_dtype(target):
        return [label if type(label) in (int, float) else str(label) for label in target]
    labels = target.tolist()
    # A column of integers with a missing value is read as floats.
    whole = all(float(label).is_integer() for label in labels)
    return [int(label) for label in labels] if whole else labels
