"""The base of all models, however they are stored: the table that requests have rows of, and a prediction."""

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tabular.data.values import cells, dates
from tabular.data.values.names import Names

if TYPE_CHECKING:
    from tabular.spec.columns import NumberFormat

__all__ = ["Prediction", "Table", "TableModel", "UnusableModel"]


class UnusableModel(ValueError):
    """The folder does not contain a model that can be served; the message says why."""


class Prediction(NamedTuple):
    """Predictions for some rows: labels in their own type (or numbers), and probabilities by class.

    `is_finite` says that all numbers are known to be finite. `served_by` counts the rows by the kind of model
    that predicted them, if there are several kinds.
    """

    labels: list[str | int | float]
    probabilities: np.ndarray | None
    is_finite: bool = False
    served_by: Mapping[str, int] | None = None


class Table(Names):
    """How the rows of requests are read: the columns, by position, and the classes to predict.

    Raises:
        LookupError, TypeError, ValueError: if the manifest does not describe a table.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self.classes: list[str | int | float] = manifest["classes"]
        # Texts are shared between models: those of the same table, or of its parts, have the same columns.
        self.columns: list[dict[str, str]] = manifest["columns"]
        for column in self.columns:
            column["name"], column["kind"] = sys.intern(column["name"]), sys.intern(column["kind"])
        # Clients send whole rows, with the target as well.
        others = [*manifest.get("others", []), *filter(None, [manifest.get("target")])]
        super().__init__([column["name"] for column in self.columns], others)
        # Of other columns that had the same cells as one of the model's, by their folded names. A model of a
        # part of the table does not have all of the table's columns.
        self.copies = {
            self.fold(name): self._by_name[original]
            for name, original in manifest.get("copies", {}).items()
            if original in self.name_set
        }
        kinds: dict[str, list[int]] = {"numeric": [], "boolean": [], "categorical": [], "date": []}
        for i, column in enumerate(self.columns):
            if column["kind"] not in kinds:
                raise ValueError("A column has an unknown kind.")
            kinds[column["kind"]].append(i)
        # Numbers with a decimal comma, a currency and the like would be misread as plain numbers, and so
        # would numbers that mean a missing value, such as -999.
        self.styled = [
            i
            for i in kinds["numeric"]
            if (column := self.columns[i]).get("number")
            or ((gaps := column.get("missing")) and cells.numbers_among(gaps))
        ]
        self.booleans, self.dates, self.categorical = kinds["boolean"], kinds["date"], kinds["categorical"]
        for i in self.dates:
            _check_format(self.columns[i]["format"])
        self.worded = self.booleans + self.dates  # words in a request, which become numbers
        self.numeric = kinds["numeric"] + self.worded
        self.timed = [bool(self.columns[i].get("time")) for i in self.dates]
        self.texts: Collection[str] = manifest.get("options", {}).get("text", ())
        encodings = manifest.get("encodings") or [{}] * len(self.categorical)
        self._levels = {
            position: frozenset(encoding.get("levels") or ()).difference(
                self.columns[position].get("missing") or ()
            )
            for position, encoding in zip(self.categorical, encodings, strict=False)
        }
        self.readers: dict[int, Callable[[Any], Any]] = {}  # of cells by position, made on first use
        self.words = sorted(self.styled + self.worded + self.categorical)
        self.n_numbers = len(self.columns) - len(self.words)
        is_number = bytearray(b"\1" * len(self.columns))
        for i in self.words:
            is_number[i] = 0
        self.is_number = bytes(is_number)

    def number_format(self, position: int) -> "NumberFormat":
        """How the numbers of a column are written."""
        from tabular.spec.columns import PLAIN, Column  # which takes longer than all of this module

        return Column.from_dict(self.columns[position]).number or PLAIN

    def levels_of(self, position: int) -> frozenset[str]:
        """The levels that a category had in training; empty if they are not known."""
        return self._levels.get(position, frozenset())

    @cached_property
    def header_is_plain(self) -> bool:
        """Whether a line of these column names could be read as a row, because enough of them are numbers."""
        return sum(map(_is_number, self.names)) >= sum(self.is_number)


class TableModel(Table, ABC):
    """A model that can predict rows of its table.

    Raises:
        LookupError, TypeError, ValueError: if the manifest does not describe a model of a table.
    """

    tolerance: float  # by how much a prediction may differ from scikit-learn's

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self.kind: str = manifest["estimator"]["kind"]
        super().__init__(manifest)

    @abstractmethod
    def predict(self, numbers: np.ndarray, categories: Sequence[Sequence[str]]) -> Prediction:
        """Labels and probabilities of rows.

        Args:
            numbers: (n_rows, n_numeric) float64: numeric columns, then booleans, then dates as days since
                1970; NaN for an empty cell.
            categories: for each categorical column, the n_rows levels as text.
        """


def _is_number(name: str) -> bool:
    try:
        cells.number(name)
    except ValueError:
        return False
    return True


def _check_format(form: object) -> None:
    """Check that dates in this format can be read, such as those that it writes."""
    try:
        if form != dates.ISO and not re.search("%[yYHI]", str(form)):
            raise ValueError
        (text,) = dates.as_text(np.array([19753.4375]), str(form))
        dates.day_number(text, str(form))
    except (ValueError, re.error):
        raise ValueError("A date has an unknown format.") from None
