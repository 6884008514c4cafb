"""What people write in and around dates, in the form that strptime knows."""

import re
from collections.abc import Callable
from functools import lru_cache

from tabular.data.values.cells import DIGITS, UNSEEN, lazily
from tabular.data.values.date_words.months import ANY_MARKED, MARKED
from tabular.data.values.date_words.periods import period_of
from tabular.data.values.date_words.zones import with_offset

__all__ = ["usual"]

_AS_ASCII = DIGITS | UNSEEN
# A date without any word, and without a time before it.
_FIGURES = lazily(r"[\d./-]+(?: [\d:.]+)?|[\d:.]+")
# What people write beside a date: a weekday, 1st, "de", "at", "Uhr", a comma before the time, dots in a.m.,
# and the signs of East Asia for year, month, day, hour and minute.
# No "mar" of French and Spanish, which is also March.
_DAYS_OF_WEEKS = (
    "mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday "
    "mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonntag "
    "lun mer jeu ven sam dim lundi mardi mercredi jeudi vendredi samedi dimanche "
    "lunes martes miércoles jueves viernes sábado domingo "
    "lunedì martedì mercoledì giovedì venerdì sabato domenica "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag "
    "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira søndag mandag tirsdag onsdag "
    "torsdag fredag lørdag söndag måndag tisdag lördag sunnuntai maanantaina tiistaina keskiviikkona "
    "torstaina perjantaina lauantaina maanantai tiistai keskiviikko torstai perjantai lauantai "
    "niedziela poniedziałek wtorek środa czwartek piątek sobota neděle pondělí úterý středa čtvrtek "
    "pátek nedeľa pondelok utorok streda štvrtok piatok nedelja ponedeljek torek sreda četrtek petek "
    "duminică luni marți miercuri joi vineri sâmbătă воскресенье понедельник вторник среда четверг "
    "пятница суббота неділя понеділок вівторок середа четвер пʼятниця субота неделя понеделник сряда "
    "четвъртък петък събота ponedeljak utorak četvrtak petak subota nedjelja ponedjeljak srijeda "
    "minggu senin selasa rabu kamis jumat sabtu ahad isnin khamis jumaat diumenge dilluns dimarts "
    "dimecres dijous divendres dissabte luns mércores xoves venres pühapäev esmaspäev teisipäev "
    "kolmapäev neljapäev reede laupäev sunnudagur mánudagur þriðjudagur miðvikudagur fimmtudagur "
    "föstudagur laugardagur"
)
_WEEKDAYS = frozenset(_DAYS_OF_WEEKS.split())
_FIRST_WORD = lazily(r"^([^\W\d_]+(?:-[^\W\d_]+)?)\b[.,]*\s*(?:den\s+)?(?=\w)", re.IGNORECASE)
# Halves of the day: in East Asia before the time, and in Greek, Vietnamese, Arabic, Persian and Turkish
# after it.
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
    (lazily(r"[\u00a0\u202f]"), " "),
    (lazily(r"\s*\((?:\w{1,4}|[\w ]+ Time)\)$"), ""),
    (lazily(r"\bGMT(?=[+-]\d{4}$)"), ""),  # JavaScript
    (lazily(r"\b(?:GMT|UTC)([+-])(\d)$"), r"\g<1>0\g<2>00"),  # Google Forms
    (lazily(r"\b(?:GMT|UTC)([+-]\d\d)(?::(\d\d))?$"), lambda offset: f"{offset[1]}{offset[2] or '00'}"),
    (
        lazily(r"^(?:ng\u00e0y )?(\d\d?) (?:th\u00e1ng|thg) (\d\d?),?(?: n\u0103m)? (?=\d{4}$)", re.I),
        r"\1.\2.",
    ),
    (lazily(r"(?<=\d)\s*[\u0433\u0440](?:\.|\u043e\u0434\u0430|\u043e\u043a\u0443)?$"), ""),  # year
    (lazily(r"\b\u05d1(?=[\u05d0-\u05ea]{3})"), ""),  # Hebrew's "in"
    (lazily(r"(?<=\d)(?:st|nd|rd|th|er|\u00ba)\b", re.IGNORECASE), ""),
    (lazily(r"(?<=[^\W\d_]),\s*(?=\d{4}\b)"), " "),
    (lazily(r"\s+(?:de|del|of|at|@|um|\u00e0|\u00e0s|alle|kl\.?|klo)\s+", re.IGNORECASE), " "),
    (lazily(r"\s+(?:Uhr|h)$"), ""),
    (lazily(r",\s*(?=\d{1,2}:\d)"), " "),
    (lazily(r"\b([ap])\.?\s?m\b\.?", re.IGNORECASE), r"\1m"),
)
# How programs and people write dates with other signs than most. Few texts have any of these signs.
_SIGN = lazily(r"[#_'\u2019/.:-]|[+-]\d{4} |^le |^\d\d? ?[\dap]", re.IGNORECASE)
_WITH_SIGNS: _Rules = (
    (lazily(r"^#(.+)#$"), r"\1"),  # Access
    (lazily(r"(?<=[+-]\d{4}) [A-Z]{3,4}$"), ""),  # Go
    (lazily(r"(?<=:\d\d),(?=\d{1,9}(?:[\s+Z-]|$))"), "."),  # a decimal comma before parts of a second
    (lazily(r"(?<=[.,]\d{6})\d{1,3}(?=\D|$)"), ""),  # billionths of a second
    (lazily(r"^(\d{8}T\d{6})\.\d+(?=Z?$)"), r"\1"),
    (lazily(r"^(\d{4}-\d\d-\d\d)[_ T](\d\d)-(\d\d)-(\d\d)$"), r"\1 \2:\3:\4"),
    (lazily(r"^([^\s:]+)\s?-\s?(?=\d{1,2}:\d\d)"), r"\1 "),
    (  # the time before the date
        lazily(
            r"^(\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?:\s?[ap]\.?\s?m\b\.?)?),?\s+(?![+-])(?=.*(?:\d{4}|\d[./-]\d))(.+?)(?:\s*\(\w{1,4}\))?$",
            re.IGNORECASE,
        ),
        r"\2 \1",
    ),
    (lazily(r"^(\d{1,2})\s?([ap])\.?m\.?$", re.IGNORECASE), r"\1:00 \2m"),  # 5pm
    (lazily(r"^le\s+(?=\d)", re.IGNORECASE), ""),
    (lazily(r"^(\d{1,2}) (\d{1,2}) (?=(?:19|20)\d\d\b)"), r"\1-\2-"),
    (lazily(r"^(\d{4})\. (\d{1,2})\. (\d{1,2})(?= )"), r"\1-\2-\3"),  # Korean
    (lazily(r"^(\d{1,2}\. \d{1,2}\. \d{4})\.(?=$| \d)"), r"\1"),  # on the Balkans
    (lazily(r"^(\d{1,2})\. (\d{1,2})\. (?=\d\d$)"), r"\1.\2."),
    (lazily(r"(?<=[^\W\d_] \d{4})\.(?=$| \d)"), ""),
    (lazily(r"(?<![\d.])(\d{1,2})\.(\d\d)\s?([ap])\.?m\.?$", re.IGNORECASE), r"\1:\2 \3m"),  # 10.30pm
    (lazily(r"\bd['\u2019](?=[^\W\d_]{2})"), ""),  # Catalan
    # Signs beside a month in letters: 12.Aug.2020, Aug/12/2020, 2020/Aug/12, 12 Aug, 2020, and Aug'20.
    (lazily(r"^(\d{1,2})\.([^\W\d_]{3,})\.(?=\d{2,4}\b)"), r"\1-\2-"),
    (lazily(r"^([^\W\d_]{3,})[/-](\d{1,2})[/-](?=\d{4}\b)"), r"\1 \2 "),
    (lazily(r"^(\d{4})/([^\W\d_]{3,})/(?=\d)"), r"\1-\2-"),
    (lazily(r"^([^\W\d_]{3,})\.?\s?['\u2019](?=\d\d$)"), r"\1 '"),
    (lazily(r"(?<=:\d\d)\s?SA$"), " am"),  # Vietnamese
    (lazily(r"(?<=:\d\d)\s?CH$"), " pm"),
)
# What only texts beyond ASCII have: names of months with marks, years of Thailand, weekdays, years, months,
# days and times of East Asia, halves of the day.
_IN_OTHER_SCRIPTS: _Rules = (
    (ANY_MARKED, lambda found: MARKED[found[0]]),
    (lazily(r"\u0e1e\.?\u0e28\.?\s*(\d{4})\b"), lambda found: str(int(found[1]) - 543)),
    (lazily(r"\u0e04\.?\u0e28\.?\s*(?=\d{4}\b)|[\u05f3\u0654]"), ""),
    (lazily(r"\s*\u060c\s*"), " "),
    (
        lazily(
            r"\s*[(\uff08]?(?:\u661f\u671f|\u5468|\u9031|\u793c\u62dc)[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u65e5\u5929][)\uff09]?"
        ),
        "",
    ),
    (
        lazily(
            r"\s*[(\uff08]?[\u6708\u706b\u6c34\u6728\u91d1\u571f\u65e5](?:\u66dc\u65e5?[)\uff09]?|[)\uff09])"
        ),
        "",
    ),
    (
        lazily(
            r"\s*[(\uff08]?[\uc6d4\ud654\uc218\ubaa9\uae08\ud1a0\uc77c](?:\uc694\uc77c[)\uff09]?|[)\uff09])"
        ),
        "",
    ),
    (
        lazily(r"^(?:\u4e2d\u83ef)?\u6c11\u570b\s*(\d{1,3})(?=\s*\u5e74)"),
        lambda found: str(int(found[1]) + 1911),
    ),
    (lazily(r"(?<=\d)[\u6708\uc6d4](?:\u4efd)?\s*$"), ""),
    (lazily(r"[\u5e74\u6708\ub144\uc6d4]\s*"), "-"),
    (lazily(r"[\u65e5\uc77c]"), ""),
    (lazily(r"[\u6642\u65f6\uc2dc]\s*"), ":"),
    (lazily(r"(?<=\d)[\u5206\ubd84]\s*(?=\d{1,2}[\u79d2\ucd08])"), ":"),
    (lazily(r"(?<=\d)[\u5206\ubd84\u79d2\ucd08]"), ""),
    (
        lazily(
            rf"(?:(?P<before>{_HALF})\s*)?(?<![\d:])(?P<hour>\d{{1,2}})(?P<rest>(?::\d\d?){{1,2}}(?:[.,]\d+)?)"
            rf"(?:\s?(?P<behind>{_HALF})(?=\s|$))?"
        ),
        lambda found: _of_half(found) if found["before"] or found["behind"] else found[0],
    ),
)
_PDF = lazily(  # ISO 32000, 7.9.4: all after the year may be left out
    r"D:((?:19|20)\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(\d\d)(\d\d)?(?:Z(?:00'?00'?)?|([+-]\d\d)'?(\d\d)'?)?)?)?)?"
)
_ERAS = {"\u4ee4\u548c": 2018, "\u5e73\u6210": 1988, "\u662d\u548c": 1925, "\u5927\u6b63": 1911}
_ERA = lazily(rf"({'|'.join(_ERAS)})(\d{{1,2}}|\u5143)(?=\u5e74)")


@lru_cache(maxsize=4096)
def usual(text: str, with_weekday: bool = False) -> str:
    """The text without what people write besides a date; with the weekday if the format has one."""
    if not text.isascii():
        text = text.translate(_AS_ASCII).strip()
        text = _ERA.sub(lambda era: str(_ERAS[era[1]] + (1 if era[2] == "\u5143" else int(era[2]))), text)
    if _FIGURES.fullmatch(text):
        return text
    if (period := period_of(text)) is not None:
        return period
    if (found := _PDF.fullmatch(text)) is not None:
        return _of_pdf(*found.groups())
    text = with_offset(text)
    if not with_weekday:
        word = _FIRST_WORD.match(text)
        text = text[word.end() :] if word and word[1].casefold() in _WEEKDAYS else text
    for pattern, usual in _WITH_SIGNS if _SIGN.search(text) else ():
        text = pattern.sub(usual, text)
    for pattern, usual in _WRITTEN_BESIDE:
        text = pattern.sub(usual, text)
    for pattern, usual in () if text.isascii() else _IN_OTHER_SCRIPTS:
        text = pattern.sub(usual, text)
    return text.strip()


def _of_pdf(year: str, month: str | None, day: str | None, hour: str | None, *rest: str | None) -> str:
    """A month, a date, or a moment with its offset, in the digits of a PDF file."""
    minute, second, *offset = rest
    if day is None:
        return f"{year}-{month or '01'}"
    if hour is None:
        return f"{year}-{month}-{day}"
    return f"{year}-{month}-{day} {hour}:{minute}:{second or '00'} {''.join(filter(None, offset)) or '+0000'}"
