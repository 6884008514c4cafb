"""The header is found in the first lines: others are left out on evidence and with a note."""

import pytest
from tabular.data.files.layout.headers import find_header, refuse_stray_quote

HEADER = "x,z,city,y"
ROWS = [f"{row / 4},{row % 7},{('London', 'Leeds', 'York')[row % 3]},{row % 2}" for row in range(1, 61)]


def text(*above, header=HEADER, rows=ROWS, delimiter=","):
    return "".join(
        f"{line}\n" for line in [*above, *(one.replace(",", delimiter) for one in (header, *rows))]
    )


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
        ["Report of sales", "# made by a sensor"],
        ["Report of sales, 2024", "# made by a sensor", "", "# Station, Berlin"],
        ["# made by a sensor", "Report of sales"],
        ["# A matrix: 60 x 3", "Report of sales", "# made by a sensor"],
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


WORDS = [f"{'abc'[row % 3]},{'de'[row % 2]},{'fgh'[row * 7 % 3]}" for row in range(60)]


@pytest.mark.parametrize(
    "further",
    [
        ["string,string,string"],
        ["VARCHAR2(10),,character varying"],
        ["Nullable(String),LowCardinality(String),String"],
        ["object,category,object"],
        ["discrete,string,discrete", ",meta,class"],
    ],
)
def test_types_below_the_header_are_no_rows_in_a_table_of_words_either(further):
    header = find_header(text(header="x,z,y", rows=[*further, *WORDS]))
    assert header.lines == 1 + len(further)
    assert header.notes[0].endswith("the types of the columns.")


@pytest.mark.parametrize(
    "rows",
    [
        ["string,text,object", *WORDS, "string,d,f"],
        ["string,d,f", *WORDS],
        [",,string", *WORDS],
        ["a,d,class", *WORDS],
        [f"{['string', 'text', 'int'][row % 3]},{['date', 'time'][row % 2]},number" for row in range(60)],
    ],
)
def test_words_for_types_that_are_levels_are_rows(rows):
    assert find_header(text(header="x,z,y", rows=rows)).lines == 1


LEVELS = [f"{'abc'[row % 3]},{row}.5,{'de'[row % 2]}" for row in range(60)]


def test_labels_are_no_row_beside_one_column_of_numbers():
    header = find_header(text(header="x,z,y", rows=["Town,Size of the flat,Result", *LEVELS]))
    assert header.lines == 2
    assert "words that come nowhere else" in header.notes[0]


@pytest.mark.parametrize(
    "rows",
    [
        ["a,unknown town,d", *LEVELS],
        ["Town,NA,Result", *LEVELS],
        ["Town,1.5,Result", *LEVELS],
        [",Size,Result", *LEVELS],
        ["Town,Size,Result", *LEVELS[:20]],
        ["Town,Size,Result", *(f"name {row},{row}.5,d" for row in range(60))],
        ["Town,Size,Result", *LEVELS, "Town,1.5,d"],
    ],
)
def test_a_word_among_the_numbers_is_not_enough_for_labels(rows):
    assert find_header(text(header="x,z,y", rows=rows)).lines == 1


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


def test_an_empty_row_below_the_header_is_no_rule():
    found = find_header("a,b\n,\n1,2\n3,4\n5,6\n")
    assert found.lines == 1
    assert not found.notes


def test_of_delimiters_that_fit_equally_well_the_one_that_finds_the_target_wins():
    rows = [f"A,PC,T,DE\t{row}.5 b\t: \t{row} " for row in range(30)]  # as Eurostat writes them
    lines = text(header="freq,unit,sex,geo\\TIME\t2020 \t2021 \t2022 ", rows=rows, delimiter=",")
    header = find_header(lines, target="2022")
    assert header.delimiter == "\t"
    assert list(map(str.strip, header.names)) == ["freq,unit,sex,geo\\TIME", "2020", "2021", "2022"]


def test_widths_below_the_names_are_no_row():
    rows = [f"USGS,0{row},2024-01-{row:02d},{row}.5,A" for row in range(1, 29)]
    header = find_header(
        text(header="agency,site,datetime,discharge,code", rows=["5s,15s,20d,14n,10s", *rows])
    )
    assert header.lines == 2
    assert "1 line below the header is left out ('5s, 15s, 20d, 14n, 10s')" in header.notes[0]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ('target,"Income\n(net,USD)"', "1,2"),
        ('date,"Sales\n(USD, millions)"', "2024-01-01,2"),
        ('id,target,"Items\n(a, b, c)"', "1,2,3"),
        ('target;"Preis\n(EUR; netto)"', "1;2"),
        ('"Income\n(net,USD)",target', "1,2"),
        ('target,"Income\r\n(net,USD)\r\n(gross,USD)"', "1,2"),
    ],
)
def test_a_name_may_go_on_in_the_next_line_with_delimiters(header, row):
    sample = f"{header}\n" + f"{row}\n" * 9
    found = find_header(sample)
    assert len(found.names) == len(row.split(found.delimiter))
    assert sum("\n" in name for name in found.names) == 1
    refuse_stray_quote(sample, found)


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ('target,"Income', ["a,1", "b,2"]),
        ('target,"Income', ["a,1", "b,2", 'c,"a text"']),
        ('target,"Income', ["a,1", "b,2", 'c,""']),
        ('target,"Income', ["a,1", "b,2", 'c,3"']),
        ('target;"Preis', ["a;1", "b;2", 'c;"x;y"']),
    ],
)
def test_a_quote_in_the_header_that_swallows_rows_is_refused(header, rows):
    delimiter = header[6]
    sample = "\n".join([header, *rows, *[f"d{delimiter}4"] * 9]) + "\n"
    with pytest.raises(ValueError, match="has a stray quote, so that a name in the header goes on"):
        refuse_stray_quote(sample, find_header(sample))


def test_a_header_without_its_first_and_last_quote_has_a_stray_one_though_their_number_is_even():
    sample = 'target","age","income\n' + "a,1,2\n" * 9
    with pytest.raises(ValueError, match='line 1, \'target","age","income\', has a stray quote'):
        refuse_stray_quote(sample, find_header(sample))
