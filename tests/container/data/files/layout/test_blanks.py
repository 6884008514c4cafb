"""Blanks and tabs separate cells together only where they fit every line, and tabs alone do not."""

import pytest
from tabular.data.files.layout.blanks import are_separated_by_blanks_and_tabs
from tabular.data.tables import read_table


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mpg hp name\n18.0   130.\t'a'\n15.0   165.\t'b'\n", True),
        ("mpg hp\tname\n18.0   130.\t'a'\n15.0   165.\t'b'\n", True),  # tabs alone find no mpg
        ("mpg\thp\tname\n18.0\t\t130.\ta\n15.0\t165.\tb\n", True),  # two tabs in some lines
        ("mpg hp name \n18.0   130.\ta \n15.0   165.\tb \n", True),
        ("mpg\thp\tname\n18.0\t\ta\n15.0\t165.\tb\n", False),  # a gap
        ("mpg\thp name\n18.0\tford pinto\n15.0\tamc hornet\n", False),  # blanks in cells
        ("mpg\thp\n18.0\t130.\t\n15.0\t165.\t\n", False),  # tabs at the ends of all rows
        ("mpg,hp,name\n18.0,\t130.,\ta\n15.0,\t165.,\tb\n", False),
        ("mpg hp name\n18.0 130. a\n15.0 165. b\n", False),  # no tab
    ],
)
def test_blanks_and_tabs_separate_cells_together_if_every_line_fits(text, expected):
    assert are_separated_by_blanks_and_tabs(text, "mpg") is expected


def test_cells_between_blanks_and_tabs_are_read_and_it_is_said(tmp_path):
    path = tmp_path / "auto-mpg.data"
    rows = [f'{10 + row / 10}   {row}      130.0\t"Citroën ds-{row} pallas"\n' for row in range(30)]
    path.write_bytes(("mpg cylinders  horsepower name \n" + "".join(rows)).encode("cp1252"))
    table = read_table([path], target="mpg")
    assert table.cells.to_pylist()[2] == {
        "mpg": "10.2",
        "cylinders": "2",
        "horsepower": "130.0",
        "name": "Citroën ds-2 pallas",
    }
    said = "auto-mpg.data: its cells are separated by any number of blanks and tabs."
    assert said in [one["said"] for one in table.warnings]


def test_blanks_behind_the_names_and_the_rows_are_no_column(tmp_path):
    path = tmp_path / "horse-colic.data"
    path.write_text("surgery age outcome \n" + "".join(f"{row % 2} ? {row} \n" for row in range(30)))
    table = read_table([path], target="outcome")
    assert table.cells.column_names == ["surgery", "age", "outcome"]
    assert table.cells.to_pylist()[3] == {"surgery": "1", "age": "?", "outcome": "3"}
