"""Quotes in the CSV of a request that join lines, and texts of several lines."""

import pandas as pd
import pytest
from support.container.tables import fit
from tabular.serving.codec import BadRequest, decode


@pytest.fixture(scope="module")
def model():
    rows = 40
    table = pd.DataFrame(
        {
            "note": ["fine", "so so", "two\nlines", "7,a,7\nfine"] * (rows // 4),
            "kind": ["a", "b"] * (rows // 2),
            "size": range(rows),
            "target": ["yes", "no", "no", "yes", "yes"] * (rows // 5),
        }
    )
    return fit(table, "NaiveBayes", "binary").model


@pytest.mark.parametrize("header", ["", "note,kind,size\n"])
@pytest.mark.parametrize(
    "body",
    [
        '"tall,a,1\nwide",b,2\n',
        '"tall,a,1\r\nwide",b,2\r\n',
        '"tall,a,1\nfine,b,3\nlow,b,4\nwide",b,2\n',
        'tall,"a,1\nwide,b",2\n',
    ],
)
@pytest.mark.parametrize("others", [1, 5000])  # a long body is read bit by bit
def test_lines_that_a_stray_quote_joins_are_no_row(model, header, body, others):
    with pytest.raises(
        BadRequest, match=rf"^Row {others + 1} has a stray quote, which joins \d lines \(from"
    ):
        decode((header + "fine,a,1\n" * others + body).encode(), "text/csv", model)


def test_a_header_in_another_order_tells_where_the_cells_are(model):
    with pytest.raises(BadRequest, match=r"^Row 1 has a stray quote"):
        decode(b'size,target,note,kind\n1,yes,"tall,a\n2,no,wide",b\n', "text/csv", model)


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines",
        "so,\nso",
        "Dear all,\nit is good, a, 1\nBob",
        "tall, a, 1\nwide",  # blanks behind the commas, as in a sentence
        "tall,a,many\nwide",
        "tall,other,\nwide",
        "7,a,7\nfine",  # which training has seen
    ],
)
def test_a_text_may_have_several_lines(model, text):
    numbers, (notes, kinds) = decode(f'"{text}",b,2\nfine,a,1\n'.encode(), "text/csv", model)
    assert numbers.tolist() == [[2.0], [1.0]]
    assert (notes, kinds) == ([text, "fine"], ["b", "a"])
