"""Digits with leading zeros, which are codes unless they are times or dates."""

import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.codes.moments import ENOUGH_DAYS, format_of_digits
from tabular.data.decisions.decision import FIRST
from tabular.data.decisions.looks.matching import all_match
from tabular.data.values.cells import MOST_OTHERS

__all__ = ["doubts_of_zeros"]


def doubts_of_zeros(cells: pa.ChunkedArray) -> tuple[str, ...]:
    """What to say of codes with leading zeros that may be times of day, or dates beside one of zeros."""
    widths = set(pc.binary_length(cells.slice(0, FIRST).drop_null()).to_pylist())
    if len(widths) > 1 and (rare := _rare_zeros(cells)):
        return (rare,)
    if widths in ({4}, {5}):
        return _times_or_days(cells, sign="" if widths == {4} else r"\.")
    if widths == {6} and all_match(cells, r"^(?:[01]\d|2[0-3])[0-5]\d[0-5]\d$"):
        return _times(cells, "08:30:00") if _are_enough(cells) else ()
    first = cells.drop_null()[0].as_py()
    whole, point, decimals = first.partition(".")
    if point and all_match(cells, rf"^\d{{{len(whole)}}}\.\d{{{len(decimals)}}}$"):
        return (
            f"codes with leading zeros and decimals, such as {first!r}; name the column in numeric if they "
            "are quantities.",
        )
    return _dates(cells, widths) if widths in ({6}, {8}) else ()


def _times_or_days(cells: pa.ChunkedArray, sign: str) -> tuple[str, ...]:
    """What to say of 0830 and 08.30, which may be times, or days and months, with a sign between."""
    if not _are_enough(cells):
        return ()
    if all_match(cells, rf"^(?:[01]\d|2[0-3]){sign}[0-5]\d$"):
        return _times(cells, "08:30")
    day, month = r"(?:0[1-9]|[12]\d|3[01])", r"(?:0[1-9]|1[0-2])"
    if any(all_match(cells, f"^{one}{sign}{other}$") for one, other in ((day, month), (month, day))):
        first = cells.drop_null()[0].as_py()
        return (
            f"codes that look like days and months, such as {first!r}; write the year, too, if they are "
            "dates.",
        )
    return ()


def _times(cells: pa.ChunkedArray, form: str) -> tuple[str, ...]:
    """What to say of codes that look like times, which are written in this form."""
    first = cells.drop_null()[0].as_py()
    return (f"codes that look like times, such as {first!r}; write them as {form} if they are times of day.",)


def _are_enough(cells: pa.ChunkedArray) -> bool:
    """Whether there are so many different ones that they hardly look like times or days by chance."""
    return len(cells.slice(0, FIRST * ENOUGH_DAYS).unique()) >= ENOUGH_DAYS


def _dates(cells: pa.ChunkedArray, widths: set[int]) -> tuple[str, ...]:
    """What to say of six or eight digits that look like dates, perhaps beside one of zeros."""
    zeros = "0" * max(widths)
    for some in (cells.slice(0, FIRST), cells):  # most codes show at once that they are not dates
        texts = [text for text in some.unique().drop_null().to_pylist() if text != zeros]
        if not all(map(str.isdecimal, texts)) or {*map(len, texts)} - widths:
            return ()
        if (form := format_of_digits(list(map(int, texts)), len(zeros))) is None:
            return ()
    if pc.any(pc.equal(cells, zeros)).as_py():
        return (
            f"codes, because of {zeros!r}, although all others look like dates; name {zeros!r} in missing, "
            f"and set date_format to {form!r} for the column if they are.",
        )
    if len(texts) < ENOUGH_DAYS:
        return ()
    return (
        f"codes that look like dates, such as {texts[0]!r}; set date_format to {form!r} for the column if "
        "they are.",
    )


def _rare_zeros(cells: pa.ChunkedArray) -> str:
    """What to say of a few numbers with leading zeros among whole ones of several lengths; else empty."""
    zeros = pc.match_substring_regex(cells, r"^[-+]?0\d")
    count = pc.sum(zeros).as_py()
    if count > MOST_OTHERS * (len(cells) - cells.null_count):
        return ""
    first = cells.filter(zeros)[0].as_py()
    return (
        f"codes, because {count} of {len(cells)} cells, such as {first!r}, have leading zeros; name the "
        "column in numeric if they are quantities."
    )
