"""The output of scoring: what identifies each row, its prediction and the probability of each class."""

import csv
import functools
import io
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from helpers.deployment.scoring.model import Model
from helpers.deployment.scoring.rows import Request
from helpers.errors import BadInput, JobFailed, one_line
from helpers.session.storage import write_whole

__all__ = ["SUFFIXES", "check_ids", "check_output", "columns", "parsed", "read", "write"]

PREDICTION, PROBABILITY = "prediction", "probability_"
SUFFIXES = (".csv", ".parquet")
SLACK = 0.001  # by which probabilities may miss 1
OLDER = "the image of the model may be older than this code: train it again."
BODY = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")


def columns(model: Model) -> pa.Schema:
    """The columns that a model's answers become."""
    kinds = {type(label) for label in model.classes}
    label = pa.string()
    if not kinds or kinds == {float}:
        label = pa.float64()
    elif kinds == {int}:
        label = pa.int64()
    shares = [pa.field(f"{PROBABILITY}{one}", pa.float64()) for one in model.classes]
    return pa.schema([pa.field(PREDICTION, label), *shares])


def parsed(answer: bytes, schema: pa.Schema) -> pa.Table:
    """The lines of an answer in CSV.

    Raises:
        JobFailed: they have other columns.
    """
    try:
        found = pyarrow.csv.read_csv(
            io.BytesIO(answer),
            pyarrow.csv.ReadOptions(column_names=schema.names, block_size=1 << 24),
            pyarrow.csv.ParseOptions(newlines_in_values=True),
            # A label may be called NA.
            pyarrow.csv.ConvertOptions(
                column_types=dict(zip(schema.names, schema.types, strict=True)), null_values=[]
            ),
        )
    except pa.ArrowInvalid as error:
        line = answer.partition(b"\n")[0][:80].decode(errors="replace")
        raise JobFailed(
            f"The model's answer {line!r} has other columns than {', '.join(schema.names)} "
            f"({one_line(error)}); {OLDER}"
        ) from None
    shares = [found[name] for name in schema.names if name.startswith(PROBABILITY)]
    if shares and len(found):
        spread = pc.min_max(functools.reduce(pc.add, shares)).as_py()
        if not (spread["min"] > 1 - SLACK and spread["max"] < 1 + SLACK):
            raise JobFailed(
                f"The probabilities of a row add up to {spread['min']:.4g} or {spread['max']:.4g}; {OLDER}"
            )
    return found


def read(request: Request, answer: bytes, model: Model) -> pa.Table:
    """The output rows of a request.

    Raises:
        JobFailed: the model did not answer every row.
    """
    found, ids = parsed(answer, columns(model)), request.ids
    if len(found) != len(ids):
        raise JobFailed(
            f"The model answered {len(found)} of the {len(ids)} rows from row {request.numbers[0]} on, so "
            "they cannot be told apart; nothing was written."
        )
    names = [*ids.schema.names, *found.column_names]
    return pa.table([*ids.columns, *found.columns], names=names)


def check_output(path: Path) -> None:
    """Check that an output can be written, before anything is computed.

    Raises:
        BadInput: it cannot be.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder")
    except OSError as error:
        raise BadInput(
            f"The output {path} cannot be written ({one_line(error)}); give another path with --output."
        ) from None


def write(path: Path, parts: Iterable[pa.Table]) -> int:
    """Write the output as a whole or not at all; return how many rows it has."""
    rows, writer = 0, None
    with write_whole(path) as part, part.open("wb") as file:
        for table in parts:
            if writer is None:
                writer = _writer(file, path.suffix, table.schema)
            writer.write_table(table.cast(writer.schema) if table.schema != writer.schema else table)
            rows += len(table)
        if writer is not None:
            writer.close()
    return rows


def _writer(file: io.BufferedWriter, suffix: str, schema: pa.Schema) -> "pq.ParquetWriter | _CsvWriter":
    return pq.ParquetWriter(file, schema) if suffix == ".parquet" else _CsvWriter(file, schema)


class _CsvWriter:
    """CSV with a header; pyarrow would put every name into quotes."""

    def __init__(self, file: io.BufferedWriter, schema: pa.Schema) -> None:
        self.schema, self._file = schema, file
        header = io.StringIO(newline="")
        csv.writer(header, lineterminator="\n").writerow(schema.names)
        file.write(header.getvalue().encode())

    def write_table(self, table: pa.Table) -> None:
        """Write some rows."""
        pyarrow.csv.write_csv(table, self._file, BODY)

    def close(self) -> None:
        """Nothing is left to write."""


def check_ids(names: Sequence[str], ids: Sequence[str], model: Model) -> None:
    """Refuse columns that cannot identify rows.

    Raises:
        BadInput: the table does not have one, or it is called as a column of the output.
    """
    for name in ids:
        if name not in names:
            raise BadInput(
                f"The table has no column {name!r} to identify its rows by; --id takes one of "
                f"{', '.join(map(repr, names[:10]))}, or leave it out for the rows' numbers."
            )
        if name in columns(model).names:
            raise BadInput(
                f"The column {name!r} cannot identify rows, because the output has a column of that name; "
                "leave --id out for the rows' numbers."
            )
