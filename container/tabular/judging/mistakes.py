"""The rows about which a model is most confidently wrong, or furthest off, as written in the table.

They are rows of somebody's own table, so they are in a file of their own in the same bucket, and not in the
report, the page, the model card or the registry. They are few, and long cells are cut.
"""

import math
from typing import Any

import numpy as np
import pyarrow as pa

from tabular.data.splits.held_out import plain_cells
from tabular.judging.agreement import Answers
from tabular.spec.columns import Schema
from tabular.spec.documents.reports import Mistake, MistakesDocument

__all__ = ["MOST", "mistakes"]

MOST = 20  # rows
LONGEST = 200  # characters of a cell


def mistakes(schema: Schema, truth: np.ndarray, answers: Answers, cells: pa.Table) -> MistakesDocument:
    """The worst mistakes, the worst first.

    Args:
        schema: of the columns.
        truth: the encoded target (n_rows,).
        answers: the model's predictions, and for classes their probabilities (n_rows, n_classes).
        cells: the rows as written in the table.
    """
    predicted, probabilities = answers
    if probabilities is None:
        how_bad = np.abs(predicted - truth)
        wrong = how_bad > 0
    else:
        truth, predicted = truth.astype(np.intp), predicted.astype(np.intp)
        how_bad = probabilities[np.arange(len(truth)), predicted]
        wrong = predicted != truth
    order = np.argsort(-how_bad, kind="stable")
    rows = order[wrong[order]][:MOST]
    names = [column.name for column in schema.columns]
    taken = cells.select(names).take(pa.array(rows))
    columns = {name: [_plain(cell) for cell in plain_cells(taken[name])] for name in names}
    found: list[Mistake] = [
        {
            "row": int(row),
            "label": schema.classes[truth[row]] if schema.classes else float(truth[row]),
            "predicted": schema.classes[predicted[row]] if schema.classes else float(predicted[row]),
            **({} if probabilities is None else {"probability": float(how_bad[row])}),
            "cells": {name: columns[name][place] for name in names},
        }
        for place, row in enumerate(rows)
    ]
    return {"format": "tabular-mistakes", "format_version": 1, "wrong": int(wrong.sum()), "rows": found}


def _plain(cell: Any) -> str | int | float | None:
    """A cell as JSON can say it."""
    if cell is None or isinstance(cell, int) or (isinstance(cell, float) and math.isfinite(cell)):
        return cell
    cell = "" if isinstance(cell, float) else str(cell)
    return f"{cell[: LONGEST - 1]}…" if len(cell) > LONGEST else cell
