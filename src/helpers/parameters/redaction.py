"""Web addresses as they are kept and shown: without query strings and passwords, which may let others in."""

import re

__all__ = ["redacted"]

# A presigned URL is a key to what it names: its signature is in the query string. An address ends where a
# string in JSON, Python or HTML does, so that the text around it stays whole.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
_ADDRESS = re.compile(r"""(?i)\b(https?://)([^\s/?#"'\\<>@]+@)?([^\s?#"'\\<>]*)(\?[^\s"'\\<>]*)?""")


def redacted(text: str) -> str:
    """A text, such as a whole notebook, whose addresses have no query string, user name and password."""

    def shorter(found: re.Match[str]) -> str:
        scheme, user, rest, query = found.groups()
        return f"{scheme}{'...@' if user else ''}{rest}{'?...' if query else ''}"

    return _ADDRESS.sub(shorter, text)
