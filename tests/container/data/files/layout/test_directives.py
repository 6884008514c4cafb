"""Logs that name their fields in a line of directives: those of W3C, Amazon CloudFront and Zeek."""

import pytest
from tabular.data.files.layout.directives import find_fields, is_directive
from tabular.data.tables import read_table
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

NAMES = ["date", "time", "cs(User-Agent)", "sc-status"]
ABOVE = f"#Software: Server 10.0\n#Version: 1.0\n#Fields: {' '.join(NAMES)}\n"
ROWS = [f'2024-01-{day:02} 10:{day:02}:00 "a b" {200 + day % 2}' for day in range(1, 29)]


def read(tmp_path, text, **options):
    (tmp_path / "t.log").write_bytes(text.encode())
    return read_table([tmp_path / "t.log"], Options(**options), "sc-status")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("options", [{}, {"skip_rows": 2}])
def test_fields_are_the_names_of_the_columns(tmp_path, end, options):
    table = read(tmp_path, ABOVE.replace("\n", end) + end.join(ROWS), **options)
    assert list(table.frame) == NAMES
    assert len(table.frame) == len(ROWS)
    assert table.cells["cs(User-Agent)"].unique().to_pylist() == ["a b"]
    assert any("3 lines above the header" in one["said"] for one in table.warnings) == (not options)


@pytest.mark.parametrize("delimiter", [" ", "\t"])
def test_blanks_may_separate_the_names_and_tabs_the_cells(delimiter):
    found = find_fields(f"#Version: 1.0\n#Fields: a b c\n1{delimiter}2{delimiter}3\n")
    assert (found.names, found.delimiter) == (["a", "b", "c"], delimiter)


def test_zeek_writes_types_below_the_fields_and_a_line_at_the_end(tmp_path):
    above = "#separator \\x09\n#fields\tts\tproto\tsc-status\n#types\ttime\tenum\tcount\n"
    rows = "".join(f"17066592{place:02}.5\ttcp\t{200 + place % 2}\n" for place in range(30))
    table = read(tmp_path, f"{above}{rows}#close\t2024-02-01-00-00-00\n")
    assert list(table.frame) == ["ts", "proto", "sc-status"]
    assert len(table.frame) == 30
    assert any("1 line among or below the rows is left out" in one["said"] for one in table.warnings)


def test_a_server_that_starts_writes_its_directives_again(tmp_path):
    table = read(tmp_path, ABOVE + "\n".join([*ROWS[:9], ABOVE.strip(), *ROWS[9:]]))
    assert len(table.frame) == len(ROWS)
    assert any("3 lines among or below the rows are left out" in one["said"] for one in table.warnings)


@pytest.mark.parametrize(
    "fields", ["date time sc-status cs(User-Agent)", "date time c-ip cs(User-Agent) sc-status"]
)
def test_other_fields_among_the_rows_are_refused(tmp_path, fields):
    with pytest.raises(BadInput, match=r"line 13 has .* cells, but the header has 4"):
        read(tmp_path, ABOVE + "\n".join([*ROWS[:9], f"#Fields: {fields}", *ROWS[9:]]))


@pytest.mark.parametrize(
    "sample",
    [
        "#fields,x,y\n1,2,a\n",  # an ordinary header
        "#fields\tx\ty\na\t2\tb\n",
        "# fields: x is the size\nx,y\n1,a\n",
        "#Fields: x y\n1,2\n",
        "#Version: 1.0\nx y\n1 2\n",
        "x #Fields: y\n1 2 3\n",
        "#Fields: x y\n",
        "",
    ],
)
def test_other_files_have_no_fields(sample):
    assert find_fields(sample) is None


def test_a_cell_that_only_begins_with_the_sign_is_no_directive():
    for cell in ("#1", "#Dateline", "#", "", "# Version", "Version:"):
        assert not is_directive([cell, "x"], NAMES)
