"""Addresses are kept without what lets others in, and the text around them stays whole."""

import json

import pytest

from helpers.parameters.redaction import redacted

SIGNED = "https://bucket.s3.amazonaws.com/a/t.csv?X-Amz-Credential=AKIA%2F1&X-Amz-Signature=5eC12e7"
PLAIN = "https://bucket.s3.amazonaws.com/a/t.csv?..."


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (SIGNED, PLAIN),
        (f"uri={SIGNED!r}, 'x'", f"uri={PLAIN!r}, 'x'"),
        (f'<a href="{SIGNED.replace("&", "&amp;")}">t</a>', f'<a href="{PLAIN}">t</a>'),
        ("HTTP://ana:5eC12e7@host:8080/t.csv#x", "HTTP://...@host:8080/t.csv#x"),
        ("https://token@host?k=5eC12e7", "https://...@host?..."),
        ("Is https://docs.example/page it? Yes, a=b", "Is https://docs.example/page it? Yes, a=b"),
        ("s3://bucket/t.csv, t.csv?x=1, a@b.example", "s3://bucket/t.csv, t.csv?x=1, a@b.example"),
    ],
)
def test_the_query_and_the_password_are_left_out_and_nothing_else(text: str, kept: str) -> None:
    assert redacted(text) == kept


def test_a_notebook_stays_the_same_document() -> None:
    def document(uri: str) -> dict[str, object]:
        return {"source": f'DATASETS = [{{"uri": "{uri}"}}]\nprint()', "text": [f"{uri}\\", f"'{uri}'\n"]}

    assert json.loads(redacted(json.dumps(document(SIGNED)))) == document(PLAIN)
