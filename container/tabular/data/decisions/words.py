"""Columns of words: booleans and categories."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import as_series, is_text
from tabular.data.decisions.decision import (
    FEW_LEVELS,
    FIRST,
    SAMPLE,
    Decision,
    are_few,
    gaps_said,
    listed,
    with_gaps,
)
from tabular.data.decisions.looks.doubts import doubts_of_looks
from tabular.data.decisions.looks.matching import all_match
from tabular.data.decisions.many.counts import Counts, have_blanks
from tabular.data.values.cells import BLANKS, BOOLEAN_PAIRS, BOOLEANS, WHOLE, folded
from tabular.spec.columns import Column
from tabular.spec.errors import BadInput, amount
from tabular.spec.options import Options

__all__ = ["booleans", "category", "merged", "option_of", "with_form"]

ENDINGS = {
    "": rf"^(?:{WHOLE})?$",
    ".0": rf"^(?:{WHOLE}\.0)?$",
}


def option_of(name: str, options: Options) -> str:
    """The option that says that the cells of a column are words."""
    if name == options.group:
        return "group"
    if name in options.partition:
        return "partition"
    return "categorical" if name in options.categorical else "text"


def booleans(
    column: Column, cells: pa.ChunkedArray, counts: Mapping[str, int], words: Sequence[str] | None
) -> Decision | None:
    """A column of text as booleans; None if it is not one."""
    if len(counts) > FEW_LEVELS:
        return None
    folded = {text: text.strip().casefold() for text in counts}
    seen = set(folded.values())
    if not any(pair <= seen for pair in BOOLEAN_PAIRS):
        return None
    gaps = Counter({text.strip(): counts[text] for text, word in folded.items() if word not in BOOLEANS})
    if not are_few(gaps, sum(counts.values()), words):
        return None
    names = sorted(text for text, word in folded.items() if word in BOOLEANS)
    if all(folded[name][:1].isdecimal() for name in names):
        return None  # 0 and 1 alone are numbers, with or without words for gaps, and so is a 2 beside them
    said = gaps_said(gaps, len(cells))
    said = (*said, *_alike(names))
    evidence = (f"true or false, written as {listed(names)}", *said)
    return Decision(with_gaps(column, "boolean", gaps), as_series(cells), evidence, said)


def _alike(names: Sequence[str]) -> Iterator[str]:
    """What to say of different words that are read as the same, such as 0 beside N."""
    words = {text.strip().casefold(): text for text in names}
    for value, meaning in ((0.0, "false"), (1.0, "true")):
        alike = [text for word, text in words.items() if BOOLEANS[word] == value]
        if len(alike) > 1:
            yield (
                f"{listed(alike)} are all read as {meaning}; name the column in categorical to keep them "
                "apart."
            )


def category(column: Column, cells: pa.ChunkedArray, counts: Counts) -> Decision:
    """A category, and whether its texts look like something else; `counts` says how often each occurs."""
    if not len(counts):
        return Decision(column, as_series(cells), ("every cell is empty",))
    first = counts.first(SAMPLE)
    evidence = (f"{amount(len(counts), 'different text')}, such as {listed(first[:3].to_pylist())}",)
    doubts = doubts_of_looks(cells, counts)
    return Decision(column, as_series(cells), (*evidence, *doubts), doubts, counts)


def merged(found: Decision) -> Decision:
    """A category in which texts that differ only in blanks, case or Unicode form are one level.

    Raises:
        BadInput: if the column is not a category.
    """
    if found.column.kind != "categorical":
        raise BadInput(
            f"The column {found.column.name!r} is in merge_spellings, but it is {found.column.kind}; name it "
            "in categorical, too, or remove it from merge_spellings."
        )
    counts = found.values.value_counts()
    spellings: dict[str, str] = {}
    for text in counts.sort_index().sort_values(ascending=False, kind="stable").index:
        spellings.setdefault(folded(text), text)
    merged = {text: spellings[folded(text)] for text in counts.index}
    others = [text for text, level in merged.items() if text != level]
    said = (f"{listed(others)} merged into the level that is written most often",) if others else ()
    return replace(
        found,
        counts=None,
        column=replace(found.column, spellings=tuple(spellings.values())),
        read=found.values.map(merged),
        evidence=(*found.evidence, *said),
    )


def with_form(found: Decision) -> Decision:
    """A decision that also says how a category writes whole numbers, and whether blanks at an end count."""
    if found.column.kind != "categorical" or not pd.api.types.is_string_dtype(found.values):
        return found
    counts = found.counts
    if counts is not None and not counts.blanks and _whole_form(counts.first(FIRST)) is None:
        return found  # as most columns of words
    levels = pa.Array.from_pandas(found.values) if counts is None else counts.texts
    if not is_text(levels.type):  # every cell is empty
        return found
    if have_blanks(levels) if counts is None else counts.blanks:
        bare, levels = pc.utf8_trim(levels, BLANKS), pc.utf8_ltrim(levels, BLANKS)
        if len(bare.unique()) < len(levels.unique()):
            return replace(found, column=replace(found.column, blanks=True))
        levels = bare
    return replace(found, column=replace(found.column, whole=_whole_form(levels)))


def _whole_form(levels: pa.Array | pa.ChunkedArray) -> str | None:
    """How levels write the whole numbers that all are, as `Column.whole` says it; None if one is not."""
    for ending, pattern in ENDINGS.items():
        if all_match(levels, pattern):
            return ending
    first = next(filter(None, levels.slice(0, FIRST).to_pylist()), "")
    decimals = len(first.partition(".")[2])
    if decimals and all_match(levels, rf"^(?:{WHOLE}\.\d{{{decimals}}})?$"):
        return "." + "0" * decimals
    lengths = pc.min_max(pc.binary_length(levels)).as_py()
    alike = lengths["min"] == lengths["max"] and pc.all(pc.ascii_is_decimal(levels)).as_py()
    return f"{lengths['min']:02}" if alike else None
