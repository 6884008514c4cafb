"""Quotes in the CSV of a request that join lines, and texts of several lines."""

import pandas as pd
import pytest
from support.container.tables import fit
from tabular.portable.model import PortableModel
from tabular.serving.codec import BadRequest, decode

WORDS = ("review", "comment", "city", "street", "note")  # columns of words


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


def test_lines_are_joined_only_at_the_delimiter_of_the_body(model):
    with pytest.raises(BadRequest, match=r"^Row 1 has a stray quote"):
        decode(b'"tall;a;1\nwide";b;2\n', "text/csv", model)
    assert decode(b'"tall;a;1\nwide",b,2\n', "text/csv", model)[0].tolist() == [[2.0]]


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


@pytest.fixture(scope="module")
def few():
    """A function that makes a model of few columns, of words and of numbers, and of one that is not used."""
    rows = 40

    def made(names: list[str], unused: str = ""):
        words = ["fine", "so so", "Rome", "Oslo"]
        columns = {
            name: [words[i % 4] for i in range(rows)] if name in WORDS else [i % 7 for i in range(rows)]
            for name in names
        }
        table = pd.DataFrame({**columns, "target": ["yes", "no", "no", "yes", "yes"] * (rows // 5)})
        one = fit(table.drop(columns=unused.split()), "NaiveBayes", "binary")
        return PortableModel(one.manifest | {"others": unused.split(), "target": "target"}, one.arrays)

    return made


@pytest.mark.parametrize(
    ("header", "unused", "row"),
    [
        ("id,comment,age", "id comment", '1,"items:\nx,y,5\nend",30'),
        ("id,comment,age", "id comment", '1,"Address:\nMain St,Berlin,10115\nGermany",30'),
        ("id,comment,age", "id comment", '1,"x,5\n7,y",30'),
        ("review,stars", "", '"Gut:\nNote 4,5\nEnde",4'),
        ("review,stars", "", '"Pros:\nbattery;5\nscreen",4'),
        ("review,stars", "review", '"but 4,2\nfits",4'),
        ("review,stars", "", '"good\na 6,8\nvery 9,5\nend",4'),
        ("city,street", "", 'Rome,"c/o Bob\nRome,Italy\nBack"'),
        ("city,street", "", 'Rome,"c/o Bob\nRome,Italy"'),
        ("a,b,note", "", '3,4,"Masse:\n10,20,30 cm"'),
        ("a,b,note", "", '3,4,"Masse:\n10,20,30 cm\nEnde"'),
    ],
)
def test_a_list_or_an_address_in_a_text_is_no_row_of_few_columns(few, header, unused, row):
    numbers, categories = decode(f"{header}\n{row}\n".encode(), "text/csv", few(header.split(","), unused))
    assert len(numbers) == 1
    for texts in categories:
        assert texts[0] in row


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("a,b,note", '3,4,"great\n5,6,fine"'),
        ("city,street", 'Rome,"Oslo\nRome,fine"'),
        ("review,stars", '"Oslo,5\nRome",4'),
        ("a,b,c,note", '3,4,5,"great\n5,6,7,bad"'),
    ],
)
def test_levels_or_many_numbers_show_that_lines_are_rows(few, header, row):
    with pytest.raises(BadRequest, match=r"^Row 1 has a stray quote, which joins 2 lines"):
        decode(f"{header}\n{row}\n".encode(), "text/csv", few(header.split(",")))
