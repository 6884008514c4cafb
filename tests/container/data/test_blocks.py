"""A file in blocks, as it is scored, has the rows that training reads, whatever stands around them."""

from pathlib import Path

import pyarrow as pa
import pytest
from tabular.data.files import csv_cells
from tabular.data.files.csv_files import FORMULAS
from tabular.data.tables import read_table, stream_rows
from tabular.spec.errors import amount

ROWS = [f"{day}.01.2024,{'Bonn' if day % 2 else 'Köln'},{3 * day},{day / 8}" for day in range(1, 30)]
HEADER, TOTAL, EMPTY = "day,city,n,x", "Total,,1305,", ",,,"
ORIGIN = "Source: the office, 2024, p. 3, and others"
FORMS = {
    "nothing else": [HEADER, *ROWS],
    "total": [HEADER, *ROWS, TOTAL],
    "total without its word": [HEADER, *ROWS, ",,1305,54.375"],
    "total and mean": [HEADER, *ROWS, TOTAL, "Average,,45,1.875"],
    "total above empty rows": [HEADER, *ROWS, TOTAL, *[EMPTY] * 40],
    "total without sums": [HEADER, *ROWS, "Total,,7,"],
    "totals of groups": [
        *(HEADER, *ROWS[:9], "x,Berlin Total,135,", *ROWS[9:]),
        *("x,Bonn Total,1170,", "x,Grand Total,1305,"),
    ],
    "footer": [HEADER, *ROWS, "29 rows"],
    "total and footer": [HEADER, *ROWS, TOTAL, "", "Source: the office"],
    "origin": [HEADER, *ROWS, ORIGIN],
    "total above an origin": [HEADER, *ROWS, TOTAL, ORIGIN],
    "title": ["Sales of May", "", HEADER, *ROWS],
    "title as wide as the table": ["Sales,of,May,2024", HEADER, *ROWS],
    "words as wide as the table": ["Sales,of,all,shops", HEADER, *ROWS],
    "comment": ["# made by hand", HEADER, *ROWS],
    "units": [HEADER, ",,EUR,kg", *ROWS],
    "rule": [HEADER, "---,---,---,---", *ROWS],
    "header again": [HEADER, *ROWS[:9], HEADER, *ROWS[9:20], HEADER, *ROWS[20:]],
    "header again in the first row": [HEADER, HEADER, *ROWS],
    "title and header again": ["Sales,of,May,2024", HEADER, *ROWS[:9], HEADER, *ROWS[9:]],
    "header like a row": [HEADER, *ROWS, HEADER, "1.2.2024,city,3,4"],
    "empty rows": [HEADER, *ROWS[:9], EMPTY, *ROWS[9:], EMPTY],
    "gaps in the last row": [HEADER, *ROWS, "30.01.2024,,4,"],
    "end of a file in DOS": [HEADER, *ROWS, "\x1a"],
    "formulas": [HEADER, *ROWS, '="30.01.2024",Bonn,3,4'],
    "semicolons": [line.replace(",", ";") for line in [HEADER, *ROWS, TOTAL]],
    "blanks": [line.replace(",", " ") for line in [HEADER, *ROWS, "end of table"]],
    "index": [f",{HEADER}", *(f"{place},{row}" for place, row in enumerate(ROWS)), f"99,{TOTAL}"],
    "quotes": [HEADER, *ROWS, '"30.01.2024","Bad "Ems"",3,4', "Total,,1308,"],
}


@pytest.mark.parametrize("block", [1 << 20, 128], ids=["one block", "many blocks"])
@pytest.mark.parametrize("form", FORMS)
def test_a_file_in_blocks_has_the_rows_that_training_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, block: int
) -> None:
    """With the same notes; but rows without any cell, which have no target for training, are none."""
    monkeypatch.setattr(csv_cells, "BLOCK", block)
    path = tmp_path / "table.csv"
    path.write_text("\n".join(FORMS[form]) + "\n")
    whole = read_table([path], target="x")
    _, blocks, notes = stream_rows(path, known=["x"])
    parts = list(blocks)
    rows = [row for row in whole.cells.to_pylist() if any(row.values())]
    found = pa.Table.from_batches([part.rows for part in parts]).select(whole.cells.column_names)
    assert found.to_pylist() == rows
    said = [one["said"].removeprefix("table.csv: ") for one in whole.warnings if one["column"] is None]
    said = [one for one in said if "has no name" not in one and one != FORMULAS]  # of columns and cells
    if empty := len(whole.cells) - len(rows):
        are = amount(empty, "empty row is", "empty rows are")
        said.append(f"{are} left out.")
    assert notes == said
    numbers = [number for part in parts for number in part.numbers.to_pylist()]
    assert len(numbers) == len(rows)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] <= len(whole.cells) + sum(whole.left_out.values())
