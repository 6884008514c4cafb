"""Repeated headers and totals are left out on evidence and with a note."""

import csv
import io

import pyarrow as pa
import pytest
from tabular.data.decisions.style import FileStyle
from tabular.data.files.layout.other_rows import find_other_rows, may_find

HEADER = "x,z,city,y"
ROWS = [f"{row / 4},{row % 7},{('London', 'Leeds', 'York')[row % 3]},{row % 2}" for row in range(1, 61)]
X, Z = sum(row / 4 for row in range(1, 61)), sum(row % 7 for row in range(1, 61))


def table(*last, header=HEADER, rows=ROWS):
    lines = list(csv.reader([*rows, *last]))
    columns = [[cell or None for cell in column] for column in zip(*lines, strict=True)]
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(header.split(","), columns, strict=True)})


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


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ([f"Total,{Z},,"], "row 61 says 'Total' and holds the sum of 'z': it is left out as a total."),
        ([f",{Z},Grand total:,"], "row 61 says 'Grand total:' and holds the sum of 'z'"),
        ([f"{X},{Z},,"], "row 61 holds the sum of 'x' and the sum of 'z': it is left out as a total."),
        ([f"{X / 60:.2f},,Average,"], "row 61 says 'Average' and holds the mean of 'x'"),
        (["Total,17,,"], "row 61 says 'Total' where the others have a number, and has gaps: it is left out"),
        ([f"{X},{Z},,", ",,,", ",,,"], "row 61 holds the sum"),
        ([f"17,{Z},,1"], "row 61 holds the sum of 'z': it is left out as a total."),
        ([f"17,{Z},Total: Cities,1"], "row 61 says 'Total: Cities' and holds the sum of 'z'"),
    ],
)
def test_a_total_below_the_rows_is_left_out_with_its_evidence(last, said):
    found = find_other_rows(table(*last))
    assert found.left_out == {"total": [60]}
    assert found.notes[0].startswith(said)


def test_two_totals_are_left_out():
    found = find_other_rows(table(f"{X},{Z},Sum,", f"{X / 60},{Z / 60:.3f},Mean,"))
    assert sorted(found.left_out["total"]) == [60, 61]


@pytest.mark.parametrize("word", ["{} Total", "Total {}", "{}: total", "Summe {}", "{} Ergebnis"])
def test_totals_of_groups_are_left_out_with_the_one_of_all(word):
    groups = [ROWS[:25], ROWS[25:]]
    sums = [sum(row % 7 for row in rows) for rows in (range(1, 26), range(26, 61))]
    rows = [
        line
        for place, group in enumerate(groups)
        for line in (*group, f"{place},{sums[place]},{word.format('Leeds')},")
    ]
    found = find_other_rows(table(f"1,{Z},Grand Total,", rows=rows))
    assert found.left_out == {"total": [25, 61, 62]}
    assert found.notes == [
        "row 63 holds the total of all rows, and 2 rows above it, such as row 26, totals of some: they are "
        "left out."
    ]
    doubtful = find_other_rows(table(f"1,{Z + 1},Grand Total,", rows=rows))
    assert not doubtful.left_out


@pytest.mark.parametrize("word", ["{} Total", "Total {}", "Summe {}"])
def test_totals_of_groups_are_left_out_without_one_of_all_if_they_are_sums_of_their_groups(word):
    groups = [ROWS[:25], ROWS[25:]]
    sums = [sum(row % 7 for row in rows) for rows in (range(1, 26), range(26, 61))]

    def found(sums):
        totals = [f"{place},{one},{word.format('Leeds')}," for place, one in enumerate(sums)]
        rows = [line for group, total in zip(groups, totals, strict=True) for line in (*group, total)]
        return find_other_rows(table(rows=rows))

    assert found(sums).left_out == {"total": [25, 61]}
    assert found(sums).notes == [
        "2 rows, such as row 26, say that they are totals and hold sums of the rows above them: they are "
        "left out."
    ]
    assert not found([sums[0], sums[1] + 1]).left_out


def test_products_that_are_called_total_are_kept_though_a_column_holds_zeros():
    rows = [f"{row % 9},0,{('Colgate Total', 'Elmex')[row % 3 > 0]},1" for row in range(1, 61)]
    assert find_other_rows(table(rows=rows)).left_out == {}


def test_a_table_is_streamed_only_if_no_other_rows_may_be_in_it():
    rows = [f"{row},{row},a,1" for row in (1, 2, 3)]
    totals = table("6,6,2023 Total,1", *rows, "6,6,2024 Total,1", rows=rows)
    assert find_other_rows(totals).left_out == {"total": [3, 7]}
    assert may_find(totals.to_batches(5))
    assert not may_find(table().to_batches(5))
    rows = ["0,0,b", "0,,c", "0,0,a", "1,2,a", "0,2,a", "2,0,b"]
    gaps = table("3,,d", header="x,z,city", rows=rows)  # usual only if the row above the last one counts, too
    assert find_other_rows(gaps).left_out == {"total": [6]}
    assert may_find(gaps.to_batches(5))


@pytest.mark.parametrize("last", ["TRL,60,,", "T,20240131,62,", "EOF,60,,"])
def test_a_trailer_that_counts_the_rows_is_left_out(last):
    found = find_other_rows(table(last))
    assert found.left_out == {"total": [60]}
    assert found.notes == ["row 61 is a trailer, which counts the rows above it: it is left out."]
    assert not find_other_rows(table(last.replace("6", "9"))).left_out
    levels = [f"{'TE'[row % 2]}{['', 'OF'][row % 2]},{row},a,1" for row in range(1, 61)]
    assert not find_other_rows(table("T,61,a,1", rows=levels)).left_out


def test_the_last_of_numbered_rows_is_no_trailer():
    letters = [f"{chr(ord('A') + place)},{place + 1},a,1" for place in range(26)]
    assert find_other_rows(table(rows=letters)) == ({}, [])
    assert find_other_rows(table("END,27,,", rows=letters)) == ({}, [])
    assert find_other_rows(table("END,,27,", rows=letters)).left_out == {"total": [26]}


def test_a_total_in_the_first_row_is_left_out_if_it_is_the_sum_of_those_below():
    found = find_other_rows(table(rows=[f"{X},{Z},Total,", *ROWS]))
    assert found.left_out == {"total": [0]}
    assert found.notes == ["row 1 says 'Total' and holds the sum of 'x': it is left out as a total."]
    doubtful = find_other_rows(table(rows=[f"{X + 9},{Z + 1},Total,", *ROWS]))
    assert not doubtful.left_out
    assert doubtful.notes == [
        "row 1 says 'Total', as no other row does, but holds no sum: it is kept; delete it if it is a total."
    ]
    assert not find_other_rows(table("1,2,Total,0", rows=["1,2,Total,0", *ROWS])).notes


def test_totals_are_left_out_at_both_ends():
    total = f"{X},{Z},Total,"
    found = find_other_rows(table(total, rows=[total, *ROWS]))
    assert found.left_out == {"total": [0, 61]}
    assert found.notes[1:] == ["1 further row is a total and left out, such as row 62."]
    ensemble = find_other_rows(table(f"{X + 9},{Z + 1},Total,", rows=["9,1,Ensemble,1", *ROWS]))
    assert ensemble.left_out == {"total": [61]}
    assert len(ensemble.notes) == 2


def test_rows_that_summarise_those_above_are_left_out_if_what_they_say_is_true():
    mean, least, greatest = f"{X / 60:.2f},2.97,Mean,", "0.25,0,Min,0", "15,6,max:,1"
    found = find_other_rows(table(mean, "4.4,1.9,SD,", least, greatest))
    assert found.left_out == {"total": [60, 61, 62, 63]}
    assert found.notes == ["the last 4 rows, from row 61 on, summarise those above them and are left out."]
    assert not find_other_rows(table(least, "14,5,max:,0")).left_out
    assert not find_other_rows(table("3,5,Min,0", "4,2,Max,1")).left_out  # settings
    assert not find_other_rows(table(greatest)).left_out
    names = [row.replace("London", "Max") for row in ROWS]
    assert not find_other_rows(table(least, greatest, rows=names)).left_out


def test_several_totals_at_the_end_are_left_out_if_one_of_them_is_a_sum_of_all():
    last = [f"1,{total},Total: {what},1" for what, total in (("Cities", Z), ("North", Z - 9), ("South", 9))]
    found = find_other_rows(table(*last))
    assert found.left_out == {"total": [60, 61, 62]}
    assert found.notes == ["the last 3 rows say that they are totals and are left out."]
    assert not find_other_rows(table(*(one.replace(str(Z), "8") for one in last))).left_out


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


@pytest.mark.parametrize("rows", [1, 3])
def test_tables_of_a_few_rows_have_no_totals(rows):
    assert find_other_rows(table(*["Total,,,"] * rows, rows=[])) == ({}, [])


def test_a_table_without_rows_has_no_totals():
    assert find_other_rows(pa.table({"x": pa.array([], pa.string())})) == ({}, [])


def test_rows_like_the_header_are_kept_where_its_words_stand_in_other_rows():
    rows = [["red", "big", "yes"], ["blue", "small", "no"], ["red", "small", "no"]] * 10
    columns = zip(*rows, strict=True)
    found = find_other_rows(pa.table({cells[0]: list(cells) for cells in columns}))
    assert not found.left_out
    assert found.notes == [
        "row 1 and others are like the header and are kept, because 'red' occurs in other rows, too; if the "
        "file has no header, write the names of its columns into the first line."
    ]
