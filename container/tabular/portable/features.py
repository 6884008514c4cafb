"""How the cells of a row become the numbers and the columns for levels that an estimator needs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tabular.data.values import dates
from tabular.portable.table_model import Table

__all__ = ["Features", "Inputs"]

# Numbers (n_rows, n_numbers) float64, and one category after another the column that each row sets to one.
Inputs = tuple[np.ndarray, list[int | None]]


class Features:
    """The layout of the features: numbers, the parts of dates, the values of levels, and columns for levels.

    Args:
        table: the table that requests have rows of.
        encodings: for each categorical column, what its levels become;
            see `tabular.spec.documents.models.Encoding`.
        values: the rows (n_values, n_outputs) float64 for levels that are encoded by the target.

    Raises:
        LookupError, TypeError, ValueError: if the encodings do not fit the table or the values.
    """

    def __init__(
        self, table: Table, encodings: Sequence[dict[str, Any]], values: np.ndarray | None = None
    ) -> None:
        if len(encodings) != len(table.categorical):
            raise ValueError("Not every category has an encoding.")
        self._values = None if values is None else values.copy()  # it may be a view of a file
        self._valued = [
            (category, *_rows(encoding, values))
            for category, encoding in enumerate(encodings)
            if encoding.get("kind") == "target"
        ]
        self._plain, self._timed = len(table.numeric) - len(table.dates), table.timed
        # A date becomes three numbers, and five if it has a time.
        self.numbers = len(table.numeric) + 2 * len(table.dates) + 2 * sum(table.timed)
        if values is not None:
            self.numbers += len(self._valued) * values.shape[1]
        self.width = self.numbers
        self._places: list[tuple[int, dict[str, int], int | None]] = []
        for category, encoding in enumerate(encodings):
            if encoding.get("kind") != "target":
                self._places.append((category, *_places(encoding, self.width)))
                self.width += encoding["width"]

    def inputs(self, numbers: np.ndarray, categories: Sequence[Sequence[str]]) -> Inputs:
        """What an estimator's constants are applied to, given rows as `TableModel.predict` gets them."""
        parts = [numbers]
        if self._timed:
            parts = [numbers[:, : self._plain], dates.date_parts(numbers[:, self._plain :], self._timed)]
        for category, rows, unknown in self._valued:
            parts.append(self._values[[rows.get(level, unknown) for level in categories[category]]])
        hot = [
            places.get(level, unknown)
            for category, places, unknown in self._places
            for level in categories[category]
        ]
        return np.ascontiguousarray(np.hstack(parts) if len(parts) > 1 else numbers), hot


def _places(encoding: dict[str, Any], start: int) -> tuple[dict[str, int], int | None]:
    """The column that each level of a category sets to one, and the column that an unknown level sets.

    Every column must have a level. Otherwise a short file could request any amount of memory.
    """
    levels, unknown = encoding["levels"], encoding["unknown"]
    places = {*levels.values(), unknown} - {None}
    width = len(places)
    if encoding["width"] != width or not all(isinstance(i, int) and 0 <= i < width for i in places):
        raise ValueError("The levels of a category do not fill its columns.")
    absolute = {level: start + place for level, place in levels.items()}
    return absolute, None if unknown is None else start + unknown


def _rows(encoding: dict[str, Any], values: np.ndarray | None) -> tuple[dict[str, int], int]:
    """The row of each level of a category, and of an unknown level, in the array of values."""
    if values is None or values.ndim != 2 or values.dtype != np.float64:
        raise ValueError("The levels of a category have no values.")
    levels, unknown = encoding["levels"], encoding["unknown"]
    if not all(isinstance(i, int) and 0 <= i < len(values) for i in (*levels.values(), unknown)):
        raise ValueError("A level of a category has no value.")
    return levels, unknown
