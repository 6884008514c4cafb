"""How EvaluateBestModel asks a server for the held-out rows: in every way in which clients do."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tabular.data.splits.held_out import as_json, as_texts
from tabular.judging.agreement import Answers, positions
from tabular.judging.served_model import ServerProcess, rows_together
from tabular.portable.table_model import Table
from tabular.serving.rows.names import is_header
from tabular.serving.rows.readers import reader
from tabular.spec.columns import Schema

__all__ = ["in_every_way", "predict", "read_alike"]


def in_every_way(
    server: ServerProcess, name: str, cells: pa.Table, schema: Schema, model: Table
) -> Iterator[Answers]:
    """What a model answers for all rows: as JSON together, as JSON one by one, and as CSV.

    CSV is sent with a header and without, as plain rows without one are read in C; but not if the first row
    of a request could itself be the header.

    Args:
        server: the server.
        name: the model's name there.
        cells: the rows as they stood in the file.
        schema: their columns.
        model: how the server reads them.
    """
    rows = as_json(cells, schema)
    yield predict(server, name, rows, schema)
    yield predict(server, name, rows, schema, together=1)
    header, texts = [column.name for column in schema.columns], as_texts(cells, schema)
    yield predict(server, name, texts, schema, header=header)
    firsts = texts[:: rows_together(texts)]
    if not any(is_header(["" if cell is None else str(cell) for cell in row], model) for row in firsts):
        yield predict(server, name, texts, schema, header=())


def predict(server: ServerProcess, name: str, rows: list[list[Any]], schema: Schema, **how: Any) -> Answers:
    """Positions (n_rows,) and probabilities (n_rows, n_classes); for regression, numbers and None.

    `how` are the options of `ServerProcess.predict`.
    """
    answer = server.predict(name, rows, **how)
    probabilities = np.array(answer["probabilities"]) if schema.classes else None
    return positions(answer["predictions"], schema), probabilities


def read_alike(frame: pd.DataFrame, model: Table) -> np.ndarray:
    """Which rows (n_rows,) have no new level that the server takes for another.

    It takes a text that training has not seen for the level that programs write so: 'red' for red.
    """
    alike = np.ones(len(frame), dtype=bool)
    for position in model.categorical:
        read, levels = reader(position, model), frame[model.names[position]]
        known = {*model.levels_of(position), *(model.columns[position].get("missing") or ())}
        new = set(levels.unique()) - known
        alike &= ~levels.isin([level for level in new if read(level) != level]).to_numpy()
    return alike
