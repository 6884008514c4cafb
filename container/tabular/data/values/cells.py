"""How one cell of a table is read, with the same meaning in training and in serving."""

import math
import re
import reprlib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from string import ascii_lowercase
from types import MappingProxyType
from typing import Any, cast

__all__ = [
    "BLANKS",
    "BOOLEANS",
    "BOOLEAN_PAIRS",
    "DIGITS",
    "FEW_WORDS",
    "MARKS",
    "MISSING",
    "MOST_GAPS",
    "MOST_OTHERS",
    "MOST_WORDS",
    "NO_NUMBERS",
    "NO_RESULTS",
    "UNSEEN",
    "WHOLE",
    "as_whole",
    "boolean",
    "category",
    "folded",
    "is_gap",
    "lazily",
    "number",
    "numbers_among",
    "shown",
    "without_formula",
]


class _Lazy:
    """A regular expression that is compiled when it is first used, as most of hundreds never are."""

    KNOWN = "findall", "finditer", "fullmatch", "match", "pattern", "search", "split", "sub"

    def __init__(self, pattern: str, flags: int) -> None:
        self._given = pattern, flags

    def __getattr__(self, name: str) -> Any:
        if name not in self.KNOWN:
            raise AttributeError(name)
        compiled = re.compile(*self._given)
        for each in self.KNOWN:  # which are found without this from now on
            setattr(self, each, getattr(compiled, each))
        return getattr(compiled, name)


def lazily(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern as `re.compile` makes it, for which a server does not wait when it starts."""
    return cast("re.Pattern[str]", _Lazy(pattern, flags))


def _words(*lines: str) -> frozenset[str]:
    """The words in some lines, with commas between them."""
    return frozenset(word for line in lines for word in line.split(", "))


# The words that mean a missing number, date or boolean everywhere; pandas reads the same ones.
MISSING = frozenset(
    [
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
        "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    ]
)  # fmt: skip
# What people write for a missing value, in addition to the words that every reader knows.
_USUAL = frozenset(word.casefold() for word in MISSING)
MARKS = _USUAL | {
    *("?", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "*", "\\n", "\\\\n"),
    *("nil", "none", "n.a.", "n.a", "k.a.", "unknown", "missing", "not available", "tbd"),
    *("nat", "(null)", "<null>", "[null]", "unk", "undefined", "not applicable", "not reported", "no data"),
    *("<undefined>", "<missing>", "._"),  # MATLAB and SAS
    *("pd.na", "loading...", "[object object]"),  # pandas, spreadsheets and JavaScript
    *("not known", "n.d.", "n.v.t.", "s/d", "keine angabe", "tba", "tbc"),
    *("''", '""', "{}", "[]", "***", "'--"),
    *(f".{letter}" for letter in ascii_lowercase),  # reasons of Stata's and SAS' missing values
    *("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#error!", "#calc!", "#spill!"),
    # Excel's errors in German, French, Spanish, Portuguese, Italian and Russian; GETTING_DATA is a query's.
    *_words(
        "#getting_data, #nv, #wert!, #bezug!, #zahl!, #überlauf!, #valeur!, #nombre!, #nom?, #nul!, #n/d",
        "#¡valor!, #¡div/0!, #¡ref!, #¡num!, #¿nombre?, #valor!, #núm!, #nome?, #valore!, #rif!, #знач!",
        "#н/д, #дел/0!, #ссылка!, #имя?, #число!",
    ),
    # Pivot tables, analytics and dashboards, JMP, Go, and people.
    *_words(
        "(blank), (leer), (vide), (en blanco), (vuoto), (not set), (empty), ∅, •, <nil>, <none>",
        "(no value), no value, (missing), <empty>, (unknown), …, \uff0d, \u30fc, --.--, -.-, - -, -----",
        "----, ??, ???, ____, ___, //, ///, ////, **",
    ),
}
# What stands for the result of a measurement that there is none of: it failed, was below or beyond what the
# instrument sees, or a runner did not finish. Among other words, it is a result like any other.
NO_RESULTS = _words(
    "nd, n.d, n/d, ni, nc, nr, not detected, none detected, bdl, bql, <lod, <loq, below detection limit",
    "not tested, not done, not measured, not determined, not analysed, not analyzed, undetermined",
    "indeterminate, qns, pending, hemolyzed, err, error, invalid, void, fail, failed, overflow, ovrflw",
    "ovrfl, over, ol, out of range, oor, no signal, dnf, dns, dsq, dq, dnq",
    # There is none.
    "无, 無, なし, 없음, geen, brak, yok, fehlt, saknas",
)
# What people say who do not answer; among numbers and dates a missing value, but a level like any other.
NO_NUMBERS = (
    MARKS
    | NO_RESULTS
    | {
        *(
            "prefer not to say",
            "prefer not to answer",
            "prefer not to disclose",
            "rather not say",
            "no answer",
        ),
        *("don't know", "dont know", "don\u2019t know", "do not know", "not sure", "dk", "refused", "refuse"),
        *(
            "declined",
            "decline",
            "declined to answer",
            "decline to answer",
            "declined to state",
            "not stated",
        ),
        *("not answered", "not provided", "not given", "not specified", "unspecified", "withheld"),
        *("suppressed", "redacted", "confidential", "undisclosed", "not disclosed"),
        *(
            "wei\u00df nicht",
            "weiss nicht",
            "keine antwort",
            "unbekannt",
            "nicht angegeben",
            "k.a",
            "ohne angabe",
        ),
        *(
            "ne sait pas",
            "inconnu",
            "non renseign\u00e9",
            "sans r\u00e9ponse",
            "nsp",
            "no sabe",
            "no contesta",
        ),
        *(
            "ns/nc",
            "desconocido",
            "sin dato",
            "sin datos",
            "n\u00e3o informado",
            "n\u00e3o sabe",
            "desconhecido",
        ),
        *(
            "onbekend",
            "weet niet",
            "sconosciuto",
            "non so",
            "nie wiem",
            "brak danych",
            "ok\u00e4nd",
            "ukjent",
        ),
        *(":", *(f":{blank}{flag}" for blank in ("", " ") for flag in "bcdefimnprsuz")),  # Eurostat
        *("\u4e0d\u660e", "\u672a\u56de\u7b54", "\u7121\u56de\u7b54", "\u672a\u77e5"),
        # The Census Bureau of the United States and others: not applicable, not available, withheld, too few.
        *("(x)", "(na)", "(n.a.)", "(d)", "(s)", "(n)", "(b)", "(l)", "(nm)", "(nd)", "(c)", "(u)"),
        *_words(
            "not recorded, not collected, not asked, not in universe, not found, not avail., unavailable",
            "n a, na., data unavailable, data not available, data suppressed, missing data, data missing",
            "insufficient data, no response, no reply, no answer given, none given, none recorded, skipped",
            "i don't know, idk, empty, choose not to answer, prefer not to respond, blank, nul",
            "not applicable (n/a), nothing, inap, inap., n/k, nk, n.k., n/r, n.r., np, n.p., n/p, n/t, [c]",
            "too few to report, number too small, privacysuppressed, privacy suppressed, blank(s)",
            "none or unspecified, no data!, invalid!",
            "[u], [w], [x], [z], [low], [n/a], [na], n/v, entfällt, nicht verfügbar, nicht bekannt",
            "non communiqué, sans objet, non disponible, s.o., n.c., no aplica, se ignora, sin información",
            "sin especificar, no disponible, não se aplica, nao se aplica, ignorado, sem informação",
            "sem dados, non disponibile, non applicabile, niet bekend, n.b., niet van toepassing",
            "uppgift saknas, uoppgitt, ikke oppgitt, uoplyst, ikke oplyst, ei tietoa, nie dotyczy, b.d.",
            "neuvedeno, nezjištěno, нет данных, н/д, не указано, неизвестно, belirtilmemiş, bilinmiyor, 暂无",
            "缺失, 未填写, 不详, 不詳, 該当なし, データなし, 非公表, 秘匿",
            "모름, 해당없음, 해당 없음, 미상, 알 수 없음",
        ),
    }
)
# Digits: Arabic, Persian, Devanagari, Bengali, Thai, and those as wide as a Chinese sign.
DIGITS = {
    zero + digit: str(digit) for zero in (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10) for digit in range(10)
}
# What nobody sees and programs leave in cells: soft hyphens, blanks without width, directions, byte order
# marks.
_UNSEEN = (
    *(range(0x200B, 0x2010), range(0x202A, 0x202F), range(0x2060, 0x2065), range(0x2066, 0x206A)),
    range(0xFE00, 0xFE10),  # which way to draw the sign before
)
UNSEEN = dict.fromkeys([0xAD, 0x61C, 0xFEFF, *chain.from_iterable(_UNSEEN)])
MOST_GAPS = 0.5  # up to half of a column may be words for missing values, if few numbers differ
MOST_OTHERS = 0.05  # other words are typing errors, of which there are few
FEW_WORDS, MOST_WORDS = 2, 0.3  # different words among measurements, and their share
# The words for true and false, in pairs; a column of booleans contains both words of at least one pair.
_TRUE_AND_FALSE = (
    *(("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off"), ("1", "0"), ("1.0", "0.0")),
    *(("wahr", "falsch"), ("ja", "nein"), ("ja", "nee"), ("ja", "nej"), ("ja", "nei")),
    *(("vrai", "faux"), ("oui", "non"), ("verdadero", "falso"), ("s\u00ed", "no"), ("si", "no")),
    *(("s\u00ec", "no"), ("sim", "n\u00e3o"), ("da", "nu"), ("kyll\u00e4", "ei"), ("igen", "nem")),
    *(("tak", "nie"), ("\u00e1no", "nie"), ("ano", "ne"), ("da", "ne"), ("evet", "hay\u0131r")),
    *(
        ("evet", "hayir"),
        ("c\u00f3", "kh\u00f4ng"),
        ("ya", "tidak"),
        ("\u03bd\u03b1\u03b9", "\u03cc\u03c7\u03b9"),
    ),
    *(
        ("\u0434\u0430", "\u043d\u0435\u0442"),
        ("\u0434\u0430", "\u043d\u0435"),
        ("\u0442\u0430\u043a", "\u043d\u0456"),
    ),
    *(
        ("\u05db\u05df", "\u05dc\u05d0"),
        ("\u0646\u0639\u0645", "\u0644\u0627"),
        ("\u0939\u093e\u0901", "\u0928\u0939\u0940\u0902"),
    ),
    *(
        ("\u662f", "\u5426"),
        ("\u306f\u3044", "\u3044\u3044\u3048"),
        ("\u0e43\u0e0a\u0e48", "\u0e44\u0e21\u0e48\u0e43\u0e0a\u0e48"),
    ),
    *(("j\u0101", "n\u0113"), ("taip", "ne"), ("jah", "ei"), ("j\u00e1", "nei")),
    *(("\u0628\u0644\u0647", "\u062e\u06cc\u0631"), ("\u03bd\u03b1\u03b9", "\u03bf\u03c7\u03b9")),
    # Excel in Russian, Italian, Portuguese, Dutch, Polish, Swedish, Danish, Finnish, Hungarian, Czech and
    # Turkish.
    *(("\u0438\u0441\u0442\u0438\u043d\u0430", "\u043b\u043e\u0436\u044c"), ("vero", "falso")),
    *(("verdadeiro", "falso"), ("waar", "onwaar"), ("prawda", "fa\u0142sz"), ("sant", "falskt")),
    *(("sand", "falsk"), ("tosi", "ep\u00e4tosi"), ("igaz", "hamis"), ("pravda", "nepravda")),
    *(("do\u011fru", "yanl\u0131\u015f"), ("do\u011fru", "yanli\u015f")),
    # There and not there, right and wrong, true and false, and marks, as Chinese, Japanese and Korean tables
    # have them.
    *(("\u6709", "\u65e0"), ("\u6709", "\u7121"), ("\u6709", "\u6ca1\u6709"), ("\u6709", "\u6c92\u6709")),
    *(("\u3042\u308a", "\u306a\u3057"), ("\u6709\u308a", "\u7121\u3057"), ("\uc720", "\ubb34")),
    *(("\uc788\uc74c", "\uc5c6\uc74c"), ("\u5bf9", "\u9519"), ("\u5c0d", "\u932f"), ("\u771f", "\u5047")),
    *(("\u771f", "\u507d"), ("\ucc38", "\uac70\uc9d3"), ("\u662f", "\u4e0d\u662f"), ("\u662f", "\u975e")),
    *(("\u25cb", "\u00d7"), ("\u25ef", "\u00d7"), ("\u3007", "\u00d7"), ("\u2713", "\u2717")),
    *(("\u2714", "\u2716"), ("\u2714", "\u2718"), ("\u2611", "\u2610")),
    *(("\uc608", "\uc544\ub2c8\uc694"), ("\uc608", "\uc544\ub2c8\uc624"), ("\ub124", "\uc544\ub2c8\uc694")),
)
BOOLEAN_PAIRS = tuple(map(frozenset, _TRUE_AND_FALSE))
TRUE = frozenset(true for true, _ in _TRUE_AND_FALSE)
BOOLEANS = {word: float(word in TRUE) for pair in BOOLEAN_PAIRS for word in pair}


WHOLE = r"(-?(?:0|[1-9][0-9]*))"  # a whole number as programs write it, so that 01 and +1 are codes
_WHOLE = re.compile(WHOLE + r"(?:\.0+)?")
_DECIMAL = re.compile(WHOLE + r"(?:\.([0-9]+?)0*)?")
BLANKS = " \t"  # around a level; some programs write a tab before what Excel should take for text
NO_SPELLINGS: Mapping[str, str] = MappingProxyType({})


def is_gap(text: str, missing: Iterable[str] = ()) -> bool:
    """Whether a cell of numbers or dates means a missing value: a usual word, or one of the column's own."""
    return text in MISSING or text.casefold() in _USUAL or text in missing


def numbers_among(words: Iterable[str]) -> frozenset[float]:
    """The finite numbers among words, such as -999 among those that mean a missing value."""
    found = set()
    for word in words:
        try:
            found.add(float(word))
        except ValueError:
            continue  # most are words
    return frozenset(filter(math.isfinite, found))


def number(cell: Any) -> float:
    """The number in a cell, NaN if it is missing; anything else is a ValueError."""
    if isinstance(cell, str):
        cell = cell.strip()
        if cell in MISSING:
            return math.nan
        # float() would accept 1_000 and the digits of every script
        if "_" in cell or not cell.isascii():
            raise ValueError(f"{shown(cell)} is not a number.")
        try:
            value = float(cell)
        except ValueError:
            raise ValueError(f"{shown(cell)} is not a number.") from None
    elif cell is None:
        return math.nan
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        try:
            value = float(cell)
        except OverflowError:
            value = math.inf
    else:
        raise ValueError(f"{shown(cell)} is not a number.")
    if math.isnan(value):
        return math.nan
    if math.isinf(value):
        raise ValueError(f"{shown(cell)} is not a finite number.")
    return value


def boolean(cell: Any, missing: Iterable[str] = ()) -> float:
    """1.0 for true, 0.0 for false, NaN if the cell is missing; anything else is a ValueError."""
    if cell is None or (isinstance(cell, str) and is_gap(cell.strip(), missing)):
        return math.nan
    word = "" if isinstance(cell, list | dict) else str(cell).strip().casefold()
    if word not in BOOLEANS:
        raise ValueError(f"{shown(cell)} is neither true nor false.")
    return BOOLEANS[word]


def category(
    cell: Any,
    missing: Collection[str] = (),
    spellings: Mapping[str, str] = NO_SPELLINGS,
    whole: str | None = None,
    blanks: bool = True,
) -> str:
    """The level as text, empty if the cell is missing; a list or an object is a ValueError.

    Words such as NA and None are levels like any other, because they can be names. Blanks at the start of a
    cell never count, because some programs write one after each delimiter; `blanks` says whether those at its
    end do, which databases write until a cell is as long as all others. `spellings` are the levels by their
    folded text, if they are merged, and `whole` is how whole numbers are written, if all levels are.
    """
    if isinstance(cell, list | dict):
        raise ValueError(f"{shown(cell)} is not text.")
    if cell is None or cell != cell:  # NaN
        return ""
    text = str(cell).lstrip(BLANKS) if blanks else str(cell).strip(BLANKS)
    if missing and text.strip() in missing:
        return ""
    if whole is not None and (text := as_whole(text, whole)) in missing:
        return ""
    return spellings.get(folded(text), text) if spellings else text


def as_whole(text: str, form: str) -> str:
    """A number such as 1, 1.0 or 12.5 as a column writes it; any other text as it is.

    Programs write whole numbers as fractions, such as pandas those of a column with a gap, and leave out the
    zeros before codes and the last one of 12.50. `form` is that of `Column.whole`.
    """
    if form.startswith(".") and (found := _DECIMAL.fullmatch(text)) is not None:
        number, decimals = found[1], "" if found[2] in (None, "0") else found[2]
        number = "0" if number == "-0" and not decimals else number
        return text if len(decimals) >= len(form) else f"{number}.{decimals.ljust(len(form) - 1, '0')}"
    if (found := _WHOLE.fullmatch(text)) is None:
        return text
    number = "0" if found[1] == "-0" else found[1]
    return number.zfill(int(form)) if form.isdecimal() else number + form


def without_formula(cell: str) -> str:
    """A text without the formula in which some programs write it, so that Excel shows it: `="00123"`."""
    return cell[2:-1] if cell.startswith('="') and cell.endswith('"') and len(cell) > 2 else cell


def folded(text: str) -> str:
    """A text without differences that people do not mean: blanks, case, Unicode form, unseen characters."""
    text = text if text.isascii() else unicodedata.normalize("NFKC", text.translate(UNSEEN))
    return " ".join(text.casefold().split())


def shown(value: object) -> str:
    """A value as an error message shows it: quoted, and cut if it is long."""
    # A value of JSON may have lists nested a thousand deep.
    text = reprlib.repr(value) if isinstance(value, list | dict) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
