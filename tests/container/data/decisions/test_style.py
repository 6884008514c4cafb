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


@pytest.mark.parametrize(
    ("column", "has"),
    [
        (["70,8 m\u00b2", "85 m\u00b2", ""], True),
        (["1.234,50 \u20ac", "12,00 \u20ac"], True),
        (["3,5 Zi.", "k.A."], False),
        (["1,234 km", "2,345 km"], False),
        (["(10,20]", "(20,30]"], False),
        (["Gasse 1,5", "Weg"], True),
        (["01,02,2024", "12,5 h"], False),
    ],
)
def test_numbers_beside_units_have_decimal_commas_only_if_all_cells_are_such(column, has):
    assert FileStyle([pa.chunked_array([column])], [";"]).has_decimal_commas is has
    assert not FileStyle([pa.chunked_array([column])], [","]).has_decimal_commas


def test_typed_columns_say_nothing():
    assert FileStyle([pa.chunked_array([[1.5, 2.25]])], [";"]).likely_decimal_comma
