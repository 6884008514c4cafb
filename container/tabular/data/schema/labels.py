"""The classes of a table in their own type and spelling, and the number of each."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import as_texts, counts_of, is_text
from tabular.data.figures import threads_for
from tabular.data.values.cells import NO_NUMBERS, is_gap
from tabular.spec.columns import Column, Schema
from tabular.spec.options import Options

__all__ = ["Label", "as_labels", "distinct", "encode", "labels_among_numbers"]

BEYOND = 2**63  # the whole numbers of 64 bits
Label = str | int | float


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
    Beside two numbers, any word is one if the user says that there are more than two classes.

    Args:
        cells: the target as written in the file (n_rows,).
        column: what was decided about it.
        options: the user's settings.
    """
    given = options.missing_in(column.name) or ()
    words = [word for word in column.missing or () if word not in given]
    if column.kind != "numeric" or not words or not is_text(cells.type):
        return []
    rows = counts_of(pc.utf8_trim_whitespace(cells))
    numbers = [text for text in rows if not is_gap(text, column.missing or ())]
    if options.task == "multiclass" and len(numbers) == 2:
        return [word for word in words if word in rows]
    others = [word for word in words if word.casefold() not in NO_NUMBERS]
    fewest = min(rows[text] for text in numbers)
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


def encode(target: pd.Series, schema: Schema) -> np.ndarray:
    """Labels as their positions in `schema.classes`, or the numbers themselves for regression: (n_rows,)."""
    if schema.task == "regression":
        return target.to_numpy(dtype=np.float64)
    positions = {label: position for position, label in enumerate(schema.classes)}
    codes, labels = distinct(target)
    return np.array([positions[label] for label in labels], dtype=np.int64)[codes]


def distinct(target: pd.Series) -> tuple[np.ndarray, list[Label]]:
    """The place of each row's label (n_rows,) in the list of distinct labels, and that list."""
    if isinstance(target.dtype, pd.CategoricalDtype):  # which `as_labels` has made
        codes = target.cat.codes.to_numpy()
        labels = _as_given(pd.Series(target.cat.categories, dtype=object))
        used = np.bincount(codes[codes >= 0], minlength=len(labels)) > 0
        if used.all():
            return codes, labels
        places = np.append(np.cumsum(used) - 1, -1)  # of a missing label, the last one
        return places[codes], [label for label, is_used in zip(labels, used, strict=True) if is_used]
    if pd.api.types.infer_dtype(target).startswith("mixed"):  # True would count as 1
        target = pd.Series(_as_given(target), dtype=object)
    codes, distinct = pd.factorize(target)
    return codes, _as_given(pd.Series(distinct))


def _as_given(target: pd.Series) -> list[Label]:
    """The labels in their own type and spelling."""
    if not pd.api.types.is_numeric_dtype(target) or pd.api.types.is_bool_dtype(target):
        return [label if type(label) in (int, float) else str(label) for label in target]
    labels = target.tolist()
    # A column of integers with a missing value is read as floats.
    whole = all(float(label).is_integer() for label in labels)
    return [int(label) for label in labels] if whole else labels
