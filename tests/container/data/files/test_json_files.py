"""Rows in JSON: each type of value, gaps, and what is not a table."""

import gzip
import io
import json

import numpy as np
import pandas as pd
import pytest
from tabular.data.files.json_files import read_json
from tabular.data.tables import read_table
from tabular.data.values import long_numbers
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

ROWS = [
    {"n": 1, "x": 2.5, "word": "NA", "flag": True, "y": "no"},
    {"n": 2, "x": 3, "word": "b", "flag": False, "y": "yes"},
    {"x": None, "word": None, "y": "no", "late": 7},
]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def column(*values):
    return read_json(io.BytesIO(lines([{"a": value} for value in values])))["a"]


@pytest.mark.parametrize("written", [lines(ROWS), json.dumps(ROWS).encode(), b"\xef\xbb\xbf" + lines(ROWS)])
@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_lines_and_lists_of_objects_are_rows(tmp_path, written, packed):
    (tmp_path / "table.jsonl").write_bytes(packed(written))
    table = read_table([tmp_path / "table.jsonl"])
    assert list(table.frame) == ["n", "x", "word", "flag", "y", "late"]
    kinds = [decision.column.kind for decision in table.decisions.values()]
    assert kinds == ["numeric", "numeric", "categorical", "boolean", "boolean", "numeric"]
    np.testing.assert_array_equal(table.frame["x"], [2.5, 3, np.nan])
    assert table.frame["word"].tolist()[:2] == ["NA", "b"]
    assert table.files[0]["format"] == "json"


def test_what_pandas_writes_is_read(tmp_path):
    frame = pd.DataFrame({"x": [1.5, None], "day": ["2024-01-31", "2024-02-01"], "y": ["a", "b"]})
    frame.to_json(tmp_path / "t.json", orient="records", lines=True)
    table = read_table([tmp_path / "t.json"])
    assert table.decisions["day"].column.kind == "date"
    frame.to_json(tmp_path / "t.json", orient="records")
    pd.testing.assert_frame_equal(read_table([tmp_path / "t.json"]).frame, table.frame)


@pytest.mark.parametrize(
    "shape", ["%s\n%s\n", "[%s, %s]", '{"rows": [%s,\n%s]}'], ids=["lines", "list", "inside"]
)
def test_a_key_with_two_values_is_refused_and_one_that_is_only_repeated_is_read(shape):
    text = shape % ('{"x": 1, "x": 1, "y": "a"}', '{"x": 2, "x": 2, "y": "b"}')
    assert read_json(io.BytesIO(text.encode())).to_pydict() == {"x": [1, 2], "y": ["a", "b"]}
    text = shape % ('{"x": 1, "y": "a"}', '{"x": NaN, "x": NaN, "y": "b"}')
    assert read_json(io.BytesIO(text.encode())).num_rows == 2
    text = shape % ('{"x": 1, "y": "a"}', '{"x": 2, "x": 3, "y": "b"}')
    with pytest.raises(ValueError, match="key 'x' twice, with the values 2 and 3"):
        read_json(io.BytesIO(text.encode()))


def test_whole_numbers_keep_every_digit():
    assert column(2**53 + 1, None).to_pylist() == [2**53 + 1, None]
    assert column(2**63, 1).to_pylist() == [str(2**63), "1"]
    ids = [-(2**63) - 1, 2**64, 10**40 + 1]
    assert column(*ids).to_pylist() == list(map(str, ids))
    assert column(*ids, float("nan"), "x")[0].as_py() == str(ids[0])
    assert column(10**30, 0.5, "1" * 400).to_pylist() == [str(10**30), "0.5", "1" * 400]
    assert column(10**30, 0.5, 10**320).to_pylist() == [1e30, 0.5, float("inf")]


def test_decimals_and_words_with_many_digits_are_as_they_stand():
    cells = [0.00012345678901234567, -1.2345678901234567e-30, 12345678901234567.0]
    assert column(*cells).to_pylist() == cells
    assert column("12345678901234567890", ", 12345678901234567890").to_pylist()[0] == "12345678901234567890"


def test_a_long_number_is_found_wherever_it_stands(monkeypatch):
    monkeypatch.setattr(long_numbers, "BLOCK", 7)
    assert [column(*range(place), 2**64)[-1].as_py() for place in range(1, 9)] == [str(2**64)] * 8


def test_numbers_that_are_none_are_gaps():
    assert column(1.5, float("nan"), 2).to_pylist() == [1.5, None, 2.0]


def test_values_of_several_types_are_text():
    assert column(1, "?", 2.5, True, None).to_pylist() == ["1", "?", "2.5", "true", None]
    assert column(None, None).null_count == 2


def test_a_column_of_lists_can_be_dropped(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(lines([{"x": 1, "tags": ["a"]}, {"x": 2, "tags": {"b": 1}}]))
    table = read_table([tmp_path / "t.jsonl"], Options(drop=("tags",)))
    assert table.cells["tags"].to_pylist() == [['["a"]'], ['{"b":1}']]


FRAME = pd.DataFrame({"x": [1, 2, 3], "day": ["2024-01-31", "?", "2024-02-29"], "y": ["a", "b", "a"]})
DOCUMENTS = {
    **{f"pandas' {shape}": FRAME.to_json(orient=shape) for shape in ("columns", "index", "split", "table")},
    "pandas' records": FRAME.to_json(orient="records", indent=1),
    "lists of columns": json.dumps(FRAME.to_dict("list")),
    "a list below a header": json.dumps([list(FRAME), *FRAME.to_numpy().tolist()]),
    "lines below a header": "".join(
        json.dumps(row) + "\n" for row in [list(FRAME), *FRAME.to_numpy().tolist()]
    ),
    "one after another": "\n".join(json.dumps(row, indent=2) for row in FRAME.to_dict("records")),
    "on one line": "".join(json.dumps(row) for row in FRAME.to_dict("records")),  # Amazon Data Firehose
    "with commas between": ",\n".join(json.dumps(row) for row in FRAME.to_dict("records")) + ",\n",
    "each under a key": "".join(json.dumps({"Item": row}) + "\n" for row in FRAME.to_dict("records")),
    "Socrata's": json.dumps(
        {"meta": {"view": {"columns": [{"name": name} for name in FRAME]}}, "data": FRAME.to_numpy().tolist()}
    ),
    "under a key": json.dumps({"count": 3, "next": None, "value": FRAME.to_dict("records")}),
    "under keys": json.dumps({"result": {"records": FRAME.to_dict("records")}, "links": ["x"]}),
}


@pytest.mark.parametrize("target", ["y", None])
@pytest.mark.parametrize("shape", DOCUMENTS)
def test_rows_are_found_in_every_shape_of_a_document(shape, target):
    table = read_json(io.BytesIO(DOCUMENTS[shape].encode()), target=target)
    assert table.to_pydict() == FRAME.to_dict("list")


def beside_others(*values):
    return read_json(io.BytesIO(lines([{"a": value, "b": 1} for value in (*values, None)])))["a"][:-1]


def test_values_that_say_their_type_are_read_as_mongodb_and_dynamodb_write_them():
    assert beside_others({"$oid": "65b9"}, {"$oid": "65ba"}, None).to_pylist() == ["65b9", "65ba", None]
    assert beside_others({"$numberDecimal": "1.5"}, 2).to_pylist() == ["1.5", "2"]
    assert beside_others({"$date": "2024-01-31T00:00:00Z"})[0].as_py() == "2024-01-31T00:00:00Z"
    moments = beside_others({"$date": {"$numberLong": "1706659200000"}}, {"$date": 1706659200000})
    assert moments.to_pylist() == ["2024-01-31T00:00:00Z"] * 2
    assert beside_others({"$date": 10**18}, {"$date": "?"}).to_pylist() == [str(10**18), "?"]
    item = {"Item": {"x": {"N": "1.5"}, "word": {"S": "a"}, "flag": {"BOOL": True}, "gap": {"NULL": True}}}
    table = read_json(io.BytesIO(lines([item, item])))
    assert table.to_pylist() == [{"x": "1.5", "word": "a", "flag": True, "gap": None}] * 2


def test_other_objects_stay_nested():
    for cell in ({"S": "a"}, {"$oid": ["a"]}, {"$ref": "a"}, {"$oid": "a", "b": 1}):
        assert beside_others(cell).to_pylist() == [[json.dumps(cell, separators=(",", ":"))]]
    table = read_json(io.BytesIO(lines([{"a": {"x": 1}}, {"a": {"x": 2}, "b": 3}])))
    assert table.column_names == ["a", "b"]


def test_a_target_inside_of_other_objects_is_found():
    rows = lines([{"type": "Feature", "properties": {"x": 1, "y": "a"}}] * 3)
    with pytest.raises(ValueError, match="'y' is inside the objects of 'properties'; write the rows without"):
        read_json(io.BytesIO(rows), target="y")
    assert read_json(io.BytesIO(rows), target="type").num_rows == 3


def test_the_target_tells_columns_from_rows():
    text = b'{"y": {"a": 1, "b": 2}, "x": {"a": 3, "b": 4}}'
    assert read_json(io.BytesIO(text), target="y").to_pydict() == {"y": [1, 2], "x": [3, 4]}
    assert read_json(io.BytesIO(text), target="a").to_pydict() == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    "content",
    [
        *(b"{}", b'{"a": 1, "b": [2]}', b'{"a": {\n"b": 1}}', b"[1, 2]", b'["a"]\n["b", "c"]', b"[]"),
        *(
            b'{"a": [{"x": 1}], "b": [{"x": 2}]}',
            b'{"a": {"b": {"c": {"d": [{"x": 1}]}}}}',
            b'[["a", "a"], [1, 2]]',
        ),
        *(
            b'{"a": [1, 2], "b": [3]}',
            b'{"columns": ["a"], "data": 3}',
            b'{"error": {"code": 404, "said": "no"}}',
        ),
    ],
)
def test_what_is_no_rows_is_refused(content):
    with pytest.raises(ValueError, match=r"it is JSON, but not rows; write an object on each line|not JSON"):
        read_json(io.BytesIO(content))


@pytest.mark.parametrize("written", ["%s", "%s\n", "%s\n\n", "[%s]"])
def test_a_table_may_have_one_row(written):
    text = written % '{"x": 1, "y": null, "word": "a"}'
    assert read_json(io.BytesIO(text.encode())).to_pylist() == [{"x": 1, "y": None, "word": "a"}]
    assert read_json(io.BytesIO(text.encode()), target="y").num_rows == 1


def test_the_only_object_is_a_row_if_it_has_the_target():
    text = b'{"error": "not found", "code": 404, "links": ["x"]}'
    assert read_json(io.BytesIO(text), target="code").num_rows == 1
    for other in ("y", "links"):
        with pytest.raises(ValueError, match="it is JSON, but not rows"):
            read_json(io.BytesIO(text), target=other)


def test_a_broken_line_is_named(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(lines(ROWS) + b'{"a": \n')
    with pytest.raises(BadInput, match=r"t.jsonl: line 4 is not JSON \(.*\)"):
        read_table([tmp_path / "t.jsonl"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_another_encoding_is_found_as_that_of_a_csv(tmp_path, encoding):
    rows = [
        {"a": "K\u00f6ln", "b": "Fu\u00dfg\u00e4ngerbr\u00fccke"},
        {"a": "Z\u00fcrich", "b": "Stra\u00dfe"},
    ] * 20
    text = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows)
    (tmp_path / "t.jsonl").write_bytes(text.encode(encoding))
    table = read_table([tmp_path / "t.jsonl"])
    assert table.cells.to_pylist() == rows
    assert any("cp1252" in one["said"] for one in table.warnings) == (encoding == "cp1252")


def test_a_key_with_two_values_does_not_matter_where_its_column_is_dropped():
    text = '{"a": 1, "a": 2, "o": {"k": 1, "k": 2}, "y": "a"}\n' * 2
    for drop, key in ((("a",), "k"), (("o",), "a"), ((), "a")):
        with pytest.raises(ValueError, match=f"key '{key}' twice, with the values 1 and 2"):
            read_json(io.BytesIO(text.encode()), drop=drop)
    assert read_json(io.BytesIO(text.encode()), drop=("a", "o"))["y"].to_pylist() == ["a", "a"]
    rows = ",".join(text.splitlines() * 2000)  # of which only the beginning is looked at
    with pytest.raises(ValueError, match="key 'k' twice"):
        read_json(io.BytesIO(f"[{rows}]".encode()), drop=["a"])
    assert read_json(io.BytesIO(f"[{rows}]".encode()), drop=("a", "o")).num_rows == 4000


def test_a_number_of_thousands_of_digits_is_read_in_json():
    text = '{"x": %s, "y": 1}\n' % ("9" * 5000) * 2
    assert read_json(io.BytesIO(text.encode()))["y"].to_pylist() == [1, 1]
