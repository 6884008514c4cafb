"""What people write in and around dates, in the form that strptime knows.

Months of many languages, weekdays, zones, East Asia's signs and eras; years of accounts, quarters, halves and
weeks become the day on which they begin.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tabular.data.values.cells import DIGITS, UNSEEN

__all__ = ["FISCAL", "SPAN", "in_english", "usual", "without_zone", "zone_of"]

# Names of months that strptime does not know: French, German, Spanish, Italian, Portuguese, Dutch; Danish,
# Norwegian and Swedish; Polish, Czech, Russian and Turkish; then Finnish, Hungarian, Slovak, Romanian,
# Indonesian, Ukrainian, Bulgarian, Greek, Arabic and Hebrew.
_MONTHS = {
    "Jan": "janv janvier jän jänner januar ene enero gen gennaio janeiro januari "
    "stycznia styczeń ledna leden января январь янв ocak "
    "tammikuuta január ianuarie січня януари ιανουαρίου يناير ינואר",
    "Feb": "févr fevr février fevrier februar febr febrero febbraio fev fevereiro februari "
    "lutego luty února únor февраля февраль фев şubat "
    "helmikuuta február februarie лютого февруари φεβρουαρίου فبراير פברואר",
    "Mar": "mars mär mrz märz maerz marzo março marco mrt maart "
    "marts marca marzec března březen марта март мар mart "
    "maaliskuuta március marca martie maret березня μαρτίου مارس מרץ",
    "Apr": "avr avril abr abril aprile kwietnia kwiecień dubna duben апреля апрель апр nisan "
    "huhtikuuta április apríla aprilie квітня април απριλίου أبريل ابريل אפריל",
    "May": "mai mayo mag maggio maio mei maj maja května květen мая май may\u0131s "
    "toukokuuta május mája травня май μαΐου مايو מאי",
    "Jun": "juin juni junio giu giugno junho czerwca czerwiec června červen июня июнь июн haziran "
    "kesäkuuta június júna iunie червня юни ιουνίου يونيو יוני",
    "Jul": "juil juillet juli julio lug luglio julho lipca lipiec července červenec июля июль июл temmuz "
    "heinäkuuta július júla iulie липня юли ιουλίου يوليو יולי",
    "Aug": "août aout ago agosto augustus augusti sierpnia sierpień srpna srpen августа август авг ağustos "
    "elokuuta augusztus augusta agustus серпня αυγούστου أغسطس اغسطس אוגוסט",
    "Sep": "sept septembre septiembre set settembre setembro "
    "września wrzesień září сентября сентябрь сен eylül "
    "syyskuuta szeptember septembra septembrie вересня септември σεπτεμβρίου سبتمبر ספטמבר",
    "Oct": "octobre okt oktober octubre ott ottobre out outubro "
    "października październik října říjen октября октябрь окт ekim "
    "lokakuuta október októbra octombrie жовтня октомври οκτωβρίου أكتوبر اكتوبر אוקטובר",
    "Nov": "novembre noviembre novembro listopada listopad listopadu ноября ноябрь ноя kas\u0131m "
    "marraskuuta novembra noiembrie листопада ноември νοεμβρίου نوفمبر נובמבר",
    "Dec": "déc décembre decembre dez dezember dic diciembre dicembre dezembro "
    "grudnia grudzień prosince prosinec декабря декабрь дек aral\u0131k "
    "joulukuuta decembra decembrie desember грудня декември δεκεμβρίου ديسمبر דצמבר",
}
MONTHS = {name: english for english, names in _MONTHS.items() for name in names.split()}
_FULL = {
    name[:3].casefold(): name
    for name in (
        *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
        *("October", "November", "December"),
    )
}
_AS_ASCII = DIGITS | UNSEEN
_FIGURES = re.compile(
    r"[\d./-]+(?: [\d:.]+)?|[\d:.]+"
)  # a date without any word, and without a time before it
# What people write besides: a weekday, 1st, "de", "at", "Uhr", a comma before the time, dots in a.m., and the
# signs of East Asia for year, month, day, hour and minute.
# No "mar" of French and Spanish, which is also March.
_DAYS_OF_WEEKS = (
    "mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday "
    "mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonntag "
    "lun mer jeu ven sam dim lundi mardi mercredi jeudi vendredi samedi dimanche "
    "lunes martes miércoles jueves viernes sábado domingo "
    "lunedì martedì mercoledì giovedì venerdì sabato domenica "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag"
)
_WEEKDAY = re.compile(rf"^(?:{'|'.join(_DAYS_OF_WEEKS.split())})\b[.,]*\s*(?=\w)", re.IGNORECASE)
# Halves of the day: in East Asia before the time, and in Greek, Vietnamese, Arabic, Persian and Turkish
# behind it.
_BEFORE_NOON = (
    "\uc624\uc804",
    "\u4e0a\u5348",
    "\u5348\u524d",
    "\u03c0\u03bc",
    "\u03c0.\u03bc.",
    "\u0635",
    "\u0642.\u0638",
    "\u00d6\u00d6",
)
_AFTER_NOON = (
    "\uc624\ud6c4",
    "\u4e0b\u5348",
    "\u5348\u5f8c",
    "\u03bc\u03bc",
    "\u03bc.\u03bc.",
    "\u0645",
    "\u0628.\u0638",
    "\u00d6S",
)
_HALF = "|".join(map(re.escape, (*_BEFORE_NOON, *_AFTER_NOON)))


def _of_half(found: re.Match[str]) -> str:
    """A time followed by am or pm; Japanese counts the hours from 0 to 11."""
    hour = found["hour"] if int(found["hour"]) else "12"
    half = found["before"] or found["behind"]
    return f"{hour}{found['rest']} {'am' if half in _BEFORE_NOON else 'pm'}"


_Rules = tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]
_WRITTEN_BESIDE: _Rules = (
    (re.compile(r"[\u00a0\u202f]"), " "),
    (re.compile(r"\s*\((?:\w{1,4}|[\w ]+ Time)\)$"), ""),
    (re.compile(r"\bGMT(?=[+-]\d{4}$)"), ""),  # JavaScript
    (re.compile(r"\b(?:GMT|UTC)([+-])(\d)$"), r"\g<1>0\g<2>00"),  # Google Forms
    (re.compile(r"\b(?:GMT|UTC)([+-]\d\d)(?::(\d\d))?$"), lambda offset: f"{offset[1]}{offset[2] or '00'}"),
    (re.compile(r"^(?:ng\u00e0y )?(\d\d?) th\u00e1ng (\d\d?),?(?: n\u0103m)? (?=\d{4}$)", re.I), r"\1.\2."),
    (re.compile(r"(?<=\d)\s*[\u0433\u0440](?:\.|\u043e\u0434\u0430|\u043e\u043a\u0443)?$"), ""),  # year
    (re.compile(r"\b\u05d1(?=[\u05d0-\u05ea]{3})"), ""),  # Hebrew's "in"
    (re.compile(r"(?<=\d)(?:st|nd|rd|th|er|\u00ba)\b", re.IGNORECASE), ""),
    (re.compile(r"(?<=[^\W\d_]),\s*(?=\d{4}\b)"), " "),
    (re.compile(r"\s+(?:de|del|of|at|@|um|\u00e0|\u00e0s|alle|kl\.?|klo)\s+", re.IGNORECASE), " "),
    (re.compile(r"\s+(?:Uhr|h)$"), ""),
    (re.compile(r",\s*(?=\d{1,2}:\d)"), " "),
    (re.compile(r"\b([ap])\.?\s?m\b\.?", re.IGNORECASE), r"\1m"),
)
# How programs and people write dates with other signs than most. Few texts have any of these signs.
_SIGN = re.compile(r"[#_'\u2019/.:-]|[+-]\d{4} |^le |^\d\d? ?[\dap]", re.IGNORECASE)
_WITH_SIGNS: _Rules = (
    (re.compile(r"^#(.+)#$"), r"\1"),  # Access
    (re.compile(r"(?<=[+-]\d{4}) [A-Z]{3,4}$"), ""),  # Go
    (re.compile(r"(?<=:\d\d),(?=\d{1,9}(?:[\s+Z-]|$))"), "."),  # a decimal comma before parts of a second
    (re.compile(r"(?<=[.,]\d{6})\d{1,3}(?=\D|$)"), ""),  # billionths of a second
    (re.compile(r"^(\d{8}T\d{6})\.\d+(?=Z?$)"), r"\1"),
    (re.compile(r"^(\d{4}-\d\d-\d\d)[_ T](\d\d)-(\d\d)-(\d\d)$"), r"\1 \2:\3:\4"),
    (re.compile(r"^([^\s:]+)\s?-\s?(?=\d{1,2}:\d\d)"), r"\1 "),
    (  # the time before the date
        re.compile(
            r"^(\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?:\s?[ap]\.?\s?m\b\.?)?),?\s+(?![+-])(?=.*(?:\d{4}|\d[./-]\d))(.+?)(?:\s*\(\w{1,4}\))?$",
            re.IGNORECASE,
        ),
        r"\2 \1",
    ),
    (re.compile(r"^(\d{1,2})\s?([ap])\.?m\.?$", re.IGNORECASE), r"\1:00 \2m"),  # 5pm
    (re.compile(r"^le\s+(?=\d)", re.IGNORECASE), ""),
    (re.compile(r"^(\d{1,2}) (\d{1,2}) (?=(?:19|20)\d\d\b)"), r"\1-\2-"),
    (re.compile(r"^(\d{4})\. (\d{1,2})\. (\d{1,2})(?= )"), r"\1-\2-\3"),  # Korean
    # Signs beside a month in letters: 12.Aug.2020, Aug/12/2020, 2020/Aug/12, 12 Aug, 2020, and Aug'20.
    (re.compile(r"^(\d{1,2})\.([^\W\d_]{3,})\.(?=\d{2,4}\b)"), r"\1-\2-"),
    (re.compile(r"^([^\W\d_]{3,})[/-](\d{1,2})[/-](?=\d{4}\b)"), r"\1 \2 "),
    (re.compile(r"^(\d{4})/([^\W\d_]{3,})/(?=\d)"), r"\1-\2-"),
    (re.compile(r"^([^\W\d_]{3,})\.?\s?['\u2019](?=\d\d$)"), r"\1 '"),
    (re.compile(r"(?<=:\d\d)\s?SA$"), " am"),  # Vietnamese
    (re.compile(r"(?<=:\d\d)\s?CH$"), " pm"),
)
# What only texts beyond ASCII have: weekdays, years, months, days and times of East Asia, halves of the day.
_IN_OTHER_SCRIPTS: _Rules = (
    (
        re.compile(
            r"\s*[(\uff08]?(?:\u661f\u671f|\u5468|\u9031|\u793c\u62dc)[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u65e5\u5929][)\uff09]?"
        ),
        "",
    ),
    (
        re.compile(
            r"\s*[(\uff08]?[\u6708\u706b\u6c34\u6728\u91d1\u571f\u65e5](?:\u66dc\u65e5?[)\uff09]?|[)\uff09])"
        ),
        "",
    ),
    (
        re.compile(
            r"\s*[(\uff08]?[\uc6d4\ud654\uc218\ubaa9\uae08\ud1a0\uc77c](?:\uc694\uc77c[)\uff09]?|[)\uff09])"
        ),
        "",
    ),
    (
        re.compile(r"^(?:\u4e2d\u83ef)?\u6c11\u570b\s*(\d{1,3})(?=\s*\u5e74)"),
        lambda found: str(int(found[1]) + 1911),
    ),
    (re.compile(r"(?<=\d)[\u6708\uc6d4](?:\u4efd)?\s*$"), ""),
    (re.compile(r"[\u5e74\u6708\ub144\uc6d4]\s*"), "-"),
    (re.compile(r"[\u65e5\uc77c]"), ""),
    (re.compile(r"[\u6642\u65f6\uc2dc]\s*"), ":"),
    (re.compile(r"(?<=\d)[\u5206\ubd84]\s*(?=\d{1,2}[\u79d2\ucd08])"), ":"),
    (re.compile(r"(?<=\d)[\u5206\ubd84\u79d2\ucd08]"), ""),
    (
        re.compile(
            rf"(?:(?P<before>{_HALF})\s*)?(?<![\d:])(?P<hour>\d{{1,2}})(?P<rest>(?::\d\d?){{1,2}}(?:[.,]\d+)?)"
            rf"(?:\s?(?P<behind>{_HALF})(?=\s|$))?"
        ),
        lambda found: _of_half(found) if found["before"] or found["behind"] else found[0],
    ),
)
_WORD = re.compile(r"[^\W\d_]+\.?")
# Zones by their usual names, of which Python knows UTC and GMT; IST has several meanings.
_ZONES = {
    name: f"{hours:+03}00"
    for hours, names in {
        **{-8: "PST", -7: "PDT MST", -6: "MDT CST", -5: "CDT EST", -4: "EDT", 1: "CET WEST BST"},
        0: "WET UTC GMT",
        **{2: "CEST EET", 3: "EEST MSK", 9: "JST KST", 10: "AEST", 11: "AEDT"},
    }.items()
    for name in names.split()
}
_KNOWN = {"UTC", "GMT"}  # behind a clock of 24 hours
_ZONE = re.compile(  # a year follows it in Java
    rf"(?<=[\dMm]) (?:{'|'.join(sorted(_ZONES.keys() - _KNOWN))})(?=$| \d{{4}}$)|(?<=[AaPp][Mm]) (?:UTC|GMT)$"
)
# A zone by its name in IANA's database, as Java also writes it in brackets after an offset.
_ZONE_NAME = r"[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_0-9+-]+){1,2}"
_ZONE_BY_NAME = re.compile(
    rf"(?<=[\dMmZ])(?: (?P<alone>{_ZONE_NAME})|\s?[\[(](?P<behind>{_ZONE_NAME})[\])])$"
)
_PDF = re.compile(  # ISO 32000, 7.9.4: all after the year may be left out
    r"D:((?:19|20)\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(\d\d)(\d\d)?(?:Z(?:00'?00'?)?|([+-]\d\d)'?(\d\d)'?)?)?)?)?"
)
# Periods, as the day on which they begin: years, quarters, halves and months as years and months, weeks as
# their Monday. The number of a quarter may be a word.
_YEAR = r"((?:19|20)\d\d)"
_FULL_YEAR, _ANY_YEAR = r"(?P<year>(?:19|20)\d\d)", r"(?P<year>(?:19|20)?\d\d)"
_FISCAL_WORDS = (
    "Exercice|Ejercicio|Esercizio|Exerc\u00edcio|[Bb]oekjaar|[Gg]esch\u00e4ftsjahr|[Ww]irtschaftsjahr|[Hh]aushaltsjahr|"
    "[Rr]egnskabs\u00e5r|[Rr]\u00e4kenskaps\u00e5r"
)
FISCAL = re.compile(
    rf"(?:FY|GJ|AY|[Ff]iscal(?: [Yy]ear)?|{_FISCAL_WORDS})(?=[\s'\u2019-]?\d\d)|\d\u5e74\u5ea6$"
)
_YEARS = (  # which may end with the next one
    re.compile(rf"(?:FY|[Ff]iscal(?: [Yy]ear)?)[\s'\u2019-]?{_ANY_YEAR}(?:[/-](?P<next>(?:20)?\d\d))?"),
    re.compile(rf"(?:CY|AY|GJ|{_FISCAL_WORDS})[\s-]?{_FULL_YEAR}(?:[/-](?P<next>(?:20)?\d\d))?"),
    re.compile(rf"{_FULL_YEAR}(?P<next>)\u5e74\u5ea6"),  # Japanese, which begins in April
)
_QUARTERS = (
    re.compile(rf"{_YEAR}[\s/_.:-]?[QqTt]([1-4])"),
    re.compile(rf"(?P<number>[1-4])(?:[Qq]|\.? ?Quartal |(?:st|nd|rd|th) [Qq]uarter ){_ANY_YEAR}"),
    re.compile(rf"(?P<number>[Ff]irst|[Ss]econd|[Tt]hird|[Ff]ourth) [Qq]uarter(?: of|,)? {_FULL_YEAR}"),
    re.compile(rf"[Qq](?P<number>[1-4])[\s/_.,-]*{_FULL_YEAR}"),
    re.compile(rf"{_FULL_YEAR},? ?(?:[Qq]uarter|[Qq]tr\.?|[Qq]uartal) ?(?P<number>[1-4])"),
    re.compile(
        rf"{_FULL_YEAR}\s?[\u5e74\ub144]\s?\u7b2c?(?P<number>[1-4])(?:\u5b63\u5ea6|\u56db\u534a\u671f|\ubd84\uae30)"
    ),
    re.compile(
        r"(?P<number>[1-4])(?:er|re|\u00e8me|e|[\u00ba\u00b0\u00aa.]|o)? ?[Tt]rim(?:estre|\.)?"
        rf"(?: de)?,? {_FULL_YEAR}"
    ),
    re.compile(
        r"(?P<number>[1-4])(?: ?-?\u0439)? ?\u043a\u0432(?:\.|\u0430\u0440\u0442\u0430\u043b)? "
        rf"{_FULL_YEAR}(?: ?\u0433(?:\.|\u043e\u0434\u0430)?)?"
    ),
    re.compile(rf"(?P<number>[1-4])\. (?:kvartal|kwarta\u0142|kvart\u00e1l|nelj\u00e4nnes) {_FULL_YEAR}"),
    re.compile(rf"[TtKk](?P<number>[1-4])[\s/_.,-]+{_FULL_YEAR}"),  # T123 is a code
    re.compile(rf"(?P<number>[1-4])T[\s/_.,-]?{_FULL_YEAR}"),
    re.compile(r"[Qq](?P<number>[1-4])[\s/'\u2019-]+(?P<year>\d\d)"),
    re.compile(rf"FY[\s'\u2019]?{_ANY_YEAR}[\s/_-]*[Qq](?P<number>[1-4])"),
    re.compile(rf"[Qq](?P<number>[1-4])[\s/_-]*FY[\s'\u2019]?{_ANY_YEAR}"),
)
_HALVES = (
    re.compile(rf"{_YEAR}[\s/_.:-]?[Hh]([12])"),
    re.compile(rf"(?P<number>[12])(?:[Hh]|(?:st|nd) [Hh]alf (?:of )?){_ANY_YEAR}"),
    re.compile(rf"[HhS](?P<number>[12])[\s/_.,-]+{_FULL_YEAR}"),  # a semester in Romance languages
    re.compile(rf"(?P<number>[12])S[\s/_.,-]?{_FULL_YEAR}"),
)
_NUMBERS = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_WEEKS = (
    re.compile(rf"{_YEAR}[\s/_-]?(?:[Ww]|KW|[Ww]eek)\s?(\d\d?)(?:-([1-7]))?"),
    re.compile(
        rf"(?:[Ww]|KW|[Ww]eek|[Ww]k\.?|[Ss]emaine)[\s.]*(?P<week>\d\d?)[\s/_,.-]+(?P<year>{_YEAR[1:-1]})"
    ),
)
_MONTH = re.compile(rf"{_YEAR}[\s_-]?[Mm](0?[1-9]|1[0-2])")  # Eurostat's and Stata's
_MONTH_COMMA = re.compile(rf"([^\W\d_]+\.?),\s*{_YEAR}")
# A span of months, whose year may be before the first, after it, or after the last.
_NAME = r"[^\W\d_]{3,12}"
SPAN = re.compile(
    rf"(?:(?P<before>{_YEAR[1:-1]})\s+)?(?P<first>{_NAME})\.?(?:\s+(?P<begun>{_YEAR[1:-1]}))?"
    rf"\s*(?:[-\u2013\u2014/]|(?<=\s)(?:to|bis|through|until|till?|a|\u00e0|al|do|tot)(?=\s))\s*"
    rf"(?P<last>{_NAME})\.?(?(before)|,?\s+(?P<year>{_YEAR[1:-1]}|'?\d\d))"
)
_ERAS = {"\u4ee4\u548c": 2018, "\u5e73\u6210": 1988, "\u662d\u548c": 1925, "\u5927\u6b63": 1911}
_ERA = re.compile(rf"({'|'.join(_ERAS)})(\d{{1,2}}|\u5143)(?=\u5e74)")


@lru_cache(maxsize=4096)
def usual(text: str, with_weekday: bool = False) -> str:
    """The text without what people write besides a date; with the weekday if the format has one."""
    if not text.isascii():
        text = text.translate(_AS_ASCII).strip()
        text = _ERA.sub(lambda era: str(_ERAS[era[1]] + (1 if era[2] == "\u5143" else int(era[2]))), text)
    if _FIGURES.fullmatch(text):
        return text
    if (period := _period(text)) is not None:
        return period
    if (found := _PDF.fullmatch(text)) is not None:
        return _of_pdf(*found.groups())
    text = _ZONE.sub(lambda zone: f" {_ZONES[zone[0][1:]]}", text)
    if not with_weekday:
        text = _WEEKDAY.sub("", text)
    for pattern, usual in _WITH_SIGNS if _SIGN.search(text) else ():
        text = pattern.sub(usual, text)
    for pattern, usual in _WRITTEN_BESIDE:
        text = pattern.sub(usual, text)
    for pattern, usual in () if text.isascii() else _IN_OTHER_SCRIPTS:
        text = pattern.sub(usual, text)
    return text.strip()


def _period(text: str) -> str | None:
    """A year, quarter, half, month or week as the day on which it begins; None if it is none of them."""
    for pattern in _YEARS:
        if match := pattern.fullmatch(text):
            year = _of_four_digits(match["year"])
            follows = not match["next"] or int(match["next"]) % 100 == (int(year) + 1) % 100
            return f"{year}-01" if follows else None
    for patterns, months in ((_QUARTERS, 3), (_HALVES, 6)):
        for pattern in patterns:
            if match := pattern.fullmatch(text):
                year, number = (match["year"], match["number"]) if match.groupdict() else match.groups()
                place = _NUMBERS.get(number.lower()) or int(number)
                return f"{_of_four_digits(year)}-{(place - 1) * months + 1:02}"
    for pattern in _WEEKS:
        if match := pattern.fullmatch(text):
            year, week, *day = (match["year"], match["week"]) if match.groupdict() else match.groups()
            try:
                return date.fromisocalendar(int(year), int(week), int((day or [None])[0] or 1)).isoformat()
            except ValueError:
                return None
    if match := _MONTH.fullmatch(text):
        return f"{match[1]}-{int(match[2]):02}"
    if match := _MONTH_COMMA.fullmatch(text):
        return f"{match[1]} {match[2]}"
    if " " in text and (match := SPAN.fullmatch(text)):
        return _first_month(match)
    return None


def _first_month(span: re.Match[str]) -> str | None:
    """The first month of a span with its year, as in Jan-Mar 2024; None if these are not two months."""
    first, last = (_place(span[name]) for name in ("first", "last"))
    if first is None or last is None:
        return None
    year = span["year"] or ""
    if len(year) in (2, 3):  # a quarter; Nov-Jan 15 may end on the 15th
        year = _of_four_digits(year[-2:]) if first % 3 == 0 and last == first + 2 else ""
        return f"{span['first']} {year}" if year else None
    # The year after Nov-Jan is that of January.
    year = int(span["before"] or span["begun"] or int(span["year"]) - (first > last))
    return f"{span['first']} {year}"


def _place(word: str) -> int | None:
    """The number of the month with this name, short or in full; None if no month has it."""
    short = MONTHS.get(word.casefold(), word).casefold()
    return next(
        (place for place, (one, full) in enumerate(_FULL.items()) if short in (one, full.casefold())), None
    )


def without_zone(text: str) -> str:
    """A text without the name of a zone such as Europe/Berlin."""
    return _ZONE_BY_NAME.sub("", text) if "/" in text else text


def zone_of(text: str) -> tuple[str, ZoneInfo | None]:
    """A text without the name of a zone such as Europe/Berlin, and this zone; None where an offset says it.

    Raises:
        ValueError: if nobody knows the zone.
    """
    found = _ZONE_BY_NAME.search(text) if "/" in text else None
    if found is None:
        return text, None
    try:
        zone = ZoneInfo(found["alone"] or found["behind"])
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(f"{text!r} has a zone that is not in the database of zones.") from None
    return text[: found.start()], zone


def _of_pdf(year: str, month: str | None, day: str | None, hour: str | None, *rest: str | None) -> str:
    """A month, a date, or a moment with its offset, in the digits of a PDF file."""
    minute, second, *offset = rest
    if day is None:
        return f"{year}-{month or '01'}"
    if hour is None:
        return f"{year}-{month}-{day}"
    return f"{year}-{month}-{day} {hour}:{minute}:{second or '00'} {''.join(filter(None, offset)) or '+0000'}"


def _of_four_digits(year: str) -> str:
    """A year of two digits, as POSIX reads it."""
    return year if len(year) == len("2024") else str(int(year) + (2000 if int(year) < 69 else 1900))


def in_english(text: str, full: bool) -> str:
    """The text with the names of months in English, as strptime knows them: without a full stop.

    Some full names are the same in English, such as the German November, so the others have to be full, too.
    """

    def name(word: re.Match[str]) -> str:
        given = word[0].rstrip(".")
        short = MONTHS.get(given.casefold(), given)
        return _FULL.get(short.casefold(), short) if full else short

    return _WORD.sub(name, text)
