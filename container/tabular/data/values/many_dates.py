"""Many dates at once: those with digits in fixed places, as most are written. It needs only NumPy.

`dates` defines what a date is and reads each text by itself, which takes minutes for millions of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

__all__ = ["SEVERAL", "USUAL_YEARS", "layouts_as_bytes", "read_dates", "read_letters", "shorter"]

SEVERAL = " | "  # between the formats of a column that has several

# How many letters or digits a part of a format has; a number without a leading zero has one less.
_WIDTHS = {
    **{"Y": (4,), "y": (2,), "m": (2, 1), "d": (2, 1), "b": (3,)},
    **{"H": (2, 1), "I": (2, 1), "M": (2,), "S": (2,), "f": (6, 3), "p": (2,)},
}
_ISO_WIDTHS = _WIDTHS | {"m": (2,), "d": (2,), "H": (2,)}
_ISO_TIMES = ("", *(sign + time for sign in "T " for time in ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")))
_WORDS = {
    "b": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "p": ("am", "pm"),
}
# What programs leave out of a time: the parts of a second, the seconds, or all of it at midnight.
_LEFT_OUT = {
    **{" %H:%M": ("",), " %H:%M:%S": (" %H:%M", ""), " %H:%M:%S.%f": (" %H:%M:%S", " %H:%M", "")},
    **{" %I:%M %p": ("",), " %I:%M:%S %p": (" %I:%M %p", ""), " %H:%M %Z": ("",)},
}
_SMALL = 0x20  # the bit of ASCII by which small letters differ from capitals
USUAL_YEARS = _FIRST, _LAST = 1700, 2200  # whose microseconds a float64 holds
# The first day of each month of these years, and of the next one, as days since 1970.
_FIRST_DAYS = np.arange((_FIRST - 1970) * 12, (_LAST + 1 - 1970) * 12 + 1).astype("datetime64[M]")
_FIRST_DAYS = _FIRST_DAYS.astype("datetime64[D]").astype(np.int64)
_SECOND, _DAY = 1_000_000, 86_400_000_000  # microseconds
_PARTS = re.compile(r"%(.)|(.)")
_MOST_WAYS, _LONGEST, _MOST_PARTS, _LAST_BYTE = 64, 64, 32, 127  # of what is written in C


class _Layout(NamedTuple):
    """A way to write dates: how long the text is, where its parts are, and the signs between them."""

    length: int
    parts: Mapping[str, slice]
    signs: Mapping[int, str]


def read_dates(texts: Sequence[str], form: str) -> np.ndarray:
    """Days since 1970-01-01 (UTC) of each text (n_texts,); NaN where `dates.day_number` has to read it.

    Args:
        texts: cells of a column of dates.
        form: their format, as `dates.day_number` takes it.
    """
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    letters = np.frombuffer("".join(texts).encode("latin-1", "replace"), np.uint8)
    return read_letters(np.concatenate([[0], ends[:-1]]) if len(ends) else ends, ends, letters, form)


def read_letters(begins: np.ndarray, ends: np.ndarray, letters: np.ndarray, form: str) -> np.ndarray:
    """`read_dates` of texts in UTF-8: where each begins and ends (n_texts,), and all letters."""
    found = np.full(len(begins), np.nan)
    lengths = ends - begins
    for layout in _layouts(form):
        places = np.flatnonzero((lengths == layout.length) & np.isnan(found))
        if not len(places):
            continue
        if len(places) == len(begins) and ends[-1] - begins[0] == len(begins) * layout.length:  # no gaps
            alike = letters[begins[0] : ends[-1]].reshape(len(begins), layout.length)
        else:
            alike = letters[begins[places, None] + np.arange(layout.length)]
        found[places] = _days(alike.T.copy(), layout)
    return found


@cache
def shorter(form: str) -> tuple[str, ...]:
    """The formats of the same dates with a part of the time left out; none if it has no time."""
    day, sign, time = form.partition(" %H" if " %H" in form else " %I")
    return tuple(day + rest for rest in _LEFT_OUT.get(sign + time, ())) if "%d" in day else ()


@cache
def _layouts(form: str) -> tuple[_Layout, ...]:
    """The ways to write dates in a format; none if one of its parts has no fixed length."""
    if SEVERAL in form:
        return tuple(way for one in form.split(SEVERAL) for way in _layouts(one))
    if form == "ISO8601":
        return tuple(one for time in _ISO_TIMES for one in _ways(f"%Y-%m-%d{time}", _ISO_WIDTHS))
    return tuple(way for one in (form, *shorter(form)) for way in _ways(one, _WIDTHS))


@cache
def layouts_as_bytes(form: str) -> bytes | None:
    """The ways to write dates in a format, as `native.texts` takes them; None if they are too much for it."""
    ways = _layouts(form)
    if len(ways) > _MOST_WAYS or any(way.length > _LONGEST for way in ways):
        return None
    found = bytearray()
    for way in ways:
        signs = [(0, place, ord(sign)) for place, sign in way.signs.items()]
        parts = [(ord(kind), part.start, part.stop - part.start) for kind, part in way.parts.items()]
        if len(signs) + len(parts) > _MOST_PARTS or any(sign > _LAST_BYTE for _, _, sign in signs):
            return None
        found += bytes([way.length, len(signs) + len(parts)])
        found += bytes(number for part in signs + parts for number in part)
    return bytes(found)


def _ways(form: str, widths: Mapping[str, tuple[int, ...]]) -> Iterator[_Layout]:
    parts = _PARTS.findall(form)
    if any(kind and kind not in widths for kind, _ in parts):
        return
    # Numbers without a sign between them are told apart by their widths, and 2:1 is a score, not a time.
    fixed = re.search("%[^bp]%[^bp]|:%[Hmd]", form) is not None
    choices = [(1,) if sign else widths[kind][: 1 if fixed else None] for kind, sign in parts]
    for chosen in product(*choices):
        ends = np.cumsum(chosen).tolist()
        places = [slice(end - width, end) for end, width in zip(ends, chosen, strict=True)]
        yield _Layout(
            ends[-1],
            {kind: place for (kind, _), place in zip(parts, places, strict=True) if kind},
            {place.start: sign for (_, sign), place in zip(parts, places, strict=True) if sign},
        )


def _days(letters: np.ndarray, layout: _Layout) -> np.ndarray:
    """The days (n_texts,) of texts, given as bytes (length, n_texts); NaN where one is written otherwise."""
    right = np.ones(letters.shape[1], dtype=bool)
    for place, sign in layout.signs.items():
        right &= letters[place] == ord(sign)
    rows = np.flatnonzero(right)
    days = np.full(len(right), np.nan)
    if len(rows):
        letters = letters if len(rows) == len(right) else letters[:, rows]
        read = {
            kind: (_word if kind in _WORDS else _number)(letters[place], kind)
            for kind, place in layout.parts.items()
        }
        days[rows] = _as_days(read)
    return days


def _number(letters: np.ndarray, kind: str) -> np.ndarray:
    """The number (n_texts,) that some digits are (n_digits, n_texts); -1 if one is not a digit."""
    digits = letters - np.uint8(ord("0"))  # what comes before the digits wraps around
    number = np.zeros(letters.shape[1], np.int32)
    wrong = np.zeros(letters.shape[1], bool)
    for digit in digits:
        wrong |= digit > 9
        number *= 10
        number += digit
    if kind == "f":
        number *= 10 ** (6 - len(digits))
    number[wrong] = -1
    return number


def _word(letters: np.ndarray, kind: str) -> np.ndarray:
    """The place (n_texts,) of words among those of their kind (n_letters, n_texts); -1 for any other."""
    found = np.full(letters.shape[1], -1)
    for number, word in enumerate(_WORDS[kind]):
        same = [(some | _SMALL) == ord(letter) for some, letter in zip(letters, word, strict=True)]
        found[np.all(same, axis=0)] = number
    return found


def _as_days(read: Mapping[str, np.ndarray]) -> np.ndarray:
    """The days (n_texts,) of dates in parts of 32 bits; NaN if there is no such date, or if a part is -1."""
    year, month, day = read.get("Y", 1970), read.get("m", 1) - 1, read.get("d", 1) - 1
    if "y" in read:  # two digits mean these years by POSIX
        year = read["y"] + np.where(read["y"] < 69, 2000, 1900)
    month = read.get("b", month)
    hour, minute, second = (read.get(kind, 0) for kind in "HMS")
    right = (year >= _FIRST) & (year <= _LAST) & (month >= 0) & (month < 12) & (day >= 0)
    right &= (hour >= 0) & (hour < 24) & (minute >= 0) & (minute < 60) & (second >= 0) & (second < 60)
    if "I" in read:
        right &= (read["I"] >= 1) & (read["I"] <= 12)
        hour = read["I"] % 12
    for kind in {"y", "p", "f"} & read.keys():
        right &= read[kind] >= 0
    hour = hour + 12 * read.get("p", 0)
    months = np.where(right, (year - _FIRST) * 12 + month, 0)
    first, next_first = _FIRST_DAYS[months], _FIRST_DAYS[months + 1]
    right &= first + day < next_first
    time = ((hour * 60 + minute) * 60 + second) * np.int64(_SECOND) + read.get("f", 0)
    return np.where(right, ((first + day) * _DAY + time) / _DAY, np.nan)
