"""What stands beside a number: flags of laboratories and of statistical offices, brackets and notes."""

from tabular.data.values.cells import lazily
from tabular.data.values.composed.kinds import Parts

__all__ = [
    "BRACKETED",
    "brackets",
    "conversion",
    "converted",
    "flag",
    "flagged",
    "observation",
    "without_note",
]

# What laboratories write beside a number that is high or low: 12.5 H, H 12.5, 12.5 (H), 12.5 U/l (+).
_SIDE = r"HH?|LL?|[Hh]igh|[Ll]ow|[\u2191\u2193]{1,2}"
_FLAG = lazily(
    rf"(?P<before>HH?|LL?)\s(?P<alone>\d.*)|(?P<digits>.*\d)\s?(?P<letter>HH?|LL?)"
    rf"|(?P<number>.*\d.*?)\s?(?P<sign>[\u2191\u2193]{{1,2}}|(?<=\s)(?:[Hh]igh|[Ll]ow)"
    rf"|\((?:{_SIDE}|[+-])\)|\[(?:{_SIDE}|[+-])\])"
)
# A year, or how many there are, also of what: (1,234 reviews). No account has square brackets, but lists do.
BRACKETED = lazily(
    r"\(\s?([0-9]{1,18}|[0-9][0-9,.]{0,17}(?:\s[^\W\d_][^\W\d_A-Z]{1,14}){1,2})\s?\)"
    r"|\[{1,2}\s?([-+]?[0-9]{1,18}(?:\.[0-9]{0,18})?(?:[eE][-+]?[0-9]{1,3})?)\s?\]{1,2}"
)
_CONVERTED = lazily(r"(?P<one>.*\d.*?)\s*[(\[](?P<other>[^()\[\]]*\d[^()\[\]]*)[)\]]")
_OBSERVATION = lazily(  # Eurostat's flags: break, provisional, estimated
    r"(.*\d)\s?(?:[bcdefimnprsuz]{1,3}|\([bcdefimnprsuz]{1,3}\))"
)
_NOTE = lazily(r"(.*\d.*?)\s*(?:(?:\[[\w ]{1,7}\])+|\([^\W\d][^()\d]{1,24}\))")


def flag(text: str, _: bool) -> Parts:
    """A number beside a flag of a laboratory, such as 12.5 H."""
    found = flagged(text)
    return found and ((found[0],), (1.0,))


def flagged(text: str) -> tuple[str, bool] | None:
    """The number beside a flag, and whether that says high; None if there is no flag."""
    match = _FLAG.fullmatch(text)
    if match is None:
        return None
    side = (match["before"] or match["letter"] or match["sign"]).strip("([])")
    return match["alone"] or match["digits"] or match["number"], side[0] in "Hh\u2191+"


def conversion(text: str, _: bool) -> Parts:
    """A number before the same in another unit, such as 125 g (4.41 oz)."""
    found = converted(text)
    return found and ((found[0],), (1.0,))


def converted(text: str) -> tuple[str, str] | None:
    """A number and the one in brackets after it, as in 125 g (4.41 oz); None if these are not two."""
    match = _CONVERTED.fullmatch(text)
    return match and (match["one"], match["other"])


def brackets(text: str, _: bool) -> Parts:
    """A whole number in brackets, such as (2019), one with a unit, or the only one of a list: [0.83]."""
    match = BRACKETED.fullmatch(text)
    return match and ((match[1] or match[2],), (1.0,))


def observation(text: str, _: bool) -> Parts:
    """A number before a flag of a statistical office, such as 5 p."""
    match = _OBSERVATION.fullmatch(text)
    return match and ((match[1],), (1.0,))


def without_note(text: str) -> str | None:
    """The number before a note, as in 12 [a] and 12 (estimate); None if there is no note."""
    match = _NOTE.fullmatch(text) if text.endswith(("]", ")")) else None
    return match[1] if match and not _FLAG.fullmatch(text) else None
