"""What to say of a category whose texts are more than levels: markup, several values, or numbers."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile

import pyarrow as pa

from tabular.data.decisions.decision import SAMPLE, listed
from tabular.data.decisions.looks.forms import MOST_RANGES, doubt_of_form
from tabular.data.decisions.looks.like_numbers import doubts_of_numbers
from tabular.data.decisions.looks.matching import all_match
from tabular.data.decisions.many.counts import Counts
from tabular.data.values.date_words.months import place_of
from tabular.data.values.finding.dates import find_dates
from tabular.data.values.finding.numbers import find_numbers
from tabular.data.values.finding.units import are_units
from tabular.data.values.number_words import CURRENCY_CODE, NUMBER_SIGN, SHOE_SIZE

__all__ = ["doubts_of_looks"]

HTML = re.compile(
    r"&(?:#[0-9]+|#x[0-9a-f]+|[a-z]{2,8});|</?(?:a|b|i|u|p|br|div|em|font|h[1-6]|img|li|ol|span|strong|su[bp]|"
    r"t[dr]|ul)(?:\s[^<>]*|/)?>",
    re.IGNORECASE,
)
IN_QUOTES = "numbers or dates in quotes"
QUOTES = ("'", '"', "=", "`")  # also the sign before a text, or a formula, in a spreadsheet
SIGNS_BETWEEN = ";|,"  # several values in a cell
AROUND_VALUES = " {}[]()'\""
FEWEST_COMBINATIONS, FEWEST_QUANTITIES = 5, 3
MOST_PATTERNS, FEWEST_ALIKE = 5, 5  # in which the texts of a column differ in figures alone
AFTER_WORD = re.compile(
    r"([^\W\d_]+)[\s/.:=<>\u2264\u2265]*[0-9]+((?:[ \u00a0\u202f'\u2019.,][0-9]+)*(?: [0-9]/[0-9])?)"
)
AFTER_SIGN = re.compile(rf"{NUMBER_SIGN}\s?[1-9]\d{{0,8}}")  # not those of colours
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
FIGURES = re.compile(r"[0-9]+(?:[.,][0-9]+|[ \u00a0\u202f'\u2019][0-9]{3}(?![0-9]))*")
BEFORE_WORDS = re.compile(r"[-+(]?[$\u20ac\u00a3\u00a5]?#\s?[/(@]?\s?(?:[^\W\d_]|[%\u00b0\u00b5]|(?<=@ )#)")
BETWEEN_WORDS = re.compile(r"[^\W\d_][^#]*#[^#]*[^\W\d_][^#]*")  # of different lengths, unlike codes
NEARLY_ALL = 0.9
# From 500 to 1.000 in several languages, where nobody may be able to tell thousands from decimals.
RANGE_IN_WORDS = re.compile(
    r"(?:(?:de|von|from|between)\s)?[^\w\s]?\s?\d[\d.,'\u2019]*(?:\s?[^\d\s]{1,8})?\s*"
    r"(?:[-\u2013~]|to|bis|a|\u00e0|and|y|et|und)\s*[^\w\s]?\s?\d[\d.,'\u2019]*\D{0,24}",
    re.IGNORECASE,
)
NESTED = r"^\s*(?:\{.*:.*\}|\[.*,.*\]|\[\s*-?[\d.]+(?:\s\w+)?\s*\])\s*$"  # also [12 ms]
LISTS = re.compile(r"\[\s*(?:(['\"]).*\1)?\s*\]", re.DOTALL)
# As repr() writes numbers and times of Python, NumPy, pandas and PyTorch, and as MongoDB exports them.
CALLS = re.compile(
    r"(?:(?:np|numpy)\.)?(?:u?int|float|bool|str|datetime|timedelta)\d{0,3}_?\(.*\)|(?:np\.|numpy\.)?array\(\[.*\)"
    r"|(?:decimal\.|fractions\.)?(?:Decimal|Fraction)\(.*\)|(?:torch\.)?tensor\(.*\)"
    r"|(?:datetime\.|pd\.|pandas\.)?(?:datetime|date|time|timedelta|Timestamp|Timedelta|Period)\(.*\)"
    r"|(?:ISODate|Number(?:Int|Long|Decimal)|ObjectId|UUID)\(.*\)",
    re.DOTALL,
)
# As Excel writes MARCH1, 10-14 and Oct-49, which it takes for dates; in German 01. Mrz and Okt 49.
DAY = re.compile(
    r"\d{1,2}(?:[-/]|\. )(?P<month>[^\W\d_]{3,5})\.?"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{2}"
    r"|(?:Mrz|Okt|Dez) \d{2}"  # Sep 19 is a day, in English
)
MONEY = re.compile(rf"({CURRENCY_CODE.pattern})\s?-?\d[\d.,']*|-?\d[\d.,']*\s?({CURRENCY_CODE.pattern})")
BYTES = re.compile(r"b(['\"]).*\1", re.DOTALL)
SIZES = re.compile(rf"({SHOE_SIZE})\s?\d{{1,2}}(?:[.,]5|\s?1/2|\s?\u00bd)?")
_ONE = r"\d[\d.,]*(?:\s?[^\W\d_]{1,12})?"
SUM = re.compile(rf"{_ONE}(?:\s?\+\s?{_ONE})*")  # 48 MP + 12 MP
# Units that end no code and are not words, and the forms that only times and dates have.
MEASURE = re.compile(
    r"(?<![\w.,:/])\d+(?:[.,]\d+)?\s?(?:[kMG]Hz|Hz|[KMGT]i?B|kB|[kcm\u00b5]m|[km]?g|[mcd]?[lL]|[kM]W|kWh|mAh|"
    r"MP|[hk]Pa|mbar|psi|km/h|mph|sq\.? ?ft|m\u00b2|lbs?|oz|\u00b0[CF])(?![\w/])"
    r"|(?<![\w.:*])(?:[01]?\d|2[0-3]):[0-5]\d(?![\w])|\((?:19|20)\d\d(?:\s?[-\u2013]\s?(?:(?:19|20)\d\d)?\s?)?\)"
    r"|(?<![\w./-])(?:\d{4}-\d\d-\d\d|\d{1,2}([./])\d{1,2}\1(?:19|20)\d\d)(?![\w/-])"
)


def doubts_of_looks(cells: pa.ChunkedArray, counts: Counts) -> tuple[str, ...]:
    """What to say of a category whose texts look like something else; `counts` says how often each occurs."""
    first = counts.first(SAMPLE)
    if all_match(first, NESTED) and all_match(counts.texts, NESTED):
        return (
            f"lists or objects as text, such as {listed(first[:1].to_pylist())}, each of which is a level; "
            "make a column for each of their values.",
        )
    texts = first.to_pylist()
    if texts[0].lstrip()[:1] in QUOTES and _are_quoted(texts):
        return (
            f"{IN_QUOTES}, such as {texts[0]!r}, each of which is a level; remove the quotes "
            "that are part of the cells if they are quantities.",
        )
    days = [text for text in texts if _is_day(text)]
    if 0 < len(days) < len(texts):
        return (
            f"dates without a year among other texts, such as {days[0]!r}; if a spreadsheet has made them of "
            "names such as MARCH1 or of ranges such as 10-14, correct them.",
        )
    if said := doubt_of_form(texts, len(counts)):
        return (said,)
    return doubts_of_numbers(cells, counts) or tuple(_doubts_of_texts(texts))


def _is_day(text: str) -> bool:
    """Whether a text is a day without a year, or a month, as spreadsheets write it."""
    match = DAY.fullmatch(text)
    return match is not None and (match["month"] is None or place_of(match["month"]) is not None)


def _are_quoted(texts: Sequence[str]) -> bool:
    """Whether all texts begin with a sign that a program has put before or around a number or a date."""
    stripped = [text.strip() for text in texts]
    if not all(text[:1] in QUOTES for text in stripped):
        return False
    counts = dict.fromkeys(filter(None, (text.strip("".join(QUOTES)) for text in stripped)), 1)
    return bool(counts) and (find_numbers(counts) or find_dates(counts)) is not None


def _doubts_of_texts(texts: Sequence[str]) -> Iterator[str]:
    """What some different texts may contain besides a level: markup, several values, or a number."""
    if marked := next((text for text in texts if ("&" in text or "<" in text) and HTML.search(text)), None):
        yield f"texts with HTML in them, such as {marked!r}; write them as plain text."
    if all(map(BYTES.fullmatch, texts)):
        yield (
            f"texts as Python writes bytes, such as {texts[0]!r}; decode them before the table is written."
        )
    if all(map(CALLS.fullmatch, texts)):
        yield f"texts as programs show values, such as {texts[0]!r}; write the values alone if they matter."
        return
    sizes = [match[1] for match in takewhile(bool, map(SIZES.fullmatch, texts)) if match]
    if len(sizes) == len(texts) and len(set(sizes)) > 1:
        yield (
            f"sizes of several regions, such as {texts[0]!r}, each of which is a level; write all as in one "
            "region if their order matters."
        )
    money = list(takewhile(bool, map(MONEY.fullmatch, texts)))
    if len(money) == len(texts) and len({one[1] or one[2] for one in money if one}) > 1:
        yield (
            f"amounts in several currencies, such as {texts[0]!r}, each of which is a level; convert "
            "them into one."
        )
    if joined := _joined(texts):
        yield (
            f"several numbers in a cell, such as {joined!r}, each combination of which is a level; make a "
            "column for each number."
        )
    several = next(filter(None, (_several(texts, sign) for sign in SIGNS_BETWEEN)), None)
    if several is not None:
        yield (
            f"several values in a cell, such as {several!r}, each combination of which is a level; make a "
            "column for each value."
        )
    elif all(LISTS.fullmatch(text.strip()) for text in texts):
        yield (
            f"lists as text, such as {texts[0]!r}, each of which is a level; make a column for each of their "
            "values."
        )
    if alike := _quantity(texts):
        yield (
            f"a category, although the texts are numbers beside the same words, such as {alike!r}; write the "
            "numbers alone if they are quantities."
        )
    elif not joined and several is None and (measured := _measured(texts)):
        yield (
            f"texts with a quantity, a time or a date in nearly all of them, such as {measured!r}, each of "
            "which is a level; make a column of it if it matters."
        )
    if are_units(texts):
        yield (
            f"a category of units, such as {texts[0]!r} and {texts[1]!r}; if another column has the numbers, "
            "convert them to one unit."
        )
    if len(texts) > 2 and all(map(AFTER_SIGN.fullmatch, texts)):
        yield (
            f"a category, although each text is a number after a sign, such as {texts[0]!r}; name the "
            "column in numeric if the order of the numbers matters."
        )
    parts = list(takewhile(bool, map(AFTER_WORD.fullmatch, texts)))
    words, fractions = ({part[place] for part in parts if part} for place in (1, 2))
    if 2 < len(texts) == len(parts) and len(words) == 1 and fractions != {""}:
        yield (
            f"a category, although each text is a number after the same word, such as {texts[0]!r}; leave "
            "the word out if they are quantities."
        )
    ranges = [text for text in texts[:MOST_RANGES] if RANGE_IN_WORDS.fullmatch(text.strip())]
    if len(ranges) > 1 and 2 * len(ranges) >= min(len(texts), MOST_RANGES):
        yield (
            f"a category, although texts such as {ranges[0]!r} are ranges; write the midpoint of each as a "
            "number if their order matters."
        )


def _quantity(texts: Sequence[str]) -> str | None:
    """A text with a number before or between words, if nearly all differ from a few in figures alone."""
    if len(texts) < FEWEST_QUANTITIES or not any(map(FIGURES.search, texts[:FEWEST_QUANTITIES])):
        return None
    patterns = list[str]()
    for some in (
        texts[: len(texts) // 5],
        texts[len(texts) // 5 :],
    ):  # a part is enough for most
        patterns += (FIGURES.sub("#", text) for text in some)
        first, *others = Counter(patterns).most_common(MOST_PATTERNS) or [("", 0)]
        usual = [first, *(other for other in others if other[1] >= FEWEST_ALIKE)]
        count = sum(count for _, count in usual)
        if count + len(texts) - len(patterns) < NEARLY_ALL * len(texts):
            return None
    by_pattern = {
        pattern: [text for text, one in zip(texts, patterns, strict=True) if one == pattern]
        for pattern, _ in usual
    }
    alike = [some for pattern, some in by_pattern.items() if _are_quantities(pattern, some)]
    return alike[0][0] if sum(map(len, alike)) >= NEARLY_ALL * len(texts) else None


def _are_quantities(pattern: str, texts: Sequence[str]) -> bool:
    """Whether texts of the same pattern are a number before words, or between words and not of one length."""
    if BEFORE_WORDS.match(pattern):
        return True
    zeros_lead = any(re.search(r"(?<!\d)0\d", text) for text in texts)
    return not zeros_lead and BETWEEN_WORDS.fullmatch(pattern) is not None and len(set(map(len, texts))) > 1


def _measured(texts: Sequence[str]) -> str | None:
    """A text with a measure among other words, if nearly all have one and these differ; None otherwise."""
    found, most = list[re.Match[str]](), len(texts)
    for text in texts:
        if match := MEASURE.search(text):
            found.append(match)
        elif (most := most - 1) < NEARLY_ALL * len(texts):
            return None
    return found[0].string if len({match[0] for match in found}) >= FEWEST_QUANTITIES else None


def _joined(texts: Sequence[str]) -> str | None:
    """A text with several numbers that a plus joins, if a third have them and all others are numbers."""
    joined = [text for text in texts if "+" in text.strip().strip("+")]
    if len(joined) * 3 < max(len(texts), 1) or not all(SUM.fullmatch(text.strip()) for text in texts):
        return None
    return joined[0]


def _several(texts: Sequence[str], sign: str) -> str | None:
    """A text with several values that this sign separates; None if they are not combinations of the same."""
    if sign == ",":  # 1,234 is one value
        texts = [THOUSANDS.sub("", text) if sign in text else text for text in texts]
    joined = [text for text in texts if sign in text.strip(sign)]
    if len(texts) < FEWEST_COMBINATIONS or len(joined) * 3 < len(texts):
        return None
    values = {value.strip(AROUND_VALUES) for text in texts for value in text.split(sign)}
    return joined[0] if len(values) < len(texts) else None
