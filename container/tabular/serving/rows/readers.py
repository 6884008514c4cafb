"""Cells as training has read them, each by the decision about its column."""

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from tabular.data.values import cells, dates
from tabular.data.values.cells import lazily
from tabular.data.values.many_dates import SEVERAL
from tabular.data.values.numbers import is_plain, read_number
from tabular.portable.table_model import Table

if TYPE_CHECKING:
    from tabular.spec.columns import NumberFormat

__all__ = ["as_programs_write", "evidence", "reader"]

_ISO_DATE = lazily(r"\s*\d{4}-\d\d-\d\d(?!\d|-(?!\d\d:\d\d\s*\Z))")  # perhaps with XML's offset
# Since 1970, until 1966 and from 1973 to 2286; seconds of our time are fewer, and 20240131103000 is more.
MILLISECONDS = 1e11, 1e13
_MOMENT = lazily(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d")
_DOT_NET = lazily(r"\s*/Date\((-?\d{1,15})([+-]\d{4})?\)/\s*")  # milliseconds as .NET writes them
_OFFSET = lazily(r"(?<=[T ]\d\d:\d\d)(:[\d.]+)?\s*[+-]\d\d(?::?\d\d)?\s*$")
PER_DAY = 86_400_000
DAY = len("2024-01-31")
# Milliseconds as text, of days from 2001-09-09 to 2033-05-18. Other digits may be a telephone number, an
# article's, a filler of nines, or a moment such as 240131103000.
_DIGITS = lazily(r"1\d{12}")
# Times of day with or without the fraction of a second, and those to the minute with no seconds.
_TIMES = {
    "%H:%M": lazily(r"\d\d?:\d\d:00(?:\.0{1,6})?"),
    "%H:%M:%S": lazily(r"\d\d?:\d\d:\d\d\.\d{1,6}"),
    "%H:%M:%S.%f": lazily(r"\d\d?:\d\d:\d\d"),
}
# Times of day on the day that stands for none in .NET, Access, Python, and Java and JavaScript.
_NO_DAY = lazily(r"(?:0001-01-01|1899-12-30|1900-01-01|1970-01-01)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)")
_TIME = lazily(r"(?<=\d)[T ]+\d\d?:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[AaPp][Mm])?\Z")  # after a day
_HALVES = "%I:%M %p", "%I:%M:%S %p"
_CLOCKS = " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"
_MOMENTS = "%b %d %Y %H:%M:%S %z", "%d %b %Y %H:%M:%S %z", "%Y-%m-%d %H:%M:%S %z"
_MOMENT_OF_PROGRAMS = lazily(  # of JavaScript, HTTP and Go
    r"(?:[A-Z][a-z]{2},? )?(?P<day>[A-Z][a-z]{2} \d\d \d{4}|\d\d [A-Z][a-z]{2} \d{4}|\d{4}-\d\d-\d\d) "
    r"(?P<time>\d\d:\d\d:\d\d)(?:\.\d+)? (?:GMT|UTC)?(?P<offset>[+-]\d{4})?(?: \([^()]*\)| [A-Z]{3,4})?"
)
# A text, bytes or a list of one text, as Python and JSON write them.
_QUOTED = lazily(r"""(?P<open>\[)?b?(['"])(?P<text>.*)\2(?(open)\])""", re.DOTALL)
_BLANKS_INSIDE = lazily(r"(?<=\S)\s+(?=\S)")
_MIDNIGHT = lazily(r"(\d{4}-\d\d-\d\d)[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_WHOLE = lazily(r"(-?(?:0|[1-9]\d*))(?:\.0+)?")
_TRUTHS = "true", "false"
_LETTERS = {"t", "f"}
_TRUE_AND_FALSE = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}  # of JSON, in CSV
# What programs write for a missing cell, such as R its NA; pandas has made gaps of the first in many tables.
_NO_TEXTS = cells.MISSING | {"NaT", "(null)", "undefined", "\\N"}
_MINUS = "\u2212"


def reader(position: int, model: Table) -> Callable[[Any], Any]:
    """The function that reads a cell of a column; it raises ValueError for a cell of the wrong kind."""
    read = model.readers.get(position)
    if read is None:
        read = model.readers[position] = _made_reader(position, model)
    return read


def as_programs_write(cell: Any, read: Callable[[Any], Any]) -> Any:
    """What a cell that a column's reader refuses is, if programs have written it.

    That is a gap, as MySQL and JavaScript write it, or a number with the minus sign that JavaScript writes in
    some languages, neither of which the table needs to have.

    Raises:
        ValueError: if it is neither.
    """
    if type(cell) is str and (cells.is_gap(text := cell.strip()) or text in _NO_TEXTS):
        return math.nan
    if type(cell) is str and _MINUS in cell:
        return read(cell.replace(_MINUS, "-"))
    raise ValueError(f"{cells.shown(cell)} cannot be read.")


def evidence(text: str, place: int, model: Table) -> int | None:
    """How much a cell says for its column: a number 1, a level or a date 2; None if it cannot be in it."""
    if not text:
        return 0
    if model.columns[place]["kind"] == "categorical":
        is_read = text in model.levels_of(place)
    else:
        try:
            is_read = not math.isnan(reader(place, model)(text))
        except ValueError:
            return None
    # Texts have numbers in them, but hardly ever exactly these words.
    return (1 if is_plain(text) else 2) if is_read else 0


def _made_reader(position: int, model: Table) -> Callable[[Any], Any]:
    column = model.columns[position]
    kind, missing = column["kind"], frozenset(column.get("missing") or ())
    if kind == "date":
        form = column["format"]
        of_days = not (column.get("time") or "%H" in form or "%I" in form)
        return partial(_date, form=form, missing=missing, of_days=of_days)
    if kind == "numeric":
        read = cells.number
        if column.get("number") or missing:
            gaps = cells.numbers_among(missing)
            read = partial(_number, form=model.number_format(position), missing=missing, gaps=gaps)
        return partial(_flag, read=read) if column.get("flag") else read
    if kind == "categorical":
        spellings = {cells.folded(level): level for level in column.get("spellings") or ()}
        known = model.levels_of(position)
        widths = {len(level) for level in known if level.isdecimal()}
        width = widths.pop() if len(widths) == 1 else 0
        form = missing, spellings, column.get("whole"), bool(column.get("blanks"))
        values = _by_value(known), _by_truth(known)
        exact = column["name"] in model.texts
        return partial(_level, known=known, form=form, width=width, values=values, exact=exact)
    return partial(cells.boolean, missing=missing) if missing else cells.boolean


def _by_value(levels: Iterable[str]) -> Mapping[float, str | None]:
    """The levels that are numbers by their value, None where several are the same number: 1.10 and 1.1."""
    found: dict[float, str | None] = {}
    for level in levels:
        if level[:1].isdecimal() and is_plain(level):
            value = float(level)
            found[value] = None if value in found else level
    return found


def _by_truth(levels: Iterable[str]) -> Mapping[float, str]:
    """The levels that mean true and false, if they are one pair of words: Y and N.

    T and F are also women and others where there is an M, and letters among letters.
    """
    written = {level.casefold(): level for level in levels}
    pairs = [pair for pair in cells.BOOLEAN_PAIRS if pair <= written.keys()]
    if len(pairs) != 1 or (pairs[0] == _LETTERS and any(one.isalpha() for one in written.keys() - _LETTERS)):
        return {}
    return {cells.BOOLEANS[word]: written[word] for word in pairs[0]}


def _level(
    cell: Any,
    known: Collection[str],
    form: tuple[Collection[str], Mapping[str, str], str | None, bool],
    width: int,
    values: tuple[Mapping[float, str | None], Mapping[float, str]],
    exact: bool,
) -> str:
    """A level; JSON's true, 1.0 and 1 are those that the table writes as true, TRUE, Y, 1, 1.0 or 01.

    Any other number in JSON is the only level that is the same number. A text that training has not seen is
    the level that programs write so, see `_spellings`, or a gap, if training has seen some.

    `form` is how the column writes missing values and levels, see `cells.category`. `width` is the number of
    digits if all levels of digits have the same number, and `values` are levels by their number and truth.
    In a column of texts, which is `exact`, no text is a gap or a number.
    """
    if type(cell) is str and cell in known:  # as nearly all are
        return cell
    level = cells.category(cell, *form)
    if not known or level in known:
        return level
    if type(cell) is str:
        texts = chain(_spellings(level), () if exact else _whole_numbers(level, width))
        meant = (one for one in (cells.category(text, *form) for text in texts) if one in known)
        truth = None if exact else values[1].get(_TRUE_AND_FALSE.get(level.casefold(), math.nan))
        other = level if truth is None else truth
        return next(meant, "" if level in _NO_TEXTS and "" in known and not exact else other)
    if type(cell) not in (bool, float, int):
        return level
    if type(cell) is bool:
        others = [level.lower(), level.upper()]
    else:  # JavaScript writes 1.0 as 1
        whole = level.removesuffix(".0")
        others = [whole if type(cell) is float else f"{level}.0", whole.zfill(width)]
    if any(one in form[0] for one in others):  # -999.0, as pandas writes it beside gaps
        return ""
    found = next((one for one in others if one in known), None)
    numbers, truths = values
    if found is None and type(cell) is not bool:
        found = numbers.get(cell)
    found = truths.get(cell) if found is None else found
    return level if found is None else found


def _spellings(text: str) -> Iterator[str]:
    """What a text may be that programs have written otherwise than the table does.

    That is in another Unicode form, as macOS writes names of files; with signs that nobody sees, or blanks of
    another kind; in letters as wide as a Chinese sign; with more blanks, the end of a line, or line breaks
    of Windows; in the quotes of Python or JSON; behind an apostrophe or in a formula, so that Excel takes it
    for text; with the entities of HTML; a day with midnight; true and false as Python and R write them.
    """
    if not text.isascii():
        yield normalize("NFC", text)
        yield normalize("NFD", text)
        seen = text.translate(cells.UNSEEN)
        yield from (" ".join(normalize(form, seen).split()) for form in ("NFC", "NFKC"))
    yield text.strip("\r\n")
    yield _BLANKS_INSIDE.sub(" ", text)
    if text.startswith("'"):
        yield text[1:]
    yield cells.without_formula(text)
    if "\n" in text:  # which forms of browsers send as those of Windows
        unix = text.replace("\r\n", "\n")
        yield from (unix, unix.replace("\n", "\r\n"))
    if found := _QUOTED.fullmatch(text):
        yield found["text"]
    if "&" in text:
        import html  # whose thousands of entities a server does not need otherwise

        yield html.unescape(text)
    if found := _MIDNIGHT.fullmatch(text):
        yield found[1]
    if text.casefold() in _TRUTHS:
        yield from (text.lower(), text.upper(), text.capitalize())


def _whole_numbers(text: str, width: int) -> Iterator[str]:
    """How a table may write a whole number that Excel or JavaScript has left without its end or its zeros."""
    if found := _WHOLE.fullmatch(text):
        yield from (found[1], f"{found[1]}.0", found[1].zfill(width))


def _date(cell: Any, form: str, missing: Collection[str], of_days: bool) -> float:
    """A date as the table writes it, or as programs do, see `_of_programs`.

    In a column of days, the one that is written counts: 2024-01-31T00:00+02:00 is January 31, which it is not
    yet in UTC, and 2024-01-31T23:00 is the same day, whose number is whole, as all were in training.
    """
    if form in _TIMES and isinstance(cell, str) and (found := _NO_DAY.fullmatch(cell.strip())):
        cell = found[1]
    elif of_days and isinstance(cell, str) and len(cell) > DAY and _ISO_DATE.match(cell):
        cell = _OFFSET.sub(r"\1", cell)
    try:
        day = dates.date(cell, form, missing)
    except ValueError:
        other = _time(cell, form) if form in _TIMES else _of_programs(cell, form, of_days)
        if other is None:
            raise
        day = other
    return day // 1 if of_days else day  # which stays NaN


def _time(cell: Any, form: str) -> float | None:
    """A time of day as precise as programs write it, or with the half of the day; None if it is neither."""
    text = cell.strip() if isinstance(cell, str) else ""
    if _TIMES[form].fullmatch(text):
        return dates.date(text, "%H:%M:%S.%f" if "." in text else "%H:%M:%S", ())
    return _first_read(text, _HALVES)


def _of_programs(cell: Any, form: str, of_days: bool) -> float | None:
    """A date that is none in a column's format, as programs write it; None if they do not.

    ISO 8601, milliseconds as JavaScript, pandas and .NET write them, and moments as JavaScript, HTTP and Go
    write them cannot be dates of another format; nor can the numbers of Java's dates, in lists. The format of
    the table may have a time that was left out, or more digits of the year.
    """
    if isinstance(cell, str) and cell.strip().endswith(".0") and (found := _WHOLE.fullmatch(cell.strip())):
        return _first_read(found[1], (form,))  # of pandas beside a gap: 20240131.0
    if form != dates.ISO and ("%d" not in form or "%y" not in form.lower()):
        return None  # a month is not asked for by a date
    if isinstance(cell, list):
        return _of_java(cell)
    text = cell.strip() if isinstance(cell, str) else ""
    if _DIGITS.fullmatch(text):
        cell = int(text)  # in CSV, all cells are text
    if not isinstance(cell, str):
        is_moment = type(cell) in (int, float) and _are_milliseconds(cell)
        return cell / PER_DAY if is_moment else None
    if found := _DOT_NET.fullmatch(text):
        return _of_dot_net(int(found[1]), found[2] if of_days else None)
    if found := _MOMENT_OF_PROGRAMS.fullmatch(text):
        time = "00:00:00 +0000" if of_days else f"{found['time']} {found['offset'] or '+0000'}"
        return _first_read(f"{found['day']} {time}", _MOMENTS)
    if form != dates.ISO and _ISO_DATE.match(text):
        return _first_read(text, (dates.ISO,))
    has_clock = "%H" in form or "%I" in form
    return _first_read(text if has_clock else _TIME.sub("", text), _longer(form))


def _first_read(text: str, forms: Iterable[str]) -> float | None:
    """The date in a text in the first of some formats in which it is one."""
    for form in forms if text else ():
        with suppress(ValueError):  # the sentence about the table's own format says more
            return dates.date(text, form, ())
    return None


@cache
def _longer(form: str) -> tuple[str, ...]:
    """The ways in which programs write dates in a format with more of them; a day also as it is."""
    found = []
    for one in form.split(SEVERAL) if form != dates.ISO else ():
        day, sign, _ = one.partition(" %H" if " %H" in one else " %I")
        days = [day, day.replace("%y", "%Y")] if "%y" in day else [day]
        times = {"": ("",), " %I": (" %I:%M %p", " %I:%M:%S %p")}
        found += [one + time for one in days for time in times.get(sign, _CLOCKS)]
    return tuple(found)


def _of_java(numbers: list[Any]) -> float | None:
    """The moment of [2024, 1, 31, 10, 30, 5, 250000000], of which the time may be left out."""
    if not 3 <= len(numbers) <= 7 or {*map(type, numbers)} != {int}:
        return None
    *parts, billionths = numbers if len(numbers) == 7 else (*numbers, 0)
    with suppress(ValueError, OverflowError):
        return dates.date(datetime(*parts, microsecond=billionths // 1000).isoformat(), dates.ISO, ())
    return None


def _of_dot_net(milliseconds: int, offset: str | None) -> float:
    """The moment of /Date(1706652000000+0200)/, or, with an offset, the day at that place."""
    if offset is None:
        return milliseconds / PER_DAY
    hours, minutes = divmod(int(offset[1:]), 100)
    there = milliseconds + (60 * hours + minutes) * (-60_000 if offset[0] == "-" else 60_000)
    return float(there // PER_DAY)


def _are_milliseconds(number: float) -> bool:
    """Whether a number counts milliseconds since 1970, and is not a moment such as 202401311030."""
    return MILLISECONDS[0] <= abs(number) < MILLISECONDS[1] and not _MOMENT.fullmatch(f"{number:.0f}")


def _number(cell: Any, form: "NumberFormat", missing: Collection[str], gaps: Collection[float]) -> float:
    """A number in the format of the column, which a JSON number does not need.

    Words for a missing value that are numbers count by their value: pandas writes -999 beside gaps as -999.0.
    """
    if type(cell) is bool and str(cell).lower() in missing:  # a typing error of a table in JSON Lines
        return math.nan
    if not isinstance(cell, str):
        number = cells.number(cell)
        return math.nan if number in gaps else number
    text = cell.strip()
    if cells.is_gap(text, missing):
        return math.nan
    number = read_number(text, form)
    return math.nan if number in gaps else number


def _flag(cell: Any, read: Callable[[Any], float]) -> float:
    """A number, or true and false, which pandas and others write where a table had 1 and 0."""
    if type(cell) is bool or (type(cell) is str and cell.strip().casefold() in _TRUTHS):
        return cells.boolean(cell)
    return read(cell)
