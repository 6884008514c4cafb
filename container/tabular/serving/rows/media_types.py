"""The media types and charsets in which clients send rows; with the standard library alone."""

import codecs
from email.message import Message

__all__ = [
    "CSV",
    "JSON",
    "JSON_LINES",
    "MARK",
    "charset_of",
    "is_headless",
    "named",
    "without_charset",
]

CSV, JSON = "text/csv", "application/json"
JSON_LINES = "application/jsonlines"  # SageMaker's name
# Other names of the media types.
ALIASES = {
    **dict.fromkeys(("application/x-ndjson", "application/ndjson", "application/jsonl"), JSON_LINES),
    **dict.fromkeys(("application/json-lines", "application/x-jsonlines"), JSON_LINES),
    **dict.fromkeys(("text/json", "application/x-json"), JSON),
    **dict.fromkeys(("application/csv", "text/x-csv", "text/comma-separated-values"), CSV),
    "text/tab-separated-values": CSV,  # whose delimiter is found
}
MARK = "\ufeff"  # of the order of bytes, which .NET also writes where the charset tells it, as UTF-16LE does

# The marks of charsets other than UTF-8; that of UTF-32 begins as that of UTF-16 does.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def named(content_type: str) -> tuple[str, str]:
    """The media type that a content type names, by default CSV, and its charset, by default UTF-8."""
    message = Message()
    message["content-type"] = content_type.strip() or CSV
    media_type = content_type.partition(";")[0].strip().lower() or CSV
    return ALIASES.get(media_type, media_type), str(message.get_param("charset") or "utf-8")


def is_headless(content_type: str) -> bool:
    """Whether a content type says that CSV has no header (RFC 4180), so that its first line is a row."""
    if "header" not in content_type.lower():
        return False
    message = Message()
    message["content-type"] = content_type
    return str(message.get_param("header")).lower() == "absent"


def without_charset(content_type: str) -> str:
    """The content type of what is Unicode by now."""
    return content_type.partition(";")[0] + ("; header=absent" if is_headless(content_type) else "")


def charset_of(body: bytes, charset: str) -> str:
    """The charset of a body that should be in `charset`: another if its first bytes say so.

    Excel and PowerShell write UTF-16, of which a content type often says nothing. No text in UTF-8 begins
    with these bytes.
    """
    if charset != "utf-8":
        return charset
    return next((found for mark, found in _MARKS.items() if body.startswith(mark)), charset)
