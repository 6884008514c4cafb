"""What a whole file says about its numbers, which tells what the comma in 1,234 is."""

import pyarrow as pa
import pytest
from tabular.data.decisions.style import FileStyle


@pytest.mark.parametrize(
    ("columns", "delimiter", "likely"),
    [
        ([], ",", False),
        ([], ";", True),
        ([["red", "1,234"]], "\t", True),
        ([["-1.179", "0.203"]], "\t", False),
        ([["12.5", None, "3 ", "1e-5"]], "|", False),
        ([["12.5", "3.25"], ["12,5", "0,5"]], ";", True),
        ([["12.5", "3.25"], ["1.234,50"]], ";", True),
        ([["31.12.2024", "01.01.2025"]], ";", True),
        ([["192.168.1.1", "10.0.0.12"]], ";", True),
        ([["1.234", "4.999"]], ";", True),
        ([["12,5", "3,75"]], ",", True),
        ([["12,5", "3,75"], ["0.5", "1.25"]], ",", False),
        ([["1,2,3", "12,5"]], ",", False),
        ([["1,234", "2,345"]], ",", False),
    ],
)
def test_other_numbers_of_a_file_tell_what_its_commas_are(columns, delimiter, likely):
    columns = [pa.chunked_array([pa.array(cells, pa.string())]) for cells in columns]
    assert FileStyle(columns, [delimiter]).likely_decimal_comma is likely


def test_typed_columns_say_nothing():
    assert FileStyle([pa.chunked_array([[1.5, 2.25]])], [";"]).likely_decimal_comma
