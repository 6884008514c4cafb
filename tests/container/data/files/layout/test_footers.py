"""Words below a table are a footer, and damaged rows are not."""

import pytest
from tabular.data.files.layout.footers import note_of_footer


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
        [["footnoteSeqID", "Footnote"], *([str(number), "Excludes nomads, 2"] for number in range(1, 30))],
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
        [["footnoteSeqID", "Footnote"], ["1", "2", "3"]],
    ],
)
def test_a_damaged_row_is_no_footer(rows):
    assert note_of_footer(rows, 4) is None
