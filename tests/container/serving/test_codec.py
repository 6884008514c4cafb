"""The requests that a model accepts, and the error message for every other one."""

import gzip
import json
import pickle
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.container.examples import EXAMPLES
from support.container.tables import fit, fitted, mixed
from tabular.portable.model import Prediction
from tabular.serving import codec
from tabular.serving.codec import BadRequest, decode, encode

NAMES = ["colour", "size", "member", "income", "code"]
ROW = ["red", 1.5, True, 100, "c1"]


def as_bytes(body):
    """Bytes and text as they are, anything else as JSON."""
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


@pytest.fixture(scope="module")
def model():
    return fitted("LogisticRegression", "binary").model


@pytest.fixture
def rows(model):
    """The rows of a body as the model takes them: numbers, then booleans, and the categories."""

    def read(body, content_type="text/csv"):
        numbers, categories = decode(as_bytes(body), content_type, model)
        assert numbers.dtype == np.float64
        read = np.where(np.isnan(numbers), None, numbers.astype(object)).tolist()
        return [(*row, *levels) for row, levels in zip(read, zip(*categories, strict=True), strict=True)]

    return read


@pytest.fixture
def refused(model):
    """The status and sentence that a body is refused with."""

    def read(body, content_type="text/csv"):
        with pytest.raises(BadRequest) as refusal:
            decode(as_bytes(body), content_type, model)
        sentence = str(refusal.value)
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 400
        return refusal.value.status, sentence

    return read


# size, income, member, colour, code
READ = (1.5, 100.0, 1.0, "red", "c1")


@pytest.mark.parametrize(
    "body",
    [
        "red,1.5,yes,100,c1",
        "red,1.5,TRUE,1e2,c1\n",
        "red,1.5,1,100.0,c1\r\n",
        "\ufeffred,1.5,t,100,c1\n",
        'red,"1.5","yes"," 100 ","c1"\n',
        "red, 1.5 , yes , 100, c1\n",
        "\n\nred,1.5,y,+100,c1\n\n",
        "colour,size,member,income,code\nred,1.5,yes,100,c1\n",
        '"colour", "size",member , income,code\nred,1.5,yes,100,c1\n',
        "code,income,member,size,colour\nc1,100,yes,1.5,red\n",
    ],
)
def test_csv_with_or_without_a_header_in_any_order(rows, body):
    assert rows(body) == [READ]


@pytest.mark.parametrize(
    "body",
    [
        ROW,
        [ROW],
        {"instances": [ROW]},
        {"instances": ROW},
        dict(zip(NAMES, ROW, strict=True)),
        [dict(zip(reversed(NAMES), reversed(ROW), strict=True))],
        {"instances": [dict(zip(NAMES, ROW, strict=True))]},
        [["red", "1.5", "yes", "1e2", "c1"]],
        [["red", 1.5, 1, 100, "c1"]],
    ],
)
def test_json_of_rows_and_of_objects(rows, body):
    assert rows(body, "application/json") == [READ]


def test_several_rows_keep_their_order(rows):
    body = "".join(f"red,{i},no,{-i},c{i}\n" for i in range(30))
    assert rows(body) == [(float(i), float(-i), 0.0, "red", f"c{i}") for i in range(30)]
    objects = [
        {"code": f"c{i}", "colour": "red", "income": -i, "member": False, "size": i} for i in range(30)
    ]
    assert rows(objects, "application/json") == rows(body)


def test_quoted_cells_may_hold_commas_quotes_and_line_ends(rows):
    assert rows('"light, ""grey""\nblue",1,no,2,c1')[0][3] == 'light, "grey"\nblue'


@pytest.mark.parametrize("body", [",,,,", ",nan,null,None,", "colour,size,member,income,code\n,,,,\n"])
def test_empty_cells_of_csv_are_missing(rows, body):
    assert rows(body) == [(None, None, None, "", "")]


def test_words_for_missing_numbers_are_gaps_among_words_where_training_has_gaps(rows):
    """The category `code` has none, so that its levels stay as they are written."""
    assert rows("NA,NA,NA,NA,None") == [(None, None, None, "", "None")]


@pytest.mark.parametrize("body", [[None] * 5, [[""] * 5], [dict.fromkeys(NAMES)]])
def test_nulls_and_empty_texts_of_json_are_missing(rows, body):
    assert rows(body, "application/json") == [(None, None, None, "", "")]


def test_a_level_may_be_any_text_and_a_number_is_its_text(rows):
    assert rows([["東京", 1, False, 2, 7]], "application/json") == [(1.0, 2.0, 0.0, "東京", "7")]


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "TEXT/CSV", "text/csv; charset=utf-8", "text/csv;header=present", "", " text/csv "],
)
def test_a_content_type_may_carry_parameters(rows, content_type):
    assert rows("red,1.5,yes,100,c1", content_type) == [READ]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-npy", "application/msgpack", "csv", "*/*"]
)
def test_another_content_type_answers_415_and_names_those_that_are(refused, content_type):
    status, sentence = refused("red,1.5,yes,100,c1", content_type)
    assert status == 415
    assert sentence == (
        f"Content type {content_type!r} is not supported; "
        "send text/csv, application/json or application/jsonlines."
    )


@pytest.mark.parametrize("content_type", ["text/csv", "application/json"])
def test_a_body_that_is_not_utf8_says_where(refused, content_type):
    assert refused(b"red,\xff", content_type) == (
        400,
        "The body is not UTF-8: byte 5 is 0xff. Name its charset in the content type, for example "
        f"{content_type}; charset=windows-1252.",
    )
    with_euros = "red,1.5,yes,€ 100,c1".encode("windows-1252")
    assert "'€ 100'" in refused(with_euros, "text/csv; charset=windows-1252")[1]


def test_a_body_that_is_compressed_or_utf16_says_so(refused):
    assert refused(gzip.compress(b"red"), "text/csv") == (
        415,
        "The body is compressed with gzip; send it as it was before.",
    )
    for charset in ("utf-16-le", "utf-16-be"):
        assert (
            f"text/csv; charset={charset.replace('-le', 'le').replace('-be', 'be')}"
            in (refused("red,1,no,2,c1".encode(charset), "text/csv")[1])
        )
        said = refused("red,1,no,2,c\u00fc".encode(charset), "text/csv")[1]  # which is not UTF-8 either
        assert said == refused("red,1,no,2,c1".encode(charset), "text/csv")[1]


@pytest.mark.parametrize(
    "body",
    [
        zlib.compress(b"".join(b"red,%d.5,yes,%d,c1\n" % (row, row * row) for row in range(99))),
        b"\x28\xb5\x2f\xfd\x04\x58\x51\x00\x00red",  # zstd
        b"PK\x03\x04\x14\x00\x08\x08\x08\x00\xb0xl/workbook.xml",
        b"PAR1\x15\x04\x15\x10\x15\x14L\x15\x02\x15\x00\x12\x00\x00red",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}",
        pickle.dumps([["red", f"size {row}"] for row in range(99)]),
    ],
)
def test_a_body_that_is_not_text_is_not_said_to_be_in_another_charset(refused, body):
    assert refused(body, "text/csv") == (
        415,
        "The body is not text but binary, as a compressed one or a file of Excel or Parquet is; send its "
        "rows as CSV or JSON.",
    )


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "The body contains no rows; send rows of 5 cells."),
        ("\n\r\n", "The body contains no rows; send rows of 5 cells."),
        ("colour,size,member,income,code\n", "The body contains no rows; send rows of 5 cells."),
        ("red,1,no,2", "Row 1 has 4 cells; this model needs 5."),
        ("x", "Row 1 has 1 cell; this model needs 5."),
        ("red,1,no,2,c1\nred,1,no,2,c1,7\n", "Row 2 has 6 cells; this model needs 5."),
        ("red:1:no:2:c1", "Row 1 has 1 cell; this model needs 5."),
        ("red,big,no,2,c1", "Row 1, column 'size': 'big' is not a number."),
        ("red,1,no,2,c1\nred,1,no,1e999,c1", "Row 2, column 'income': '1e999' is not a finite number."),
        ("red,1_0,no,2,c1", "Row 1, column 'size': '1_0' is not a number."),
        ("red,1,perhaps,2,c1", "Row 1, column 'member': 'perhaps' is neither true nor false."),
        ('red,"1,no,2,c1', "Line 1 is not CSV: unexpected end of data."),
        (
            'red,1,no,2,c1\nred,"1,no,2,c1\nred,1,no,2,c1\n',
            "Line 3, of the row that begins in line 2, is not CSV: unexpected end of data.",
        ),
        ('red,"1"x,no,2,c1', "Line 1 is not CSV: ',' expected after '\"'."),
        ("colour,size,member,income\nred,1,no,2\n", "The header does not have the columns 'code'."),
        (",,size,,\n", "The header does not have the columns 'colour', 'member', 'income', 'code'."),
        ("colour,size,member,income,kode\nred,1,no,2,c\n", "The header does not have the columns 'code'."),
        (
            "colour,size,member,income,code,id\nred,1,no,2,c,3\n",
            "The header has the columns 'id', which this model does not know.",
        ),
        (
            "colour,size,member,income,code,size\nred,1,no,2,c,3\n",
            "The header names a column more than once: 'size'.",
        ),
        ("colour,size,member,income,code\nred,1,no,2\n", "Row 1 has 4 cells, but the header has 5."),
    ],
)
def test_csv_that_is_not_rows_of_the_table_answers_400(refused, body, sentence):
    assert refused(body) == (400, sentence)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ([], "The body contains no rows; send rows of 5 cells."),
        ({"instances": []}, "The body contains no rows; send rows of 5 cells."),
        ([[]], "Row 1 has 0 cells; this model needs 5."),
        ([1, 2], "Row 1 has 2 cells; this model needs 5."),
        ([ROW, 3], "Row 2 is neither a list nor an object."),
        ([ROW, None], "Row 2 is neither a list nor an object."),
        (3, 'Send a list of rows, or {"instances": [rows]}.'),
        (None, 'Send a list of rows, or {"instances": [rows]}.'),
        (
            {"instances": {"a": 1}},
            "The body has the keys 'a', which are not columns of this model. Send a list of rows, or "
            '{"instances": [rows]}.',
        ),
        (
            json.dumps(json.dumps({"instances": [ROW]})),
            "The body is a text in JSON, so it was probably encoded twice. Send a list of rows, or "
            '{"instances": [rows]}.',
        ),
        ({"instances": "red"}, 'Send a list of rows, or {"instances": [rows]}.'),
        ({"inputs": 3}, 'Send a list of rows, or {"instances": [rows]}.'),
        ({}, "Row 1 does not have the columns 'colour', 'size', 'member', 'income', 'code'."),
        (
            {"body": json.dumps([ROW])},
            "The body has the keys 'body', which are not columns of this model. Send a list of rows, or "
            '{"instances": [rows]}.',
        ),
        (
            {"first": [ROW], "second": [ROW]},
            "The body has the keys 'first', 'second', which are not columns of this model. Send a list of "
            'rows, or {"instances": [rows]}.',
        ),
        ({"body": [ROW], "size": 1}, "Row 1 does not have the columns 'colour', 'member', 'income', 'code'."),
        (
            dict(zip(NAMES, [["red"], [1, 2], [True], [1], ["c"]], strict=True)),
            "The columns do not have the same rows; send a cell of each row for every column.",
        ),
        (
            [dict(zip(NAMES, ROW, strict=True)), dict(zip(NAMES, ROW, strict=True)) | {"id": 1}],
            "Row 2 has the columns 'id', which this model does not know.",
        ),
        ([["red", "big", 1, 2, "c"]], "Row 1, column 'size': 'big' is not a number."),
        ([["red", [1], 1, 2, "c"]], "Row 1, column 'size': [1] is not a number."),
        ([["red", 1, 2, 2, "c"]], "Row 1, column 'member': 2 is neither true nor false."),
        ([[["red"], 1, 1, 2, "c"]], "Row 1, column 'colour': ['red'] is not text."),
    ],
)
def test_json_that_is_not_rows_of_the_table_answers_400(refused, body, sentence):
    assert refused(body, "application/json") == (400, sentence)


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "red,1,no",
        "{",
        "[1,",
        "[NaN",
        "[NaN, -Infinity]",
        "[Infinity]",
        "{'a': 1}",
        "[" * 5000,
        '"\\ud800"',
    ],
)
def test_what_is_not_json_answers_400_and_says_where(refused, body):
    status, sentence = refused(body, "application/json")
    assert status == 400
    assert sentence.startswith("The body is not JSON: ")


@pytest.mark.parametrize(
    ("body", "content_type", "advice"),
    [
        ("red,1,no", "application/json", "name text/csv as its content type."),
        ('{"a": 1}\n{"a": 2}\n', "application/json", "name application/jsonlines as its content type."),
        ('[{"a": 1}, {"a": 2}]', "text/csv", "name application/json as its content type."),
        ('{"a": 1}\n{"a": 2}\n', "text/csv", "name application/jsonlines as its content type."),
        ('{\n"instances": [[1]]\n}', "application/jsonlines", "name application/json as its content type."),
    ],
)
def test_a_body_under_another_content_type_is_recognised(refused, body, content_type, advice):
    status, sentence = refused(body, content_type)
    assert (status, advice in sentence) == (400, True), sentence


def test_a_number_too_large_for_json_is_refused(refused):
    status, sentence = refused([["red", 10**400, 1, 2, "c"]], "application/json")
    assert status == 400
    assert "JSON" in sentence or "not a finite number" in sentence


def test_many_unknown_columns_are_counted_and_long_cells_are_cut(refused):
    row = dict(zip(NAMES, ROW, strict=True)) | {f"extra{i}": 1 for i in range(400)}
    assert refused(row, "application/json")[1].endswith(
        "'extra3', 'extra4' and 395 more, which this model does not know."
    )
    assert refused(f"red,{'x' * 100_000},no,2,c1")[1].endswith("xxx... is not a number.")


def numeric_table(names):
    table = mixed(rows=40, gaps=False)[["size", "income", "target"]]
    return fit(table.set_axis([*names, "target"], axis=1), "NaiveBayes", "binary").model


def test_a_row_of_the_numbers_that_columns_are_named_by_is_a_row():
    model = numeric_table(["1", "2"])
    assert decode(b"1,1\n2,2\n", "text/csv", model)[0].tolist() == [[1.0, 1.0], [2.0, 2.0]]
    assert decode(b"2,1\n7,8\n", "text/csv", model)[0].tolist() == [[8.0, 7.0]]


def test_a_row_in_which_a_level_is_called_as_a_column_is_a_row():
    table = mixed(rows=40, gaps=False)[["colour", "size", "member", "target"]]
    table["colour"] = table["colour"].replace("red", "size")
    model = fit(table, "NaiveBayes", "binary").model
    numbers, (colours,) = decode(b"size,1,yes\nsize,2,no\n", "text/csv", model)
    assert numbers.tolist() == [[1.0, 1.0], [2.0, 0.0]]
    assert colours == ["size", "size"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/csv"),
        ("*/*", "text/csv"),
        ("text/*", "text/csv"),
        ("text/csv", "text/csv"),
        ("application/json", "application/json"),
        ("application/*", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
        ("text/html, application/json;q=0.9, */*;q=0.8", "application/json"),
        ("image/png,*/*", "text/csv"),
        ("text/csv;q=0, */*", "application/json"),
        ("*/*;q=0.5, text/csv;q=0.1", "application/json"),
        ("text/*;q=0.2, application/json;q=0.1, */*", "text/csv"),
        ("text/html, image/gif, *; q=.2, */*; q=.2", "text/csv"),
    ],
)
def test_the_answer_is_csv_unless_json_is_asked_for(model, accept, media_type):
    prediction = Prediction(["no"], np.array([[0.75, 0.25]]))
    assert encode(prediction, accept, model)[1] == media_type


@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/xml, text/plain", "json", "*/*;q=0"])
def test_another_answer_is_refused_with_406(model, accept):
    with pytest.raises(BadRequest, match="is not available; request text/csv or application/json") as refusal:
        encode(Prediction(["no"], np.array([[0.75, 0.25]])), accept, model)
    assert refusal.value.status == 406


def test_csv_answers_one_label_a_line_and_quotes_where_needed(model):
    prediction = Prediction(["no", "yes, it is"], np.array([[0.75, 0.25], [0.25, 0.75]]))
    assert encode(prediction, "text/csv", model)[0] == b'no\n"yes, it is"\n'


def test_json_answers_labels_classes_and_probabilities(model):
    prediction = Prediction(["no", "yes, it is"], np.array([[0.75, 0.25], [0.25, 0.75]]))
    assert json.loads(encode(prediction, "application/json", model)[0]) == {
        "predictions": ["no", "yes, it is"],
        "classes": ["no", "yes, it is"],
        "probabilities": [[0.75, 0.25], [0.25, 0.75]],
    }


def test_a_regression_answers_numbers_alone():
    model = fitted("XGBoost", "regression").model
    prediction = Prediction([0.1, -2.0], None)
    assert json.loads(encode(prediction, "application/json", model)[0]) == {"predictions": [0.1, -2.0]}
    assert encode(prediction, "", model)[0] == b"0.1\n-2.0\n"


@pytest.mark.parametrize("accept", ["text/csv", "application/json"])
@pytest.mark.parametrize("algorithm", ["LogisticRegression", "NaiveBayes", "NeuralNet"])
def test_numbers_so_large_that_nothing_can_be_answered_are_refused(algorithm, accept):
    model = fitted(algorithm, "multiclass").model
    body = b"red,1,no,2,c1\nred,1e300,no,1e308,c1\nred,1e308,no,-1e308,c1\n"
    with pytest.raises(
        BadRequest, match=r"Row \d has no finite prediction, because its numbers are too large"
    ) as refusal:
        encode(model.predict(*decode(body, "text/csv", model)), accept, model)
    assert refusal.value.status == 400


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_no_answer_of_a_regression_is_infinite(value):
    with pytest.raises(BadRequest, match=r"Row 2 has no finite prediction"):
        encode(Prediction([1.0, value, 2.0], None), "", fitted("XGBoost", "regression").model)


def test_what_is_read_and_written_is_what_a_model_package_says():
    """As RegisterBestModel writes it."""
    assert list(codec.DECODERS) == ["text/csv", "application/json", "application/jsonlines"]
    assert list(codec.ENCODERS) == ["text/csv", "application/json"]


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.tuples(st.integers(0, 10**20), st.integers(-330, 330)).map(lambda parts: "{}e{}".format(*parts)),
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**18), st.integers(-30, 30)).map(
        lambda parts: "-{}.{:03d}E{:+d}".format(*parts)
    ),
    st.decimals(allow_nan=False, allow_infinity=False, places=12).map(str),
)


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(st.lists(numbers, min_size=1, max_size=20))
def test_a_number_is_read_in_c_to_the_last_bit(texts):
    reader = pytest.importorskip("tabular.portable.native.csv_rows", reason="installed without a compiler")
    expected = np.array([float(text) for text in texts])
    if np.isinf(expected).any():
        assert reader.read("\n".join(texts).encode(), b"\1") is None
    else:
        assert reader.read("\n".join(texts).encode(), b"\1") == (expected.tobytes(), [])


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\n", b"1,2\n", b"1,2,3,4\n", b'1,"2",3\n', b"1,2,3\r1,2,3\n", b"1,x,nan\n", b"1,x,1_0\n",
        b"1,x,\xff\n", b"1,\xff,2\n", b"1,\0,2\n", b"\xef\xbb\xbf1,2,3\n", b"1,x,1e999\n", b"1,x,inf\n",
        b"1,x,0x1\n", b"1,x,\t1\n", b"1,x,1e\n", b"1,x,1e+\n", b"1,x,+\n", b"1,x,.\n", b"1,x,--1\n",
        b"1,x,1 2\n", b"1,x,2\n1,x\n", b"1," + b"x" * 131_073 + b",2", b"1,x," + b"1" * 100 + b"e-80",
    ],
)  # fmt: skip
def test_a_body_out_of_the_ordinary_is_left_to_python(body):
    reader = pytest.importorskip("tabular.portable.native.csv_rows", reason="installed without a compiler")
    assert reader.read(body, b"\1\0\1") is None


def test_plain_csv_is_read_in_c():
    reader = pytest.importorskip("tabular.portable.native.csv_rows", reason="installed without a compiler")
    body = b"1, a b ,-0.5\r\n\r\n +2e3 ,, \n.5,\xe6\x9d\xb1,7."
    numbers, texts = reader.read(body, b"\1\0\1")
    np.testing.assert_array_equal(np.frombuffer(numbers), [1, -0.5, 2000, np.nan, 0.5, 7])
    assert texts == ["a b ", "", "東"]
    assert reader.read(b"a\nb", b"\0") == (b"", ["a", "b"])
    assert reader.read(b"1", b"") is None


@pytest.mark.skipif(codec.csv_rows is None, reason="C is not compiled here")
def test_empty_lines_take_no_memory_for_the_cells_that_they_do_not_have() -> None:
    """For a table of so many columns, a row for each line would be five terabytes."""
    assert codec.csv_rows.read(b"\n" * 6_291_456, bytes([1]) * 100_000) is None


@pytest.mark.skipif(codec.csv_rows is None, reason="C is not compiled here")
@pytest.mark.parametrize("n_columns", [1, 2, 3])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n\n"])
def test_rows_of_as_few_bytes_as_possible_are_all_read(n_columns: int, ending: str) -> None:
    lines = ["," * (n_columns - 1) if n_columns > 1 else "1"] * 50
    numbers, texts = codec.csv_rows.read(("\n".join(lines) + ending).encode(), bytes([1]) * n_columns)
    assert (len(numbers), texts) == (50 * n_columns * 8, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "delimiter"),
    [(b'"12",12\n', b","), (b"income,size\n", b","), (b"", b";")],
    ids=["a quote", "a header", "a delimiter"],
)
def test_a_long_body_takes_little_more_memory_than_its_numbers(first, delimiter):
    """The texts of its cells would take many times as much."""
    model = fit(mixed(rows=40, gaps=False)[["income", "size", "target"]], "NaiveBayes", "binary").model
    body = first + b"12,12\n".replace(b",", delimiter) * 100_000
    tracemalloc.start()
    numbers, _ = decode(body, "text/csv", model)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    n_rows = 100_000 + first.startswith(b'"')
    assert numbers.shape == (n_rows, 2)
    assert (numbers == 12).all()
    assert peak < 14_000_000
    with pytest.raises(BadRequest, match=f"^Row {n_rows + 1}, column 'size': "):
        decode(body + b"12,x\n".replace(b",", delimiter), "text/csv", model)
