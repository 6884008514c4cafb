"""Plain CSV files: C reads the cells that pyarrow and Python read, or leaves the file to them."""

from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tabular.data.files import csv_parts
from tabular.data.files.csv_cells import read_fast, read_slowly
from tabular.data.files.csv_files import read_csv
from tabular.data.files.csv_parts import read_parts
from tabular.data.files.dialects import Dialect
from tabular.data.files.encodings import CHUNK
from tabular.data.files.formats import opener
from tabular.spec.options import Options

pytest.importorskip("tabular.data.files.native.csv_columns", reason="installed without a compiler")

PLAIN = {
    "numbers": "1,2.5\n-3,4\n",
    "no end of the last line": "1,2\n3,4",
    "ends of DOS": "1,2\r\n3,4\r\n",
    "ends of old Macs": "1,2\r3,4\r",
    "all ends": "1,2\r\n3,4\n5,6\r7,8",
    "empty lines": "\n1,2\n\n\r\n3,4\n\n",
    "gaps": "1,\n,2\n,\n",
    "blanks": " 1,  two words \n  , \n",
    "quotes": '"a","b"\n"c, d",e\n',
    "empty in quotes": '"",""\n" ",a\n',
    "quotes in quotes": '"a ""b"" c",1\n"""","""a"""\n',
    "blanks in quotes": '" a","  ""b"""\n',
    "quotes inside": '5" pipe,6"\na"",b"c"d\n',
    "quotes in quotes and inside": '"1"" pipe",2" pipe\n',
    "beyond ASCII": "\u0141\u00f3d\u017a,\u4e2d\n\ufeff,\U0001f600\n",
    "long": f"{'a' * 500},{'b' * 31}\n{'c' * 33},{'d' * 63}\n",
    "many": "\n".join(f'{number},"{number * 7} x"' for number in range(500)),
}
OTHERS = {
    "too many cells": "1,2,3\n",
    "too few cells": "1,2\n3\n",
    "a line in quotes": '"a\nb",1\n',
    "a quote that is never closed": '"a,1\n2,3\n',
    "a quote that is never closed at the end": '1,"a',
    "something behind a quote": '"a"b,1\n',
    "a quote after a blank": ' "a",1\n',
    "nothing": "",
    "empty lines alone": "\n\r\n",
}


def read_all(folder, text, delimiter=",", width=2, part=csv_parts.PART):
    """What C finds, and what the others do, None if they refuse it."""
    path = folder / "a.csv"
    names = [f"column {number}" for number in range(width)]
    path.write_bytes((delimiter.join(names) + "\n" + text).encode())
    dialect = Dialect(opener(b"")[1], "utf-8", delimiter, names, 1, True)
    with patch.multiple(csv_parts, PART=part, ROWS_OF_PART=1, CELL=1):
        found = read_parts(path, dialect)
    try:
        others, _ = read_fast(path, dialect) or read_slowly(path, dialect)
    except ValueError:
        others = None
    return found, others


def assert_same(found, others):
    found.validate(full=True)
    assert found.schema == others.schema
    assert found.to_pydict() == others.to_pydict()


@pytest.mark.parametrize("part", [1, 10, csv_parts.PART])
@pytest.mark.parametrize("name", PLAIN)
def test_plain_cells_are_the_same_in_c_and_by_pyarrow(tmp_path, name, part):
    assert_same(*read_all(tmp_path, PLAIN[name], part=part))


@pytest.mark.parametrize("part", [1, 10, csv_parts.PART])
@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_left_to_pyarrow(tmp_path, name, part):
    assert read_all(tmp_path, OTHERS[name], part=part)[0] is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    text=st.text(st.sampled_from('a1,,,;"" \n\n\r\u00e9'), max_size=80),
    repeated=st.integers(1, 5),
    part=st.sampled_from([1, 7, 64, csv_parts.PART]),
    width=st.integers(1, 3),
)
def test_any_text_is_the_same_in_c_and_by_others(tmp_path, text, repeated, part, width):
    found, others = read_all(tmp_path, text * repeated, width=width, part=part)
    if found is not None:
        assert_same(found, others)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(
        st.lists(st.sampled_from(("", "a", " b", '"c"', '"d, e"', "5\u20ac" * 20)), min_size=3, max_size=3)
    ),
    part=st.sampled_from([1, 50, csv_parts.PART]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_any_table_is_read_in_c(tmp_path, rows, part, end):
    found, others = read_all(tmp_path, "".join(",".join(row) + end for row in rows), width=3, part=part)
    assert (found is None) == (not rows)
    if found is not None:
        assert_same(found, others)


def test_a_wide_table_is_read_in_tiles(tmp_path):
    rows = [[f"{row * column}" for column in range(500)] for row in range(20)]
    text = "\n".join(map(",".join, rows))
    assert_same(*read_all(tmp_path, text, width=500, part=2000))


@pytest.mark.parametrize("cell", ["{}", '"{}"', '"a ""{}"""'])
@pytest.mark.parametrize("place", [0, 1, 63, 64, 65, 127, 200])
def test_a_part_that_is_not_utf_8_is_left_to_others(tmp_path, place, cell):
    path = tmp_path / "a.csv"
    cells = [cell.format("x" * place + "\u00e9"), "y" * 200]
    text = ("a,b\n" + ",".join(cells) + "\n1,2\n" * 50).encode()
    dialect = Dialect(opener(b"")[1], "utf-8", ",", ["a", "b"], 1, False)
    with patch.multiple(csv_parts, PART=10, ROWS_OF_PART=1, CELL=1):
        path.write_bytes(text)
        assert "\u00e9" in read_parts(path, dialect)["a"][0].as_py()
        path.write_bytes(text.replace("\u00e9".encode(), b"\xe9"))
        assert read_parts(path, dialect) is None
        path.write_bytes(text.replace(b"a,b", b"\xe9,b"))
        assert read_parts(path, dialect) is None


@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_a_byte_far_below_tells_the_encoding_of_the_whole_file(tmp_path, encoding):
    path = tmp_path / "a.csv"
    rows = b"".join(b"%d,Kevin\n" % number for number in range(200_000))
    assert len(rows) > 2 * CHUNK
    path.write_bytes(b"a,b\n" + rows + b"1,K\xf6ln\n")
    options = Options(encoding=encoding)
    if encoding:
        with pytest.raises(ValueError, match="not text in utf-8"):
            read_csv(path, b"", options)
        return
    table, facts = read_csv(path, b"", options)
    assert facts["encoding"] == "cp1252"
    assert table["b"][-1].as_py() == "K\u00f6ln"


def test_a_file_that_is_said_to_be_utf_8_is_read_in_parts(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,\u00e9\n", encoding="utf-8")
    with patch("tabular.data.files.csv_files.read_fast", side_effect=AssertionError):
        table, facts = read_csv(path, b"", Options(encoding="utf-8"))
    assert (table.to_pydict(), facts["encoding"]) == ({"a": ["1"], "b": ["\u00e9"]}, "utf-8")


@pytest.mark.parametrize("delimiter", [" ", '"', "\n", "\uff0c"])
def test_other_delimiters_are_left_to_others(tmp_path, delimiter):
    path = tmp_path / "a.csv"
    path.write_text(f"a{delimiter}b\n1{delimiter}2\n", encoding="utf-8")
    assert read_parts(path, Dialect(opener(b"")[1], "utf-8", delimiter, ["a", "b"], 1, True)) is None


def test_memory_without_room_behind_the_lines_is_refused():
    with pytest.raises(ValueError, match="room behind the lines"):
        csv_parts.columns_in_c.read(bytearray(b"1,2\n"), 4, b",", 2, bytearray(99))
    with pytest.raises(ValueError, match="not enough memory for the places"):
        csv_parts.columns_in_c.read(bytearray(b"1,2\n" + bytes(65)), 4, b",", 2, bytearray(55))


def test_a_part_is_read_into_texts_and_gaps():
    part, places = bytearray(b'1,"b"\n,2\n' + bytes(65)), bytearray(8 * 11 + 4 * 2)
    rows, memory, found, is_ascii = csv_parts.columns_in_c.read(part, 9, b",", 2, places)
    assert (rows, is_ascii) == (2, True)
    valid, ends, letters, length, missing = memoryview(found).cast("q")[:5].tolist()
    assert (memory[letters : letters + length], missing, memory[valid] & 3) == (b"1", 1, 1)
    assert pa.py_buffer(memory)[ends : ends + 12].to_pybytes() == bytes([0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
