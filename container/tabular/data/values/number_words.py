"""What people write beside a number: its currency, bounds such as `less than`, and notes such as `*`.

All of them are patterns, of which `numbers` makes one for a whole number.
"""

import re

from tabular.data.values.cells import lazily

__all__ = [
    "AFFIX",
    "BOUND",
    "BOUND_BEHIND",
    "CURRENCIES",
    "CURRENCY",
    "CURRENCY_CODE",
    "DOUBTFUL",
    "NOTE",
    "NUMBER_SIGN",
    "OUT_OF",
    "SHOE_SIZE",
    "SIDES",
    "WORD",
]

# Of the currencies of Unicode, those in use; U+20A0 to U+20C0 is the block of currency signs.
CURRENCIES = "$\u00a2\u00a3\u00a5\u0e3f\ufdfc" + "".join(map(chr, range(0x20A0, 0x20C1)))
_CODES = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KES|KRW|KZT|MAD|MXN|"
    r"MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|RMB|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR|Rs\.?|kr\.?|Fr\.?|Rp"
)
AFFIX = rf"(?:(?:[A-Z]{{0,3}}|k|Md)[{CURRENCIES}]|{_CODES}|%)"  # Turkish writes %12
WORD = "[^\\W\\d_\u00bc-\u00be\u2150-\u215e]{1,12}"  # a half is part of the number
OUT_OF = rf"(?:/\s?|(?:(?:out )?of|von|sur|de|su|van|av|z) )(?:\d{{1,4}}(?:\.00?)?)(?: {WORD})?"

# What also begins codes and names, such as R 101, No. 5 and TOP 10, so that a column needs evidence that it
# is one: see `finding.numbers`.
NUMBER_SIGN = r"(?:#|\u2116|[Nn][or]\.|[Nn]\u00b0)"
SHOE_SIZE = r"(?:EU|US|UK|FR|IT|JP|BR)"
_LOCAL = (  # as banks and shops of the country write it
    r"RM|R|[KTU]Sh|Ksh|KSH|Tk\.?|Bs\.?|S/\.?|B/\.|Q|L\.?|K\u010d|z\u0142|Ft|lei|Lt|D[Hh]s?|SR|QR|KD|BD|TL|F?CFA|"
    r"din\.?|\u0434\u0438\u043d\.?|\u0440\u0443\u0431\.?|\u0440\.|\u0433\u0440\u043d\.?|\u0442\u0433\.?|\u043b\u0432\.?|"
    r"[NSD]kr|GHS|\u5143|\u5186|\uc6d0"
)
_OTHER_CODES = (  # of ISO 4217, by their first letters
    "A(?:FN|LL|MD|NG|OA|WG|ZN)|B(?:AM|BD|DT|HD|IF|MD|ND|OB|SD|TN|WP|YN|ZD)|C(?:DF|RC|UP|VE)|D(?:JF|OP|ZD)|"
    "E(?:RN|TB)|F(?:JD|KP)|G(?:EL|IP|MD|NF|TQ|YD)|H(?:NL|TG)|I(?:QD|RR|SK)|J(?:MD|OD)|K(?:GS|HR|MF|WD|YD)|"
    "L(?:AK|BP|KR|RD|SL|YD)|M(?:DL|GA|KD|MK|NT|OP|RU|UR|VR|WK|ZN)|N(?:AD|IO|PR)|OMR|P(?:AB|GK|YG)|QAR|"
    "R(?:SD|WF)|S(?:BD|CR|DG|HP|LE|OS|RD|SP|TN|YP|ZL)|T(?:JS|MT|ND|OP|TD|ZS)|U(?:GX|YU|ZS)|V(?:ES|UV)|WST|"
    "X(?:AF|CD|OF|PF)|YER|Z(?:MW|WL)"
)
CURRENCY_CODE = lazily(rf"{_CODES}|{_OTHER_CODES}")
CURRENCY = lazily(rf"(?:[A-Z]{{0,3}}|k|Md)[{CURRENCIES}]|{_CODES}|{_LOCAL}|{_OTHER_CODES}")
DOUBTFUL = rf"(?:{NUMBER_SIGN}|{SHOE_SIZE}|{_LOCAL}|{_OTHER_CODES})"

_AT_MOST = (
    *("less than", "fewer than", "under", "below", "up to", "at most", "max.", "bis", "unter"),
    *("before", "ante", "vor", "avant", "antes de", "prima del", "\u0434\u043e"),
)
_AT_LEAST = (
    *("more than", "greater than", "over", "above", "at least", "min.", "from", "ab", "\u00fcber"),
    *("after", "post", "since", "nach", "seit", "apr\u00e8s", "depuis", "despu\u00e9s de", "dopo il"),
    *("\u043f\u043e\u0441\u043b\u0435", "\u043e\u0442"),
)
_ABOUT = (
    *("about", "around", "approx", "approx.", "approximately", "circa", "ca", "etwa", "rund", "um", "vers"),
    *("env.", "environ", "hacia", "cerca de", "verso il", "omkring", "\u043e\u043a."),
    "\u043e\u043a\u043e\u043b\u043e",
)
# East Asia's bounds follow the unit, and its words for about need no blank.
_LESS = ("\u4ee5\u4e0b", "\u4ee5\u5185", "\u4ee5\u5167", "\u672a\u6e80", "\uc774\ud558", "\ubbf8\ub9cc")
_MORE = ("\u4ee5\u4e0a", "\u8d85", "\uc774\uc0c1")
_BEHIND = "|".join((*_LESS, *_MORE))
_BESIDE = "[\u7d04\u7ea6]|\u5927\u7ea6|\u5927\u7d04|\uc57d"
SIDES = {"above": ("<", "\u2264", *_AT_MOST, *_LESS), "below": (">", "\u2265", *_AT_LEAST, *_MORE)}
# Not in capitals, which begin codes such as AB 12.
_WORDS_BEFORE = "|".join(
    f"[{word[0]}{word[0].upper()}]{re.escape(word[1:])}" for word in (*_AT_MOST, *_AT_LEAST, *_ABOUT)
)
BOUND = (
    rf"\u00b1|\+/-|\*{{1,3}}|[<>\u2264\u2265~\u2248]=?|[Cc]a\.|c?c\.|cca\."
    rf"|c(?=\d{{4}}$|$)|(?:{_WORDS_BEFORE})(?=\s|$)|{_BESIDE}"
)
_OR_MORE = (
    r"(?:and|or|&) (?:over|older|more|above|up|under|younger|less|fewer|below)"
    r"|(?:oder|und) (?:mehr|\u00e4lter)|(?:ou|et) plus|[oy] m[\u00e1a]s|[eo] pi\u00f9|(?:e|ou) mais"
    r"|(?:of|en) meer|eller (?:fler|flere|mer|mere)|(?:lub|i) wi\u0119cej"
    r"|\u0438(?:\u043b\u0438)? (?:\u0431\u043e\u043b\u0435\u0435|\u0431\u043e\u043b\u044c\u0448\u0435)"
)
NOTE = rf"\+|{_OR_MORE}|\*{{1,3}}|!{{1,3}}|[\u2020\u2021\u00a7]{{1,2}}|\?|\(\?\)|{_BEHIND}"
BOUND_BEHIND = lazily(rf"(?<=[^\W\d_])(?=(?:{_BEHIND})$)")  # it would be the end of a unit
