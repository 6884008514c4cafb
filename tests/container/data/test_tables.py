"""Real-world tables: their contents are detected, or one sentence says what to fix."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal
from sklearn import datasets
from tabular.data import features, tables
from tabular.data.decisions.decide import column_of
from tabular.data.decisions.many import plain_cells
from tabular.data.figures import Figures
from tabular.data.preparation.prepare import prepare
from tabular.data.tables import read_table, stream_rows, table_files, task_of
from tabular.spec.columns import Column, NumberFormat, Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

PEOPLE = pd.DataFrame(
    {
        "name": ["Zoë, née Li", "Ümit; 5\" | 'x'", "Ana\nMaría", None] * 5,
        "size": [1.5, -0.25, None, 1234.0] * 5,
        "count": range(20),
        "born": [f"2001-02-{day:02d}" for day in range(1, 21)],
        "target": ["yes", "no"] * 10,
    }
)


def written(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(tmp_path, content, name="table.csv", **options):
    return read_table([written(tmp_path, content, name)], Options.from_dict(options))


def test_the_first_column_that_does_not_fit_is_named_whichever_is_decided_first(tmp_path):
    text = "a,b,c\n" + "1,x,a long text that is no number\n" * 30
    for numeric, named in ((("b", "c"), "b"), (("c",), "c"), (("c", "b"), "b")):
        with pytest.raises(BadInput, match=f"of the column '{named}'"):
            read(tmp_path, text, numeric=list(numeric))


def test_a_label_of_which_no_row_is_left_is_no_class(tmp_path):
    rows = [f"{day},2024-01-{day:02},{'no' if day % 2 else 'yes'}" for day in range(1, 29)]
    raw = read(tmp_path, "\n".join(["x,when,target", "0,,late", *rows]), time="when")
    prepared = prepare(raw, "target", Options(time="when"))
    assert prepared.report["rows_without_time"] == 1
    assert prepared.schema.classes == ("no", "yes")
    assert prepared.target.tolist() == [0, 1] * 14
    assert prepared.report["classes"] == {"no": 14, "yes": 14}


def test_labels_keep_every_digit_and_nothing_else_is_said_of_them(tmp_path):
    rows = [f"{row},{2**53 + 1 + 2 * (row % 2)}" for row in range(30)]
    prepared = prepare(read(tmp_path, "\n".join(["x,target", *rows])), "target", Options())
    assert prepared.schema.classes == (2**53 + 1, 2**53 + 3)
    assert not [one for one in prepared.report["warnings"] if one["column"] == "target"]
    assert prepared.report["evidence"]["target"] == ["all 30 cells are numbers"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-32"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_dialect_and_encoding_holds_the_same_table(tmp_path, delimiter, decimal, encoding):
    text = PEOPLE.to_csv(index=False, sep=delimiter, decimal=decimal)
    table = read(tmp_path, text.encode(encoding))
    assert_frame_equal(table.frame, PEOPLE, check_dtype=False)
    assert table.frame["size"].dtype == np.float64
    (facts,) = table.files
    assert facts["delimiter"] == delimiter
    form = NumberFormat(",") if decimal == "," else None
    assert table.decisions["size"].column == Column("size", "numeric", number=form)
    found = {"latin-1": "cp1252"}.get(encoding, encoding)
    assert (facts["encoding"], facts["rows"], facts["name"]) == (found, 20, "table.csv")


def zipped(content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("folder/table.csv", content)
        archive.writestr("__MACOSX/._table.csv", b"?")
        archive.writestr("data/.DS_Store", b"\0")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("compression", "compress"),
    [
        ("gzip", gzip.compress),
        ("bzip2", bz2.compress),
        ("xz", lzma.compress),
        ("zip", zipped),
        ("zstd", lambda content: pa.Codec("zstd").compress(content, asbytes=True)),
        ("none", bytes),
    ],
)
def test_a_compression_is_known_by_the_first_bytes_and_not_by_the_name(tmp_path, compression, compress):
    table = read(tmp_path, compress(PEOPLE.to_csv(index=False).encode("cp1252")), "table.data")
    assert_frame_equal(table.frame, PEOPLE, check_dtype=False)
    assert table.files[0]["compression"] == compression


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris", "digits", "diabetes"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_shipped_tables_are_read_as_they_were_written(tmp_path, name, delimiter):
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    text = frame.to_csv(index=False, sep=delimiter, decimal="," if delimiter == ";" else ".")
    table = read(tmp_path, text).frame
    assert_frame_equal(table, frame, check_dtype=False, rtol=1e-15)
    wanted = {"breast_cancer": "binary", "diabetes": "regression"}.get(name, "multiclass")
    assert task_of(table["target"], Options()) == wanted


@pytest.mark.parametrize(
    ("delimiter", "cells", "numbers"),
    [
        (";", ["1.234,5", "2,5", "12.345.678,25"], [1234.5, 2.5, 12345678.25]),
        (";", ["1,5", "", "2"], [1.5, np.nan, 2.0]),
        (";", ["1,234", "2,345"], [1.234, 2.345]),
        (";", ["1,5e3", "-2,5E-1"], [1500.0, -0.25]),
        (",", ["1,234.5", "2,345.0", "12"], [1234.5, 2345.0, 12.0]),
        (",", ["1,234", "2,345,678"], [1234.0, 2345678.0]),
        (",", ["3,14", "+2,7"], [3.14, 2.7]),
        (";", ["1,234.5", "2"], [1234.5, 2.0]),
    ],
)
def test_commas_in_numbers_are_understood(tmp_path, delimiter, cells, numbers):
    cells = cells * 3
    text = pd.DataFrame({"a": cells, "b": range(len(cells))}).to_csv(index=False, sep=delimiter)
    np.testing.assert_array_equal(read(tmp_path, text).frame["a"], numbers * 3)


@pytest.mark.parametrize("cells", [["1,5", "x"], ["1,2,3", "4,5,6"], ["1.2.3", "1,5"], ["a,b", "c"]])
def test_what_is_no_number_stays_text(tmp_path, cells):
    text = pd.DataFrame({"a": cells, "b": 1}).to_csv(index=False, sep=";")
    assert read(tmp_path, text).frame["a"].tolist() == cells


def test_a_table_of_one_column_is_none_of_several(tmp_path):
    assert read(tmp_path, "note\nhello world\na b\n").frame["note"].tolist() == ["hello world", "a b"]


def test_line_ends_of_every_system_are_read(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        assert read(tmp_path, end.join(["", "a,b", '1,"x', 'y"', "2,z", ""])).frame["a"].tolist() == [1, 2]


def test_parquet_is_read_with_its_own_types(tmp_path):
    path = tmp_path / "table.parquet"
    columns = {
        "decimal": [Decimal("1.50"), None],
        "day": [date(2024, 1, 31), None],
        "flag": [True, None],
        "word": pa.array(["a", "b"]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), path)
    table = read_table([path])
    assert table.frame["decimal"].dtype == np.float64
    kinds = [found.column.kind for found in table.decisions.values()]
    assert kinds == ["numeric", "date", "boolean", "categorical"]
    evidence = [table.decisions[name].evidence[0] for name in ("decimal", "day")]
    assert evidence == [f"by its type in the file, read as {kind}" for kind in ("double", "timestamp[us]")]
    assert table.files == [{"format": "parquet", "name": "table.parquet", "rows": 2}]


def test_the_content_of_a_file_and_not_its_name_says_that_it_is_parquet(tmp_path):
    written(tmp_path, "a,b\n1,x\n", "1.parquet")
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "2.csv")
    first, second = (read_table([tmp_path / name]) for name in ("1.parquet", "2.csv"))
    assert [one.files[0]["format"] for one in (first, second)] == ["csv", "parquet"]
    pd.testing.assert_frame_equal(first.frame, second.frame, check_dtype=False)


def test_an_index_that_pandas_kept_is_no_column(tmp_path):
    path = tmp_path / "table.parquet"
    PEOPLE.query("count > 3").to_parquet(path)
    assert list(read_table([path]).frame) == list(PEOPLE)


def test_several_files_are_one_table_in_the_order_of_the_first(tmp_path):
    first = written(tmp_path, "a,b\n1,x\n", "1.csv")
    second = written(tmp_path, "b;a\ny;2,5\n", "2.csv")
    table = read_table([first, second])
    assert table.frame.to_dict("list") == {"a": [1, 2.5], "b": ["x", "y"]}
    assert [one["rows"] for one in table.files] == [1, 1]


def test_a_column_that_is_text_in_one_file_is_text_in_all(tmp_path):
    files = [written(tmp_path, "a,b\n007,1\n", "1.csv"), written(tmp_path, "a,b\nx,2\n", "2.csv")]
    assert read_table(files).frame.to_dict("list") == {"a": ["007", "x"], "b": [1, 2]}


def test_files_of_other_columns_are_refused_by_name(tmp_path):
    files = [written(tmp_path, "a,b\n1,2\n", "1.csv"), written(tmp_path, "a,c\n1,2\n", "2.csv")]
    with pytest.raises(
        BadInput, match=r"1.csv and 2.csv do not have the same columns: only one of them has 'b'"
    ):
        read_table(files)


def test_a_folder_may_hold_what_is_no_table(tmp_path):
    for name in ("dataset.json", ".DS_Store", "_SUCCESS", "2.csv", "1.csv"):
        written(tmp_path, "a\n1\n", name)
    assert [path.name for path in table_files(tmp_path)] == ["1.csv", "2.csv"]


def test_a_folder_without_a_table_is_refused(tmp_path):
    written(tmp_path, "{}", "dataset.json")
    with pytest.raises(BadInput, match="There is no table at InputDataUri"):
        table_files(tmp_path)


SENSOR = "".join(f"{row / 4};{row % 7};{row % 2}\n" for row in range(1, 41))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            f"Log of sensor 7\n\nx;z;y\n{SENSOR}",
            "1 line above the header is left out ('Log of sensor 7'); set",
        ),
        (
            f"Log;;\nsensor;7;\nx;z;y\n{SENSOR}",
            "2 lines above the header are left out ('Log', 'sensor, 7'); set",
        ),
        (f"# sensor 7\n# x;z;y\n{SENSOR}", "1 line above the header is left out ('# sensor 7'); set"),
        (
            f"sep=;\nLog of sensor 7\nx;z;y\n{SENSOR}",
            "1 line above the header is left out ('Log of sensor 7'); set",
        ),
        (f"x;z;y\n{SENSOR}40 rows selected.\n", "1 line below the table is left out ('40 rows selected.')."),
        (f"x;z;y\n{SENSOR}\x1a\n40 rows\n", "1 line below the table is left out ('40 rows')."),
        (
            f"x;z;y\n{SENSOR}\n\nSource: sensor 7\n\n",
            "1 line below the table is left out ('Source: sensor 7').",
        ),
        (
            f"x;z;y\n{SENSOR}205;120;\n",
            "row 41 holds the sum of 'x' and the sum of 'z': it is left out as a total.",
        ),
        (
            f"x;z;y\n{SENSOR}Total;17;\n;;\n",
            "row 41 says 'Total' where the others have a number, and has gaps: it",
        ),
        (f"x;z;y\n0.25;1;1\nx;z;y\n{SENSOR[9:]}", "the header is repeated in row 2, which is left out."),
    ],
)
def test_what_stands_around_a_table_is_left_out_with_a_note(tmp_path, content, said, end):
    table = read(tmp_path, content.replace("\n", end))
    np.testing.assert_array_equal(table.frame["x"].dropna(), np.arange(1, 41) / 4)
    assert list(table.frame) == ["x", "z", "y"]
    assert [one["said"] for one in table.warnings if said in one["said"]]
    left_out = sum(table.left_out.values())
    assert (table.files[0]["rows"] == len(table.frame), left_out) == (True, "row" in said.split()[:6])


@pytest.mark.parametrize("header", ["x;z;y", "x;z;y;", "#;z;y"])
def test_a_header_may_end_with_a_delimiter_or_begin_with_a_number_sign(tmp_path, header):
    table = read(tmp_path, f"{header}\n{SENSOR}")
    assert list(table.frame) == header.strip(";").split(";")
    assert (len(table.frame), table.warnings) == (40, [])


def test_a_person_can_say_where_the_header_is(tmp_path):
    content = "One;two;three\nx;z;y\n" + SENSOR
    assert list(read(tmp_path, content).frame) == ["One", "two", "three"]
    table = read(tmp_path, content, skip_rows=1)
    assert list(table.frame) == ["x", "z", "y"]
    assert not table.warnings
    with pytest.raises(BadInput, match="no line below the 500 that skip_rows leaves out; correct skip_rows"):
        read(tmp_path, content, skip_rows=500)


def test_a_person_can_say_the_encoding(tmp_path):
    content = "x;city;y\n1;Łódź;0\n2;Gdańsk;1\n".encode("iso8859_2")
    assert read(tmp_path, content, encoding="iso8859_2").frame["city"].tolist() == [
        "Łódź",
        "Gdańsk",
    ]
    with pytest.raises(BadInput, match="is not text in utf-8; name another encoding"):
        read(tmp_path, content, encoding="utf-8")
    with pytest.raises(BadInput, match=r"it is not text in utf-16 \(.*\); name another encoding"):
        read(tmp_path, content, encoding="utf-16")
    with pytest.raises(BadInput, match="is not text in gbk; name another encoding"):
        read(tmp_path, content + b"\xff", encoding="gbk")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        (
            "1.5,b,1.5\n2,3,4\n",
            r"the column names \['1.5'\] occur more than once. Give a CSV with a header line",
        ),
        ("a,,target\n1,2,3\n", "column 2 of its header has no name"),
        ("a,target\n1,2\n3,4,5\n", "line 3 has 3 cells, but the header has 2"),
        ("a,b,target\n1,2,3\n3,4\n5,6,7\n", "line 3 has 2 cells, but the header has 3"),
        ("a,target\n1,2,x\n3,4,x\n", "its rows have more cells than its header"),
        (b"a,target\n" + bytes(range(128, 256)), "it is neither UTF-8 nor text in another encoding"),
        ("a,target\n1\0,2\n", "it contains zero bytes"),
        ('a,target\n"1,2\n', "a quote is never closed, .* from line 2 on"),
        ('a,target\n1,x\n2,"y\nz"\n3,"x\n4,y\n', "a quote is never closed, .* from line 5 on"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:30], "incomplete .* end-of-stream marker.*; copy or"),
        (b"\x1f\x8b\x08nonsense", "Cannot read"),
        (b"\xfd7zXZ\x00nonsense", "Cannot read"),
        (b"\x28\xb5\x2f\xfdnonsense", "Cannot read"),
        (b"PK\x03\x04nonsense", "not a zip file"),
        (b"PAR1", "begins like a Parquet file, but is damaged or incomplete; copy or download it again"),
        (
            gzip.compress(b"X\n\0\0\0\3\0\4\3\3", mtime=0),
            "a file of R; read it with the library that wrote it",
        ),
        (b"\xff\xff\xff\xff\x18\1\0\0", "an Arrow stream; read it with"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_a_sentence(tmp_path, content, sentence):
    with pytest.raises(BadInput, match=sentence) as refused:
        read(tmp_path, content)
    said = str(refused.value)
    assert said.startswith("Cannot read the table table.csv: ")
    assert said.endswith(".") and (";" in said or said.endswith(" Give a CSV with a header line."))
    assert "\n" not in said


def test_a_column_that_repeats_another_of_its_name_is_left_out(tmp_path):
    table = read_table([written(tmp_path, "a,b,a,target\n1,2,1,x\n,4,,y\n3,6,3,x\n")], target="target")
    assert table.frame.columns.tolist() == ["a", "b", "target"]
    assert table.copies == {"a.1": "a"}
    said = "another column has this name and the same cells, and is left out."
    assert {"column": "a", "said": said} in table.warnings


def test_columns_of_the_same_name_are_told_apart_in_parquet_as_in_csv(tmp_path):
    columns = {"a": [1, 2], "a ": [1, 2], "x": [5, 6], "a  ": [3, 4], "target": ["x", "y"]}
    names = [name.strip() for name in columns]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(cells) for cells in columns.values()], names=names), path)
    table = read_table([path], target="target")
    assert table.frame.columns.tolist() == ["a", "x", "a.2", "target"]
    assert table.copies == {"a.1": "a"}
    assert [one["column"] for one in table.warnings if one["column"]] == ["a.2", "a"]
    names, blocks, _ = stream_rows(path)
    assert names == ["a", "a.1", "x", "a.2", "target"]
    assert [block.rows.to_pydict()["a.2"] for block in blocks] == [[3, 4]]


@pytest.mark.parametrize(("written_so", "value"), [("100.00-", -100.0), ("100,00-", -100.0), ("100-", 100.0)])
def test_a_minus_after_cents_is_a_minus_and_after_a_whole_number_may_be_the_least(
    tmp_path, written_so, value
):
    rest = written_so[3:-1]
    cells = [written_so if row % 10 == 0 else f"{200 + row}{rest}" for row in range(60)]
    table = read(tmp_path, "\n".join(["x;target", *(f"{cell};a" for cell in cells)]))
    assert table.frame["x"][:2].tolist() == [value, 201.0]


def test_several_copies_of_a_column_are_said_once(tmp_path):
    table = read_table([written(tmp_path, "a,a,a,target\n1,1,1,x\n2,2,2,y\n")], target="target")
    said = "2 other columns have this name and the same cells, and are left out."
    assert [one for one in table.warnings if one["column"] == "a"] == [{"column": "a", "said": said}]
    assert table.copies == {"a.1": "a", "a.2": "a"}


def test_a_gzip_file_with_a_wrong_checksum_is_damaged(tmp_path):
    packed = bytearray(gzip.compress(b"a,target\n1,x\n" * 9, mtime=0))
    packed[-8] ^= 1
    with pytest.raises(BadInput, match=r"it is damaged or incomplete \(CRC check failed.*; copy or download"):
        read(tmp_path, bytes(packed))


@pytest.mark.parametrize(
    ("cells", "may_be_zero"),
    [
        ([f"{number}.5" for number in range(60)], True),
        ([f"2024-01-{day:02}" for day in range(1, 29)] * 3, False),
        ([f"{hour:02}:{hour * 2:02}" for hour in range(24)] * 3, False),
    ],
)
def test_only_among_quantities_a_word_such_as_free_may_mean_zero(tmp_path, cells, may_be_zero):
    table = read(tmp_path, "\n".join(["x,target", *(f"{cell},a" for cell in [*cells, "free", "free"])]))
    (said,) = [one["said"] for one in table.warnings if one["column"] == "x" and "'free'" in one["said"]]
    assert ("Write 0 instead if 'free' means that." in said) == may_be_zero


def test_a_third_label_beside_two_numbers_stays_if_the_task_says_multiclass(tmp_path):
    text = "\n".join(["x,target", *(f"{row},{'01'[row % 2] if row % 9 else '?'}" for row in range(90))])
    options = Options(task="multiclass")
    assert prepare(read(tmp_path, text, task="multiclass"), "target", options).schema.classes == (
        "0",
        "1",
        "?",
    )
    assert prepare(read(tmp_path, text), "target", Options()).schema.classes == (0, 1)


def test_labels_in_quotes_have_no_warning_about_them(tmp_path):
    rows = [f'{row / 2},"""{row % 2}""","""{row}.5"""' for row in range(60)]
    raw = read(tmp_path, "\n".join(["x,target,z", *rows]))
    warnings = prepare(raw, "target", Options()).report["warnings"]
    warned = [one["column"] for one in warnings if "in quotes" in one["said"]]
    assert warned == ["z"]


def test_columns_of_the_same_name_and_other_cells_are_told_apart_as_in_pandas(tmp_path):
    path = written(tmp_path, "a; a ;a.1;a;target\n1;5;2;1;x\n2;6;3;2;y\n1;7;4;1;x\n")
    table = read_table([path], target="target")
    assert table.frame.columns.tolist() == ["a", "a.2", "a.1", "target"]
    assert table.frame["a.2"].tolist() == [5, 6, 7]
    said = "another column named 'a', with other cells; it is called 'a.2', as in pandas."
    assert {"column": "a.2", "said": said} in table.warnings
    assert table.copies == {"a.3": "a"}
    names, blocks, notes = stream_rows(path, known=["a"])
    assert names == ["a", "a.2", "a.1", "a.3", "target"]
    assert [one.rows.column(1).to_pylist() for one in blocks] == [["5", "6", "7"]]
    assert notes == ["columns with the name of another column are called 'a.2', 'a.3', as in pandas."]


def test_columns_of_the_same_name_are_compared_in_all_parts(tmp_path):
    parts = [tmp_path / "1.csv", tmp_path / "2.csv"]
    parts[0].write_text("a,a,target\n1,1,x\n2,2,y\n")
    parts[1].write_text("a,a,target\n3,3,x\n4,5,y\n")
    assert read_table(parts).frame["a.1"].tolist() == [1, 2, 3, 5]
    parts[1].write_text("a,a.1,target\n3,3,x\n4,4,y\n")  # as pandas writes it
    assert read_table(parts).copies == {"a.1": "a"}


def test_a_header_of_the_same_names_may_be_repeated_among_the_rows(tmp_path):
    table = read_table([written(tmp_path, "a,a,b\n1,5,x\n2,6,y\n" * 3)])
    assert table.frame.to_dict("list") == {"a": [1, 2] * 3, "a.1": [5, 6] * 3, "b": ["x", "y"] * 3}


def test_a_target_whose_name_other_cells_have_is_refused(tmp_path):
    path = written(tmp_path, "y,a,y\n1,2,3\n4,5,6\n")
    with pytest.raises(BadInput, match="Several columns have the name of the target, 'y', and their cells"):
        read_table([path], target="y")
    path.write_text("y,a,y\n1,2,1\n4,5,4\n")
    assert read_table([path], target="y").frame.columns.tolist() == ["y", "a"]


def test_an_archive_of_several_files_is_refused(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("1.csv", "a\n")
        archive.writestr("2.csv", "a\n")
    with pytest.raises(BadInput, match="it is a zip archive of 2 files instead of one; unpack it"):
        read(tmp_path, packed.getvalue())


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1, 2, None], "numeric"),
        ([True, False, True], "boolean"),
        (["yes", "NO", None], "boolean"),
        (["yes", "y", "yes"], "categorical"),
        (["1", "three"], "categorical"),
        (["2024-01-05", None], "date"),
        (["2024-01-05T10:00:00Z", "2024-01-05"], "date"),
        (["31.12.2023", "1.1.2024"], "date"),
        (["12/31/2023 10:15", "01/02/2024 00:00"], "date"),
        (["5 Jan 2024", "31 Dec 2023"], "date"),
        (["Jan 05, 2024"], "date"),
        (["2024-01-05", "soon"], "categorical"),
        (["2024-13-05"], "categorical"),
        (["20240105", "x"], "categorical"),
        (["10.5.2", "1.2.3"], "categorical"),
        (pd.to_datetime(["2024-01-05"]), "date"),
        ([None, None], "categorical"),
    ],
)
def test_the_kind_of_a_column_is_found_in_its_cells(cells, kind):
    values = pd.Series(cells, dtype=object) if None in list(cells) and kind != "numeric" else pd.Series(cells)
    assert column_of("a", values).kind == kind


@pytest.mark.parametrize(
    ("option", "cells", "column"),
    [
        ("categorical", [1, 2], Column("a", "categorical", whole="")),
        ("categorical", ["2024-01-05"], Column("a", "categorical")),
        ("numeric", [True, False], Column("a", "boolean")),
        ("numeric", ["1", None, "2.5"], Column("a", "numeric")),
        ("date", [20240105, 20231231], Column("a", "date", "%Y%m%d")),
        ("date", [20240105.0, np.nan], Column("a", "date", "%Y%m%d")),
        ("date", [1999, 2024], Column("a", "date", "%Y")),
        ("date", ["31.12.99"], Column("a", "date", "%d.%m.%y")),
        ("drop", ["31/12/2023"], Column("a", "date", "%d/%m/%Y")),
        ("drop", ["11/12/2023"], Column("a", "date", "%m/%d/%Y")),
    ],
)
def test_a_kind_may_be_forced(option, cells, column):
    assert column_of("a", pd.Series(cells), Options(**{option: ("a",)})) == column


@pytest.mark.parametrize(
    ("option", "cells", "sentence"),
    [
        ("numeric", ["1", "two"], "Row 2 of the column 'a' is 'two', which is not a number"),
        (
            "date",
            ["2024-01-05", "soon"],
            "'a' is in date, but no format fits all its cells, such as '2024-01-05'",
        ),
        ("date", [0.5, 1.5], "no format fits"),
    ],
)
def test_a_kind_that_the_cells_do_not_have_is_refused(option, cells, sentence):
    with pytest.raises(BadInput, match=sentence):
        column_of("a", pd.Series(cells), Options(**{option: ("a",)}))


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (["a", "b"] * 20, "binary"),
        (["a", "b", "c", None] * 10, "multiclass"),
        ([True, False] * 20, "binary"),
        ([0.5, 1.0] * 20, "binary"),
        ([1, 2, 3] * 20, "multiclass"),
        ([1.0, 2.0, 3.0, None] * 20, "multiclass"),
        ([0.5, 1.0, 2.0] * 20, "regression"),
        (list(range(30)), "regression"),
        (list(range(10)) * 2, "regression"),
        (list(range(21)) * 20, "regression"),
    ],
)
def test_the_task_is_found_in_the_target(target, task):
    assert task_of(pd.Series(target), Options()) == task
    assert task_of(pd.Series(target), Options(task="regression")) == "regression"


FIVE = "a,b,target\n" + "".join(f"{i},{i % 3},yes\n" for i in range(5))


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (",a,target\n0,5,x\n1,6,y\n", "column 1 has no name and only identifies the rows"),
        (",a,target\n0,5,x\n0,6,y\n", "column 1 has no name and only identifies the rows"),
        (
            "Unnamed: 0.1,Unnamed: 0,a,target\n0,7,5,x\n1,8,6,y\n",
            "column 2 has no name and only identifies the",
        ),
        ("||a|target|\n|0|5|x|\n|1|6|y|\n", "column 2 has no name and only identifies the rows"),
        ('"","a","target"\n"1",5,"x"\n"2",6,"y"\n', "column 1 has no name and only identifies the rows"),
        ('"a","target"\n"1",5,"x"\n"2",6,"y"\n', "column 1 has no name and only identifies the rows"),
        ('"a" "target"\n"Mazda RX4" 5 "x"\n"Fiat 128" 6 "y"\n', "column 1 has no name and only identifies"),
        ("a,target,\n5,x,\n6,y,\n", "column 3 has no name and is empty"),
        ("a,target,,\n5,x,,\n6,y,,\n", "column 4 has no name and is empty"),
    ],
    ids=[
        "pandas",
        "joined",
        "pandas, twice",
        "Markdown",
        "R",
        "R's write.table",
        "R's write.table with names",
        "trailing delimiter",
        "Excel's empty columns",
    ],
)
def test_columns_without_a_name_are_left_out_and_said(tmp_path, content, note):
    table = read_table([written(tmp_path, content)])
    assert table.frame.to_dict("list") == {"a": [5, 6], "target": ["x", "y"]}
    assert any(note in one["said"] for one in table.warnings)


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_first_line_of_excel_names_the_delimiter(tmp_path, delimiter):
    content = f"sep={delimiter}\r\n" + FIVE.replace(",", delimiter)
    table = read_table([written(tmp_path, content)]).frame
    assert list(table) == ["a", "b", "target"]
    assert len(table) == 5


@pytest.mark.parametrize("delimiter", ["~", " "])
def test_rarer_delimiters_are_found(tmp_path, delimiter):
    assert list(read_table([written(tmp_path, FIVE.replace(",", delimiter))]).frame) == ["a", "b", "target"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("<!DOCTYPE html>\n<html><body>Not found</body></html>", "it is an HTML or XML page"),
        ("<!-- saved -->\n<!-- twice -->\n<html><body>Sign in</body></html>", "it is an HTML or XML page"),
        ("-- dump\n/*!40101 SET x=1 */;\nCREATE TABLE t (a int);\n", "it is an SQL dump"),
        ("INSERT INTO t VALUES(1,'x');\n" * 5, "it is an SQL dump"),
        (
            "\u250c\u2500\u2500\u2500\u252c\u2500\u2500\u2500\u2510\n\u2502 a \u2502 y \u2502\n",
            "a table as a program prints it",
        ),
        (
            "shape: (1, 1)\n\u250c\u2500\u2500\u2500\u2510\n\u2502 y \u2502\n",
            "a table as a program prints it",
        ),
        (
            "# A tibble: 60 \u00d7 2\n      a target\n  <int> <chr>\n1     5 x\n",
            "a table as a program prints it",
        ),
        (
            'Rows: 1,200\nColumns: 2\n$ a      <int> 5, 6\n$ target <chr> "x"\n',
            "a table as a program prints it",
        ),
        (
            'window.YTD.tweets.part0 = [{"a": 1, "target": "x"}]',
            "it is JavaScript; remove what stands before",
        ),
        ("{'a': 1, 'target': 'x'}\n{'a': 2, 'target': 'y'}\n", "its lines are dictionaries as Python shows"),
        (
            gzip.compress(gzip.compress(b"a,target\n1,x\n", mtime=0), mtime=0),
            "it is compressed twice, or an archive within",
        ),
        (gzip.compress(b"PAR1" + bytes(50), mtime=0), "it is a compressed Parquet file; unpack it"),
        (gzip.compress(b"SQLite format 3", mtime=0), "it is an SQLite database"),
        ("<rows>\n  <row><a>1</a></row>\n</rows>\n", "it is an HTML or XML page"),
        ('{"columns": ["a"], "data": [[1, 2]]}', "it is JSON, but not rows; write an object on each line"),
        ('{"error": {\n"code": 404}}', "it is JSON, but not rows"),
        ('[{"a": 1}, [2]]', "it is JSON, but not rows"),
        ('[{"a": 1}, {"a": 2', r"it is not JSON \("),
        ('{"a": 1}\n{"a": 2\n{"a": 3}\n', r"line 2 is not JSON \("),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it is an Excel workbook"),
        (b"%PDF-1.7\n", "it is a PDF"),
        (
            "@relation iris\n@attribute x real [4.3, 7.9]\n@data\n5.1\n",
            "it is an ARFF file, as Weka and KEEL",
        ),
        ("+1 3:1 11:0.5 \n-1 1:-1e-3 4:2 \n" * 3, r"it is a libsvm \(svmlight\) file"),
        ("2 qid:1 1:0.5 2:1 #docid = G1\n" * 5, r"it is a libsvm \(svmlight\) file"),
    ],
)
def test_what_is_no_table_is_called_what_it_is(tmp_path, content, sentence):
    with pytest.raises(BadInput, match=sentence):
        read_table([written(tmp_path, content)])


@pytest.mark.parametrize(
    "first",
    [
        *("PAR1", "RDX", "RDX_code", "RDX2", "BZh", "BZhours", "ORC", "ORC_code", "ARROW1", "Rar!"),
        *("%PDF", "HEADER ROW", "version number", "PK", "MZ", "BM", "GIF8", "<table>", "<bodyweight>"),
        *("SQLite file", "pragma value", "create table time", "insert into", "@relation type", "$FL2@"),
    ],
)
def test_a_header_that_begins_with_the_letters_of_another_kind_of_file_is_one(tmp_path, first):
    assert list(read(tmp_path, f"{first},x,target\n1,2,a\n3,4,b\n").frame) == [first, "x", "target"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"RDX2\nX\n\0\0\0\2", "a file of R"),
        (b"RDX3\nX\n\0\0\0\3", "a file of R"),
        (b"RDA2\nA\n2\n262402\n", "a file of R"),
        (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!", "a SAS transport file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"PAR1\x15\x04\x15\x10", "begins like a Parquet file, but is damaged"),
    ],
)
def test_other_kinds_of_files_are_told_by_their_first_bytes(tmp_path, content, sentence):
    with pytest.raises(BadInput, match=sentence):
        read(tmp_path, content)


def test_files_of_arrow_and_orc_are_told_by_their_first_bytes(tmp_path):
    frame = pd.DataFrame({"x": range(99), "target": ["a", "b", "c"] * 33})
    frame.to_feather(tmp_path / "t.feather")
    frame.to_orc(tmp_path / "t.orc")
    for name, what in (("t.feather", "a Feather file"), ("t.orc", "an ORC file")):
        with pytest.raises(BadInput, match=f"it is {what}; read it with"):
            read_table([tmp_path / name])


def test_a_workbook_and_a_tar_archive_are_called_what_they_are(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    with pytest.raises(BadInput, match="it is an Excel workbook; save its sheet as CSV"):
        read_table([tmp_path / "t.xlsx"])
    written(tmp_path, FIVE, "t.csv")
    with tarfile.open(tmp_path / "t.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "t.csv", "t.csv")
    with pytest.raises(BadInput, match="it is a tar archive; unpack it"):
        read_table([tmp_path / "t.tar.gz"])


def test_a_lone_quote_that_swallows_rows_is_found(tmp_path):
    lines = [f"fine,{i},yes" for i in range(40)]
    lines[10], lines[25] = 'a 5" pipe,10,yes', '"oops,25,yes'
    lines[35] = 'closed",35,no'
    with pytest.raises(
        BadInput, match=r"in row 26, the column 'note' has a stray quote, which swallows 9 lines"
    ):
        read_table([written(tmp_path, "note,x,target\n" + "\n".join(lines) + "\n")])


def test_a_text_of_several_lines_is_a_cell(tmp_path):
    table = read_table([written(tmp_path, 'note,target\n"one\ntwo, three\nfour",x\nplain,y\n')]).frame
    assert table["note"].tolist() == ["one\ntwo, three\nfour", "plain"]


def test_a_part_with_a_header_alone_changes_no_type(tmp_path):
    files = [written(tmp_path, FIVE, "1.csv"), written(tmp_path, "b,target,a\n", "2.csv")]
    table = read_table(files)
    assert [table.frame[name].dtype.kind for name in ("a", "b")] == ["i", "i"]
    assert table.warnings == [{"column": None, "said": "2.csv has a header but no rows."}]


def test_a_part_is_named_with_the_folders_that_tell_it_from_others(tmp_path):
    folders = [tmp_path / f"year={year}" for year in (2023, 2024, 2025)]
    texts = [FIVE, "a,b,target\n", FIVE.replace("b", "c", 1)]
    for folder, text in zip(folders, texts, strict=True):
        folder.mkdir()
        written(folder, text, "part.csv")
    table = read_table([folder / "part.csv" for folder in folders[:2]])
    assert table.warnings == [{"column": None, "said": "year=2024/part.csv has a header but no rows."}]
    with pytest.raises(BadInput, match=r"files year=2023/part\.csv and year=2025/part\.csv do not have the"):
        read_table([folders[0] / "part.csv", folders[2] / "part.csv"])


def test_a_part_whose_column_is_empty_changes_no_type(tmp_path):
    pd.DataFrame({"a": [1, 2], "target": ["x", "y"]}).to_parquet(tmp_path / "1.parquet")
    pd.DataFrame({"a": [None, None], "target": ["x", "y"]}).to_parquet(tmp_path / "2.parquet")
    table = read_table([tmp_path / "1.parquet", tmp_path / "2.parquet"]).frame
    assert table["a"].dtype == np.float64
    assert table["a"].isna().tolist() == [False, False, True, True]


def test_a_column_that_is_text_in_one_file_alone_is_said(tmp_path):
    files = [written(tmp_path, FIVE, "1.csv"), written(tmp_path, FIVE.replace("0", "none yet"), "2.csv")]
    told = read_table(files).warnings[0]
    assert told["column"] == "a"
    assert told["said"].startswith("a category: 9 of 10 cells have digits, such as '0'")


def test_names_that_differ_in_case_are_told(tmp_path):
    files = [written(tmp_path, FIVE, "1.csv"), written(tmp_path, FIVE.replace("a,b", "A,b"), "2.csv")]
    with pytest.raises(BadInput, match="'A' and 'a' differ in case"):
        read_table(files)


def test_the_folders_of_hive_and_spark_are_columns(tmp_path):
    files = []
    for region in ("eu", "us%2Feast"):
        (tmp_path / f"region={region}").mkdir()
        files.append(written(tmp_path / f"region={region}", FIVE, "part.csv"))
    assert read_table(files).frame["region"].value_counts().to_dict() == {"eu": 5, "us/east": 5}


def test_a_named_index_of_pandas_is_a_column_and_said(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "target": ["x", "y"]}, index=pd.Index([7, 8], name="customer"))
    frame.to_parquet(tmp_path / "1.parquet")
    table = read_table([tmp_path / "1.parquet"])
    assert table.frame["customer"].tolist() == [7, 8]
    assert "'customer' was the index in pandas" in table.warnings[0]["said"]


@pytest.mark.parametrize(
    "row",
    [
        "p,x,s,x,n,s,p,f\ne,b,y,w,n,a,t,c\n",
        "0.1,2,yes\n",
        "39, State-gov, 77516, Bachelors, 13, Male, <=50K\n",
        "?,b,30.83,u,g\n",
    ],
)
def test_a_file_without_a_header_is_told(tmp_path, row):
    columns = read_table([written(tmp_path, row * 30)]).frame
    with pytest.raises(BadInput, match="the table seems to have no header"):
        Options().check_columns(columns, "target")


def test_lines_of_blanks_are_no_rows(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,x\n   \n2,y\n\t\n\x0c\n")
    assert read_table([path]).frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "semicolons.csv", "table.parquet"])
def test_blocks_of_rows_are_the_cells_of_the_whole_table(tmp_path, name):
    frame = pd.DataFrame(
        {"n": range(120_000), "text": ["a, b", 'c "d"', " ü"] * 40_000, "x": [0.5, None] * 60_000}
    )
    path = tmp_path / name
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep=";" if name == "semicolons.csv" else ",")
    names, blocks, notes = stream_rows(path)
    blocks = list(blocks)
    assert len(blocks) > 1
    assert not notes
    assert [number for block in blocks for number in block.numbers.to_pylist()] == list(range(1, 120_001))
    whole = read_table([path]).cells
    assert names == whole.column_names
    assert pa.Table.from_batches([block.rows for block in blocks]).equals(whole)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"TV 32" flat"', 'TV 32" flat'),
        ('"TV 32" flat, new"', 'TV 32" flat, new'),
        ('"he said \\"hi\\", \\"you\\""', 'he said "hi", "you"'),
        ('"C:\\new \\"x\\" y"', 'C:\\new "x" y'),
        ('"32"""', '32"'),
    ],
    ids=["a quote", "a quote and a delimiter", "backslashes", "a backslash of its own", "a doubled quote"],
)
@pytest.mark.parametrize("early", [True, False])
def test_quotes_inside_of_cells_are_read_in_blocks_as_in_the_whole_table(tmp_path, written, read, early):
    path = tmp_path / "table.csv"
    plain = '"plain, old",7\n' * 100_000
    first = f"{written},1\n" if early else ""
    path.write_text(f"a,b\n{first}{plain}{written},2\n")
    _, blocks, _ = stream_rows(path)
    found = read_table([path])
    assert pa.Table.from_batches([block.rows for block in blocks]).equals(found.cells)
    assert found.cells["a"][-1].as_py() == read
    assert len(found.cells) == 100_001 + early
    assert bool(found.warnings) == (written != '"32"""')


STRAY = {
    "never closed": ['"he said so'],
    "never closed in the last row": ["fine"] * 9 + ['"he said so'],
    "closed lines later": ['"he said so', *["well"] * 7, 'he said"'],
    "closed in the next line": ['"he said so', 'he said"'],
    "beside cells in quotes": ['"fine"', '"he said so'],
}


@pytest.mark.parametrize("texts", STRAY.values(), ids=STRAY)
def test_quotes_between_tabs_may_be_letters_and_the_blocks_say_the_same(tmp_path, texts):
    path = tmp_path / "messages.tsv"
    texts = ["fine", "well", *texts, *["fine", "well"] * (5 * (len(texts) != 10))]
    path.write_text(
        "label\tmessage\n" + "".join(f"{'ab'[place % 2]}\t{one}\n" for place, one in enumerate(texts))
    )
    found = read_table([path])
    assert found.cells["message"].to_pylist() == texts
    (said,) = found.warnings
    assert "quotes are letters in it" in said["said"]
    _, blocks, notes = stream_rows(path)
    assert pa.Table.from_batches([block.rows for block in blocks]).equals(found.cells)
    assert "quotes are letters in it" in notes[0]


@pytest.mark.parametrize(
    ("delimiter", "text", "said"),
    [
        (",", '"he said so', "a quote is never closed"),
        (",", '"he said so,a\nb,fine\na,well\nb,fine\na,he said"', "has a stray quote, which swallows"),
        ("\t", '"he said so\nfor two lines', "a quote is never closed"),
        (",", '"fine\nb,"well"', "'message' has a stray quote, which swallows 1 line"),
        (",", '"he said so\ra,fine\rb,well\ra,he said"', "has a stray quote, which swallows 2 lines"),
    ],
)
def test_a_stray_quote_is_refused_also_in_blocks(tmp_path, delimiter, text, said):
    path = tmp_path / "messages.csv"
    rows = [f"a{delimiter}fine", f"b{delimiter}well"] * 5
    path.write_text("\n".join([f"label{delimiter}message", *rows, f"a{delimiter}{text}", *rows]) + "\n")
    for read in (lambda: read_table([path]), lambda: stream_rows(path)):
        with pytest.raises(BadInput, match=said):
            read()


def test_a_file_in_quotes_that_lacks_one_is_refused_also_between_tabs(tmp_path):
    path = tmp_path / "messages.tsv"
    rows = [f'"{number}"\t"{"ab"[number % 2]}"' for number in range(40)]
    rows[20] = rows[20][:-1]
    path.write_text("\n".join(['"id"\t"label"', *rows]) + "\n")
    for read in (lambda: read_table([path]), lambda: stream_rows(path)):
        with pytest.raises(BadInput, match="line 23 has 3 cells, but the header has 2"):
            read()


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_rows_that_are_longer_than_the_header_are_refused_also_in_blocks(tmp_path, delimiter):
    path = tmp_path / "fruit.csv"
    rows = [
        delimiter.join([str(1000 + number), "lime", "2.5", "ab"[number % 2]]) for number in range(0, 80, 2)
    ]
    path.write_text("\n".join([delimiter.join(["name", "price", "y"]), *rows]) + "\n")
    for read in (lambda: read_table([path]), lambda: stream_rows(path)):
        with pytest.raises(BadInput, match="its rows have more cells than its header"):
            read()


@pytest.mark.parametrize("name", ["part.csv", "part.parquet"])
def test_blocks_of_rows_have_the_columns_of_the_folders(tmp_path, name):
    folder = tmp_path / "region=eu%20west" / "year=__HIVE_DEFAULT_PARTITION__" / "n=7"
    folder.mkdir(parents=True)
    frame = pd.DataFrame({" n": range(20), "text": ["a", "b"] * 10})
    (frame.to_csv if name == "part.csv" else frame.to_parquet)(folder / name, index=False)
    names, blocks, _ = stream_rows(folder / name)
    whole = read_table([folder / name]).cells
    assert names == whole.column_names == ["n", "text", "region", "year"]
    assert pa.Table.from_batches([block.rows for block in blocks]).equals(whole)
    assert whole["region"].unique().to_pylist() == ["eu west"]


def test_a_row_that_does_not_fit_is_said_although_quotes_are_not_doubled(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('a,b\n"TV 32" flat",1\n1,2,3\n4,5\n')
    with pytest.raises(BadInput, match=r"line 3 has 3 cells, but the header has 2"):
        read_table([path])
    with pytest.raises(BadInput, match=r"line 3 has 3 cells, but the header has 2"):
        stream_rows(path)


def test_a_row_that_does_not_fit_is_said_before_any_block_is_read(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1,2\n" * 300_000 + "1,2,3\n")
    with pytest.raises(
        BadInput, match=r"Cannot read the table table\.csv: line 300002 has 3 cells, but the header has 2"
    ):
        stream_rows(path)


@pytest.mark.parametrize("compiled", [True, False])
def test_many_columns_are_decided_and_prepared_as_few_are(tmp_path, monkeypatch, compiled):
    if not compiled:
        monkeypatch.setattr(plain_cells, "cells_in_c", None)
    draw = np.random.default_rng(2)
    table = pd.DataFrame({f"x{place}": draw.normal(size=80).round(3) for place in range(300)})
    table["x7"] = draw.integers(0, 9, 80)
    table["x120"] = draw.choice(["red", "green"], 80)
    table["x121"] = 1.5
    table.loc[draw.random(80) < 0.2, "x122"] = np.nan
    table["x123"] = -999.0
    table.loc[5:, "x123"] = draw.normal(size=75)
    table["target"] = draw.choice(["yes", "no"], 80)
    path = tmp_path / "wide.csv"
    table.to_csv(path, index=False)
    found = read_table([path])
    wide = prepare(found, "target", Options())
    assert len(found.frame._mgr.blocks) < 20  # numbers beside each other are one
    for module in (tables, features):
        monkeypatch.setattr(module, "MANY_COLUMNS", 10_000)
    expected = read_table([path])
    few = prepare(expected, "target", Options())
    assert found.warnings == expected.warnings
    assert found.decisions.keys() == expected.decisions.keys()
    for name, decision in found.decisions.items():
        other = expected.decisions[name]
        assert (decision.column, decision.evidence, decision.doubts) == (
            other.column,
            other.evidence,
            other.doubts,
        )
        assert decision.values.equals(other.values)
    assert found.frame.equals(expected.frame)
    assert (found.frame.dtypes == expected.frame.dtypes).all()
    assert (wide.report, wide.schema) == (few.report, few.schema)
    assert wide.frame.equals(few.frame)
    assert any("-999" in one["said"] for one in wide.report["warnings"])


def test_many_columns_of_numbers_alone_are_their_own_features():
    table = pd.DataFrame({f"x{place}": np.arange(5.0) for place in range(300)})
    schema = Schema("regression", "y", (), tuple(Column(name, "numeric") for name in table))
    assert features.features(table, schema).equals(table)
    found = Figures(table.assign(word="a", count=1)).columns
    assert list(found) == list(table)
    assert all((found[name] == table[name]).all() for name in table)
