"""Where a table begins and ends in its file: lines and rows are left out on evidence and with a note."""

import csv
import io

import pyarrow as pa
import pytest
from tabular.data.decisions.style import FileStyle
from tabular.data.files.layout import find_header, find_other_rows, note_of_footer

HEADER = "x,z,city,y"
ROWS = [f"{row / 4},{row % 7},{('London', 'Leeds', 'York')[row % 3]},{row % 2}" for row in range(1, 61)]


def text(*above, header=HEADER, rows=ROWS, delimiter=","):
    return "".join(
        f"{line}\n" for line in [*above, *(one.replace(",", delimiter) for one in (header, *rows))]
    )


def table(*last, header=HEADER, rows=ROWS):
    lines = list(csv.reader([*rows, *last]))
    columns = [[cell or None for cell in column] for column in zip(*lines, strict=True)]
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(header.split(","), columns, strict=True)})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "~"])
def test_the_first_line_is_the_header_of_an_ordinary_table(delimiter):
    header = find_header(text(delimiter=delimiter))
    assert header == (["x", "z", "city", "y"], delimiter, 1, ())


@pytest.mark.parametrize(
    "above",
    [
        ["Report of sales"],
        ["Report of sales, 2024"],
        ["Report of sales", ""],
        ["", "Report of sales", "Station,Berlin", "", "2024-01-01"],
        ["Report of sales,,,", ",,,"],
        ['"A title, with a comma and', 'a line end"'],
        ["# made by a sensor"],
        ["# made by a sensor", "# Station, Berlin"],
        ["# made by a sensor", "", "#"],
    ],
)
def test_titles_and_comments_above_the_header_are_left_out_with_a_note(above):
    header = find_header(text(*above))
    assert (header.names, header.delimiter, header.lines) == (["x", "z", "city", "y"], ",", len(above) + 1)
    (note,) = header.notes
    assert "above the header" in note
    assert note.endswith("); set skip_rows to say otherwise.")


def test_a_note_shows_the_first_titles():
    (said,) = find_header(text("Report of sales", "2024", "Berlin", "draft")).notes
    assert said == (
        "4 lines above the header are left out ('Report of sales', '2024', 'Berlin', ...); "
        "set skip_rows to say otherwise."
    )
    (said,) = find_header(text(",,,", "Title,,,", ",,,")).notes  # as spreadsheets write empty rows
    assert said.startswith("1 line above the header is left out ('Title')")


def test_a_header_may_be_a_comment_itself():
    numbers = [f"{row},{row / 2},{row % 2}" for row in range(20)]
    assert find_header(text(header="#id,x,y", rows=numbers)) == (["#id", "x", "y"], ",", 1, ())
    assert find_header(text(header="#,x,y", rows=numbers)) == (["#", "x", "y"], ",", 1, ())
    header = find_header(text("# a log", header="# id,x,y", rows=numbers))
    assert (header.names, header.lines) == (["id", "x", "y"], 2)
    header = find_header(text("# a log", header="# id,x,y", rows=numbers, delimiter=" "))
    assert header[:3] == (["id", "x", "y"], " ", 2)
    header = find_header(text(header="# id,x,y", rows=numbers, delimiter=" "))
    assert header[:3] == (["id", "x", "y"], " ", 1)


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("", [",red,1.5", "0,blue,2.5"]),
        (",x,y", ["0,1.5,a", "1,2.5,b", "2,3.5,a", "3,4.5,b"]),  # an index of pandas
        ("x,y", ["1,1.5,a", "2,2.5,b", "3,3.5,a", "4,4.5,b"]),  # row names of R
        ("x,y", ["1.5,a,", "2.5,b,", "3.5,a,", "4.5,b,"]),  # rows end with a delimiter
        ("x,y,,,", ["1.5,a,,,", "2.5,b,,,", "3.5,a,,,", "4.5,b,,,"]),  # Excel's empty columns
        ("2019,2020,y", ["1.5,2.5,a", "2.5,3.5,b", "2.5,3.5,a"]),
        ("note", ["hello, world", "so, be it", "1, 2", "3, 4"]),
        ("note", ["hello world", "be it", "1 2", "3 4", "5 6"]),
        ("x,,y", ["NA,Rome,yes", "1.5,Rome,no", "2.5,Paris,yes", "1.5,Rome,no"]),
        ("x,,y", ["a,b,b", "1.5,Rome,no", "2.5,Paris,yes", "1.5,Rome,no"]),
        ("a,y", ["1,2,x", "3,4,x", "5,6,x", "7,8,x"]),
    ],
)
def test_without_evidence_the_first_line_is_the_header(header, rows):
    found = find_header(text(header=header, rows=rows))
    assert not found.notes
    if header:
        assert (found.lines, found.names[:1]) == (1, [header.split(",")[0]])


@pytest.mark.parametrize(
    "further",
    [
        ["m,kg,,"],
        ["Response,Response,Open-ended response,Response"],
        ["Metre,Kilogram,Town,Label", "m,kg,,"],
        ["-,--,----,-"],
        ["---+---+---+---"],
        ["--- --- ------- ---", "m,kg,,"],
    ],
)
def test_units_labels_and_rules_below_the_header_are_no_rows(further):
    header = find_header(text(HEADER, header=further[0], rows=[*further[1:], *ROWS]))
    assert (header.names, header.lines) == (HEADER.split(","), 1 + len(further))
    (note,) = header.notes
    assert note.startswith(f"{len(further)} line")
    assert "below the header" in note


@pytest.mark.parametrize(
    "first", ["NA,NA,London,1", ",,London,1", "?,unknown,London,1", "1.5,kg,York,0", "m,,York,0"]
)
def test_gaps_in_the_first_row_are_gaps(first):
    assert find_header(text(rows=[first, *ROWS])).lines == 1


def test_words_that_come_again_are_no_units():
    assert find_header(text(rows=["low,low,York,0", *ROWS[:40], "low,low,York,0", *ROWS])).lines == 1


def test_a_decimal_comma_makes_no_columns():
    rows = [f"{row},5;{row},25;{'ab'[row % 2]}" for row in range(30)]
    assert find_header(text(header="x;z;y", rows=rows)) == (["x", "z", "y"], ";", 1, ())
    assert find_header(text("Bericht;;", header="x;z;y", rows=rows))[:3] == (["x", "z", "y"], ";", 2)
    assert find_header(text(header="x;z;y", rows=[*rows, "Summe"]))[:3] == (["x", "z", "y"], ";", 1)


@pytest.mark.parametrize("delimiter", [":", "^", "\x01", "!", "\u00a6"])
def test_a_rare_delimiter_is_found_where_every_line_has_as_many_cells(delimiter):
    assert find_header(text(delimiter=delimiter))[:2] == (HEADER.split(","), delimiter)
    assert find_header(text(delimiter=delimiter) + "a line\n").names == [HEADER.replace(",", delimiter)]
    assert find_header("time\n10:30\n11:45\n12:00\n13:15\n").names == ["time"]


def test_the_number_of_lines_above_the_header_can_be_said():
    above = ["One,two,three,four", "five"]
    assert find_header(text(*above)).lines == 1  # it looks like a header
    assert find_header(text(*above), above=2) == (["x", "z", "city", "y"], ",", 3, ())
    assert find_header(text("A title"), [","], above=0) == (["A title"], ",", 1, ())


def test_the_delimiter_can_be_said():
    assert find_header("a;b,c\n1;2,3\n", delimiters=[";"]).names == ["a", "b,c"]


@pytest.mark.parametrize("sample", ["", "\n\n", "x\n"])
def test_a_file_without_rows_has_its_first_line(sample):
    found = find_header(sample)
    assert (found.names, found.notes) == (sample.split("\n")[0:1] if sample.strip() else [], ())


@pytest.mark.parametrize(
    "rows",
    [
        [["150 rows selected."]],
        [["Source: Eurostat", "2024 edition"]],
        [["Total", "640"]],
        [["* preliminary"], ["Made on Monday"]],
        [["Source: Office of Statistics", " 2024"]],
        [["Note: a", "b", "c", "d", "e 5"]],
        [["Generated on 2024-01-05 10:00"]],
        [["\u00a9 2024"]],
    ],
)
def test_words_below_the_table_are_a_footer(rows):
    assert note_of_footer(rows, 4).startswith(f"{len(rows)} line")
    assert rows[0][0] in note_of_footer(rows, 4)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [["1.25", "3"]],
        [["2024-01-05"]],
        [["London", "3.5"]],
        [["a", "b", "c", "d"]],
        [["note"]] * 6,
        [["notes", "5"]],
    ],
)
def test_a_damaged_row_is_no_footer(rows):
    assert note_of_footer(rows, 4) is None


def test_a_header_that_is_repeated_among_the_rows_is_left_out():
    found = find_other_rows(table(rows=[*ROWS[:30], HEADER, *ROWS[30:], HEADER]))
    assert found.left_out == {"header repeated": [30, 61]}
    assert found.notes == ["the header is repeated in 2 rows (31, 62), which are left out."]
    assert not find_other_rows(table("x,z,London,y")).notes
    marked = table("\ufeffx,z,city,y")
    assert find_other_rows(marked).left_out == {"header repeated": [60]}
    unnamed = table(",z,city,y", header="Unnamed: 0,z,city,y")
    assert find_other_rows(unnamed).left_out == {"header repeated": [60]}
    assert not find_other_rows(table(",,,y")).notes


X, Z = sum(row / 4 for row in range(1, 61)), sum(row % 7 for row in range(1, 61))


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ([f"Total,{Z},,"], "row 61 says 'Total' and holds the sum of 'z': it is left out as a total."),
        ([f",{Z},Grand total:,"], "row 61 says 'Grand total:' and holds the sum of 'z'"),
        ([f"{X},{Z},,"], "row 61 holds the sum of 'x' and the sum of 'z': it is left out as a total."),
        ([f"{X / 60:.2f},,Average,"], "row 61 says 'Average' and holds the mean of 'x'"),
        (["Total,17,,"], "row 61 says 'Total' where the others have a number, and has gaps: it is left out"),
        ([f"{X},{Z},,", ",,,", ",,,"], "row 61 holds the sum"),
    ],
)
def test_a_total_below_the_rows_is_left_out_with_its_evidence(last, said):
    found = find_other_rows(table(*last))
    assert found.left_out == {"total": [60]}
    assert found.notes[0].startswith(said)


def test_two_totals_are_left_out():
    found = find_other_rows(table(f"{X},{Z},Sum,", f"{X / 60},{Z / 60:.3f},Mean,"))
    assert sorted(found.left_out["total"]) == [60, 61]


def test_a_doubtful_total_is_kept_and_said():
    found = find_other_rows(table("1.5,3,Total,"))
    assert (found.left_out, found.notes) == (
        {},
        ["row 61 says 'Total' and has gaps, but no sums: it is kept; delete it if it is a total."],
    )


@pytest.mark.parametrize(
    "last", ["1.5,3,London,1", ",,London,", f"{X},{Z},London,1", "7.6,3,,", "1.5,3,Total,1", f"{X / 60},3,,"]
)
def test_an_ordinary_row_is_kept_without_a_word(last):
    assert find_other_rows(table(last)) == ({}, [])


def test_a_level_called_total_is_a_level():
    rows = [f"{row},3,{('Total', 'Part')[row % 2]},1" for row in range(40)]
    assert find_other_rows(table("1.5,,Total,", rows=rows)) == ({}, [])


def test_sums_with_decimal_commas_and_thousands_are_recognised():
    rows = [f"1.{row:03},25;a" for row in range(100, 140)]
    lines = list(csv.reader(io.StringIO("\n".join([*rows, "44.790,00;"])), delimiter=";"))
    columns = [[cell or None for cell in column] for column in zip(*lines, strict=True)]
    found = find_other_rows(pa.table(dict(zip("xy", columns, strict=True))), FileStyle(delimiters=[";"]))
    assert found.left_out == {"total": [40]}


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_tables_of_a_few_rows_have_no_totals(rows):
    assert find_other_rows(table(*["Total,,,"] * rows, rows=[])) == ({}, []) if rows else True


def test_rows_like_the_header_are_kept_where_its_words_stand_in_other_rows():
    rows = [["red", "big", "yes"], ["blue", "small", "no"], ["red", "small", "no"]] * 10
    columns = zip(*rows, strict=True)
    found = find_other_rows(pa.table({cells[0]: list(cells) for cells in columns}))
    assert not found.left_out
    assert found.notes == [
        "row 1 and others are like the header and are kept, because 'red' stands in other rows, too; if the "
        "file has no header, write the names of its columns into the first line."
    ]


def test_an_empty_row_below_the_header_is_no_rule():
    found = find_header("a,b\n,\n1,2\n3,4\n5,6\n")
    assert found.lines == 1
    assert not found.notes
