"""What a whole file says about its numbers: whether the comma in 1,234 is a decimal comma."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import is_text

__all__ = ["UNKNOWN", "FileStyle"]

SAMPLE_ROWS = 200
SAMPLE_COLUMNS = 500
# Numbers with a sign that can only be a decimal one, because it does not stand before three digits, or does
# behind a zero; and what a column of such numbers consists of.
COMMAS = r"^[-+]?(\d+(\.\d{3})*,(\d|\d\d|\d{4,})|0,\d+) *$"
POINTS = r"^[-+]?(\d*\.(\d|\d\d|\d{4,})|0?\.\d+) *$"
WITH_COMMAS = r"^[-+]?\d+(,\d+)? *$"
WITH_POINTS = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)? *$"
# The same commas in numbers beside a currency or a unit, and what a column of them consists of.
MEASURED_COMMAS = r"^[^0-9.,()\[\]]*(\d+(\.\d{3})*,(\d|\d\d|\d{4,})|0,\d+)[^0-9.,()\[\]]*\.?$"
WITH_MEASURED_COMMAS = r"^[^0-9.,()\[\]]*(\d+(\.\d{3})*(,\d+)?[^0-9.,]*\.?)?$"


@dataclass(frozen=True, eq=False)
class FileStyle:
    """What the columns of a file, and the characters between its cells, say about its numbers.

    It is found out when somebody asks, because most columns are written plainly.
    """

    columns: Sequence[pa.ChunkedArray] = ()
    delimiters: Collection[str] = ()

    @cached_property
    def likely_decimal_comma(self) -> bool:
        """Whether the comma in 1,234 is likely to be a decimal comma.

        It is if other numbers of the file have decimal commas and none has decimal points. If that tells
        nothing, it is if another character than a comma separates the cells.
        """
        if self._has_other_delimiters:
            return self.has_decimal_commas or not self._has_columns(WITH_POINTS, POINTS)
        return not self._has_columns(WITH_POINTS, POINTS) and self._has_columns(WITH_COMMAS, COMMAS)

    @cached_property
    def has_decimal_commas(self) -> bool:
        """Whether some column has numbers such as 12,5, in a file whose cells no comma separates.

        Beside currencies and units, as in 12,5 m², all of its cells must be such numbers or words.
        """
        return self._has_other_delimiters and (
            any(_some(cells, COMMAS) for cells in self._samples)
            or self._has_columns(WITH_MEASURED_COMMAS, MEASURED_COMMAS)
        )

    @property
    def _has_other_delimiters(self) -> bool:
        return any(delimiter != "," for delimiter in self.delimiters)

    @property
    def _samples(self) -> Sequence[pa.ChunkedArray]:
        return [cells.slice(0, SAMPLE_ROWS) for cells in self.columns[:SAMPLE_COLUMNS] if is_text(cells.type)]

    def _has_columns(self, all_cells: str, some: str) -> bool:
        """Whether some column is all numbers of a form, of which some have a certain decimal sign."""
        return any(
            _some(cells, some) and pc.all(pc.match_substring_regex(cells, all_cells)).as_py()
            for cells in self._samples
        )


def _some(cells: pa.ChunkedArray, pattern: str) -> bool:
    return pc.any(pc.match_substring_regex(cells, pattern)).as_py() is True


UNKNOWN = FileStyle()
