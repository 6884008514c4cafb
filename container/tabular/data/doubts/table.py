"""Warnings for the user about how a table was read, if the evidence leaves room for doubt."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from tabular.data.decisions.decision import Decision
from tabular.data.decisions.many.counts import count
from tabular.data.doubts.placeholders import codes_among_labels, may_be_beyond, placeholders, repeated_and_far
from tabular.data.figures import Figures, threads_for
from tabular.data.schema.inference import NONE_DECIDED
from tabular.data.schema.positive import means_yes
from tabular.data.tables import warning
from tabular.data.values.cells import BOOLEANS, MARKS, NO_NUMBERS, NO_RESULTS, folded
from tabular.spec.columns import Column, Schema

__all__ = ["doubts"]

SHOWN = 3  # entries of a list in a sentence
BOTH = (True, False)
LOOK_ALIKE = str.maketrans(  # Cyrillic and Greek letters that nobody can tell from Latin ones
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"
    "\u0430\u0435\u0455\u0456\u0458\u043e\u0440\u0441\u0443\u0445"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf",
    "ABESIJKMHOPCTYXaesijopcyxABEZHIKMNOPTYXo",
)
# Labels that may mean a missing value. Who is refused or declines may be what is to be predicted, and dk may
# be Denmark.
NO_LABELS = (
    NO_NUMBERS
    - NO_RESULTS
    - {
        "refused",
        "refuse",
        "declined",
        "decline",
        "withheld",
        "confidential",
        "suppressed",
        "dk",
    }
)
MOST_LEVELS = 100  # that are compared with each other


def doubts(
    table: pd.DataFrame,
    schema: Schema,
    decisions: Mapping[str, Decision] = NONE_DECIDED,
    figures: Figures | None = None,
) -> list[dict[str, str | None]]:
    """Warnings about a cleaned table: {"column", "said"}, in the order of its columns.

    Args:
        table: the cleaned rows.
        schema: its columns.
        decisions: those about the raw columns, of which all rows are in the table; they save counting again.
        figures: what is known of the table's numbers, if it was found before.
    """
    found = [warning(schema.target, said) for said in _of_labels(table[schema.target], schema)]
    if schema.task == "regression":
        numbers = placeholders(table[schema.target], Column(schema.target, "numeric"))
        found += [warning(schema.target, said) for said in numbers]
        if _counts_rows(table[schema.target].to_numpy(np.float64)):
            found.append(
                warning(schema.target, "counts the rows, like an id; choose another target if it is one.")
            )
    figures = figures or Figures(table)
    asked = []
    for column in schema.columns:
        name, known = column.name, figures.summaries.get(column.name)
        if column.kind == "numeric" and known is not None:
            single = known.ends_are_single(len(table))  # as those of most columns
            if not single or may_be_beyond(figures.columns[name], known.low, known.high):
                asked.append((name, partial(repeated_and_far, figures.columns[name])))
        else:
            about = table[name], column, decisions.get(name), schema.options.partition
            asked.append((name, partial(_of_column, *about)))
    with threads_for(len(table)) as threads:  # pyarrow and NumPy leave Python's lock to others
        said = threads.map(lambda one: list(one[1]()), asked)
        return found + [
            warning(name, one) for (name, _), each in zip(asked, said, strict=True) for one in each
        ]


def _counts_rows(numbers: np.ndarray) -> bool:
    """Whether each row has the next whole number."""
    return bool((np.diff(numbers) == 1).all())


def _of_column(
    values: pd.Series, column: Column, decision: Decision | None, partition: Sequence[str]
) -> Iterator[str]:
    yield from _of_levels(values, column, decision, partition)
    yield from placeholders(values, column)


def _of_labels(target: pd.Series, schema: Schema) -> Iterator[str]:
    if schema.classes and not pd.api.types.is_numeric_dtype(target):
        labels = target.dropna().unique()
        yield from _damaged(map(str, labels))
        yield from _alike(labels, "labels")
        yield from _alike_otherwise(list(map(str, labels)))
        rows = {str(label): number for label, number in target.value_counts().items()}
        if marks := [*_marks(labels, NO_LABELS), *codes_among_labels(schema.classes, rows)]:
            which = "the label" if len(marks) == 1 else "the labels"
            yield (
                f"{which} {_listed(marks)} may mean a missing value; if so, use the option missing, which "
                "leaves such rows out."
            )
        if (
            schema.positive is not None
            and schema.options.positive is None
            and means_yes(schema.classes) is None
        ):
            first, second = schema.classes
            yield (
                f"{second!r} is the positive class only because it comes after {first!r} in the alphabet; "
                "if the other is the class of interest, name it in positive."
            )


def _of_levels(
    values: pd.Series, column: Column, decision: Decision | None, partition: Sequence[str]
) -> Iterator[str]:
    if column.kind != "categorical":
        return
    is_text = isinstance(values.dtype, pd.StringDtype)
    if decision is not None and (is_text or decision.counts is not None):
        levels = decision.levels
    else:
        filled = values.dropna() if is_text else values.dropna().map(str)
        levels = count(pa.chunked_array([pa.array(filled.unique(), pa.string())]))
    yield from _damaged(levels.first(10 * MOST_LEVELS).to_pylist())
    # `tabular.data.splits.partitions` compares all levels of a column of the partition.
    if len(levels) <= MOST_LEVELS and column.name not in partition:
        yield from _alike(levels.texts.to_pylist(), "levels")
        yield from _alike_in_zeros(levels.texts.to_pylist())
    if 1 < len(levels) == len(values) == values.notna().sum():
        yield "text that is different in every row, like an id; if it is one, name it in drop."
    if marks := _marks(levels.marks.to_pylist()):
        which, them = ("level", "it") if len(marks) == 1 else ("levels", "them")
        yield (
            f"a category with the {which} {_listed(marks)}, which may mean a missing value; if so, name "
            f"{them} in missing."
        )


def _marks(levels: Sequence[object], words: Collection[str] = MARKS) -> list[object]:
    """The levels that may mean a missing value."""
    return [level for level in levels if str(level).strip().casefold() in words]


def _damaged(texts: Iterable[str]) -> Iterator[str]:
    """Warn about texts that were read in a wrong encoding before they were written into the file."""
    wrong = [text for text in texts if not text.isascii() and _is_damaged(text)]
    if wrong:
        yield f"{_listed(wrong)} were written with a wrong encoding; export the table again as UTF-8."


def _is_damaged(text: str) -> bool:
    """Whether a text has the sign for an unreadable character, or is UTF-8 that was read as Windows-1252."""
    if "\ufffd" in text:
        return True
    try:
        text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return False
    return True


def _alike(levels: Iterable[object], called: str) -> Iterator[str]:
    """Warn about levels that differ only in blanks, case or Unicode form."""
    groups, seen = defaultdict(list), defaultdict(list)
    for level in map(str, levels):
        groups[folded(level)].append(level)
        seen[level.translate(LOOK_ALIKE)].append(level)
    for group in seen.values():
        if len(group) > 1:
            yield (
                f"the {called} {_listed(sorted(group))} look the same, but have letters from different "
                "alphabets and are kept apart; write them with the same letters."
            )
    for group in groups.values():
        if len(group) > 1:
            yield (
                f"the {called} {_listed(sorted(group))} differ only in blanks, case or Unicode form, and are "
                "kept apart; name the column in merge_spellings if they mean the same."
            )


def _alike_in_zeros(levels: Iterable[str]) -> Iterator[str]:
    """Warn about digits that are the same but for zeros before them, which a program may have left out."""
    groups = defaultdict(list)
    for level in filter(str.isdecimal, levels):
        groups[level.lstrip("0")].append(level)
    group = next((sorted(group) for group in groups.values() if len(group) > 1), None)
    if group is not None:
        yield (
            f"the levels {_listed(group)} differ only in leading zeros, and are kept apart; write "
            "them in one way if they mean the same."
        )


def _alike_otherwise(labels: Sequence[str]) -> Iterator[str]:
    """Warn about labels that differ in signs at their ends alone, or mean the same yes or no."""
    bare, meant = defaultdict(list), defaultdict(list)
    for label in labels:
        bare[label.strip(" .,:;'\"")].append(label)
        meant[BOOLEANS.get(label.strip().casefold())].append(label)
    for group in bare.values():
        if len(group) > 1 and len(set(map(folded, group))) > 1:
            yield f"the labels {_listed(sorted(group))} differ only in final punctuation, and are kept apart."
    for group in meant.values() if None not in meant and len(labels) > len(BOTH) else ():
        if len(set(map(folded, group))) > 1:
            yield f"the labels {_listed(sorted(group))} mean the same, and are kept apart."


def _listed(words: Iterable[object]) -> str:
    words = list(map(repr, words))
    return ", ".join(words[:SHOWN]) + (f" and {len(words) - SHOWN} more" if len(words) > SHOWN else "")
