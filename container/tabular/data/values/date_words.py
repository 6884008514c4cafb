"""What people write in and around dates, in the form that strptime knows.

Months of many languages, weekdays, zones, East Asia's signs and eras; quarters and weeks become the day on
which they begin.
"""

import re
from datetime import date
from functools import lru_cache

from tabular.data.values.cells import DIGITS, UNSEEN

__all__ = ["in_english", "usual"]

# Names of months that strptime does not know: French, German, Spanish, Italian, Portuguese, Dutch; Danish,
# Norwegian and Swedish; Polish, Czech, Russian and Turkish.
_MONTHS = {
    "Jan": "janv janvier jän jänner januar ene enero gen gennaio janeiro januari "
    "stycznia styczeń ledna leden января январь янв ocak",
    "Feb": "févr fevr février fevrier februar febr febrero febbraio fev fevereiro februari "
    "lutego luty února únor февраля февраль фев şubat",
    "Mar": "mars mär mrz märz maerz marzo março marco mrt maart "
    "marts marca marzec března březen марта март мар mart",
    "Apr": "avr avril abr abril aprile kwietnia kwiecień dubna duben апреля апрель апр nisan",
    "May": "mai mayo mag maggio maio mei maj maja května květen мая май may\u0131s",
    "Jun": "juin juni junio giu giugno junho czerwca czerwiec června červen июня июнь июн haziran",
    "Jul": "juil juillet juli julio lug luglio julho lipca lipiec července červenec июля июль июл temmuz",
    "Aug": "août aout ago agosto augustus augusti sierpnia sierpień srpna srpen августа август авг ağustos",
    "Sep": "sept septembre septiembre set settembre setembro "
    "września wrzesień září сентября сентябрь сен eylül",
    "Oct": "octobre okt oktober octubre ott ottobre out outubro "
    "października październik října říjen октября октябрь окт ekim",
    "Nov": "novembre noviembre novembro listopada listopad listopadu ноября ноябрь ноя kas\u0131m",
    "Dec": "déc décembre decembre dez dezember dic diciembre dicembre dezembro "
    "grudnia grudzień prosince prosinec декабря декабрь дек aral\u0131k",
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
_FIGURES = re.compile(r"[\d./:-]+(?: [\d:.]+)?")  # a date without any word
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
_WRITTEN_BESIDE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[\u00a0\u202f]"), " "),
    (re.compile(r"\s*\(\w{1,4}\)$"), ""),
    (re.compile(r"(?<=\d)(?:st|nd|rd|th|er|\u00ba)\b", re.IGNORECASE), ""),
    (re.compile(r"\s+(?:de|del|of|at|um|\u00e0|\u00e0s|alle|kl\.?)\s+", re.IGNORECASE), " "),
    (re.compile(r"\s+(?:Uhr|h)$"), ""),
    (re.compile(r",\s*(?=\d{1,2}:\d)"), " "),
    (re.compile(r"\b([ap])\.?\s?m\b\.?", re.IGNORECASE), r"\1m"),
    (re.compile(r"(?<=\d)[\u6708\uc6d4](?:\u4efd)?\s*$"), ""),
    (re.compile(r"[\u5e74\u6708\ub144\uc6d4]\s*"), "-"),
    (re.compile(r"[\u65e5\uc77c]"), ""),
    (re.compile(r"[\u6642\u65f6\uc2dc]\s*"), ":"),
    (re.compile(r"(?<=\d)[\u5206\ubd84]"), ""),
)
_WORD = re.compile(r"[^\W\d_]+\.?")
# Zones by their usual names, of which Python knows UTC and GMT; IST has several meanings.
_ZONES = {
    name: f"{hours:+03}00"
    for hours, names in {
        **{-8: "PST", -7: "PDT MST", -6: "MDT CST", -5: "CDT EST", -4: "EDT", 0: "WET", 1: "CET WEST BST"},
        **{2: "CEST EET", 3: "EEST MSK", 9: "JST KST", 10: "AEST", 11: "AEDT"},
    }.items()
    for name in names.split()
}
_ZONE = re.compile(rf"(?<=[\dMm]) (?:{'|'.join(_ZONES)})$")
# Periods, as the day on which they begin: quarters and months as years and months, weeks as their Monday.
_YEAR = r"((?:19|20)\d\d)"
_QUARTERS = (
    re.compile(rf"{_YEAR}[\s/_.-]?[QqTt]([1-4])"),
    re.compile(
        r"(?P<quarter>[1-4])(?:[Qq]|\.? ?Quartal |(?:st|nd|rd|th) [Qq]uarter )(?P<year>(?:19|20)?\d\d)"
    ),
    re.compile(rf"[Qq](?P<quarter>[1-4])[\s/_.,-]*(?P<year>{_YEAR[1:-1]})"),
    re.compile(rf"[TtKk](?P<quarter>[1-4])[\s/_.,-]+(?P<year>{_YEAR[1:-1]})"),  # T123 is a code
    re.compile(r"[Qq](?P<quarter>[1-4])[\s/'\u2019-]+(?P<year>\d\d)"),
)
_WEEKS = (
    re.compile(rf"{_YEAR}[\s/_-]?(?:[Ww]|KW|[Ww]eek)\s?(\d\d?)(?:-([1-7]))?"),
    re.compile(rf"(?:[Ww]|KW|[Ww]eek|[Ss]emaine)[\s.]*(?P<week>\d\d?)[\s/_,.-]+(?P<year>{_YEAR[1:-1]})"),
)
_MONTH = re.compile(rf"{_YEAR}M(0[1-9]|1[0-2])")  # Eurostat's
_MONTH_COMMA = re.compile(rf"([^\W\d_]+\.?),\s*{_YEAR}")
_ERAS = {"\u4ee4\u548c": 2018, "\u5e73\u6210": 1988, "\u662d\u548c": 1925, "\u5927\u6b63": 1911}
_ERA = re.compile(rf"({'|'.join(_ERAS)})(\d{{1,2}}|\u5143)(?=\u5e74)")


@lru_cache(maxsize=4096)
def usual(text: str, with_weekday: bool = False) -> str:
    """The text without what people write besides a date; with the weekday if the format has one."""
    if not text.isascii():
        text = text.translate(_AS_ASCII).strip()
    if _FIGURES.fullmatch(text):
        return text
    if (period := _period(text)) is not None:
        return period
    text = _ERA.sub(lambda era: str(_ERAS[era[1]] + (1 if era[2] == "\u5143" else int(era[2]))), text)
    text = _ZONE.sub(lambda zone: f" {_ZONES[zone[0][1:]]}", text)
    if not with_weekday:
        text = _WEEKDAY.sub("", text)
    for pattern, usual in _WRITTEN_BESIDE:
        text = pattern.sub(usual, text)
    return text.strip()


def _period(text: str) -> str | None:
    """A quarter, a month or a week as the day on which it begins; None if it is none of them."""
    for pattern in _QUARTERS:
        if match := pattern.fullmatch(text):
            year, quarter = (match["year"], match["quarter"]) if match.groupdict() else match.groups()
            return f"{_of_four_digits(year)}-{int(quarter) * 3 - 2:02}"
    for pattern in _WEEKS:
        if match := pattern.fullmatch(text):
            year, week, *day = (match["year"], match["week"]) if match.groupdict() else match.groups()
            try:
                return date.fromisocalendar(int(year), int(week), int((day or [None])[0] or 1)).isoformat()
            except ValueError:
                return None
    if match := _MONTH.fullmatch(text):
        return f"{match[1]}-{match[2]}"
    if match := _MONTH_COMMA.fullmatch(text):
        return f"{match[1]} {match[2]}"
    return None


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
