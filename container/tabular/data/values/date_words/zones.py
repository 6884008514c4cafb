"""Zones by their usual names and by those in IANA's database."""

from datetime import tzinfo

from tabular.data.values.cells import lazily

__all__ = ["with_offset", "without_zone", "zone_of"]

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
_KNOWN = {"UTC", "GMT"}  # after a clock of 24 hours
_ZONE = lazily(  # a year follows it in Java
    rf"(?<=[\dMm]) (?:{'|'.join(sorted(_ZONES.keys() - _KNOWN))})(?=$| \d{{4}}$)|(?<=[AaPp][Mm]) (?:UTC|GMT)$"
)
# A zone by its name in IANA's database, as Java also writes it in brackets after an offset.
_ZONE_NAME = r"[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_0-9+-]+){1,2}"
_ZONE_BY_NAME = lazily(
    rf"(?<=[\dMmZ])(?: (?P<alone>{_ZONE_NAME})|\s?[\[(](?P<behind>{_ZONE_NAME})[\])]|\[(?P<utc>UTC|GMT)\])$"
)


def with_offset(text: str) -> str:
    """A text with the offset in place of the usual name of a zone, such as CET."""
    return _ZONE.sub(lambda zone: f" {_ZONES[zone[0][1:]]}", text)


def without_zone(text: str) -> str:
    """A text without the name of a zone such as Europe/Berlin."""
    return _ZONE_BY_NAME.sub("", text) if "/" in text or text.endswith("]") else text


def zone_of(text: str) -> tuple[str, tzinfo | None]:
    """A text without the name of a zone such as Europe/Berlin, and this zone; None where an offset says it.

    Raises:
        ValueError: if nobody knows the zone.
    """
    found = _ZONE_BY_NAME.search(text) if "/" in text or text.endswith("]") else None
    if found is None:
        return text, None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # which few dates need

    try:
        zone = ZoneInfo(found["alone"] or found["behind"] or found["utc"])
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(f"{text!r} has a zone that is not in the database of zones.") from None
    return text[: found.start()], zone
