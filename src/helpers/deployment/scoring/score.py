"""How a table gets its predictions: locally from a server of its own, on AWS by batch transform."""

import os
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError
from tabular.data.files.csv_files import Block
from tabular.data.tables import stream_rows
from tabular.spec import errors as tabular_errors
from tabular.spec.options import Options

from helpers.data import sources
from helpers.deployment.scoring import model as models
from helpers.deployment.scoring import predictions, server, transform
from helpers.deployment.scoring.model import Model
from helpers.deployment.scoring.rows import Request, requests
from helpers.errors import BadInput, one_line
from helpers.session import Session
from helpers.session.storage import File

__all__ = ["Scored", "score"]

AT_A_TIME = os.cpu_count() or 1  # requests; each waits for as much of the table as twice as many hold


@dataclass(frozen=True)
class Scored:
    """The result for a table: where the output is, by which version, how many rows, in how many seconds.

    `notes` say what was not obvious about how the table's files are written.
    """

    output: str
    dataset: str
    version: int
    rows: int
    seconds: float
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Table:
    """A table whose files all have the columns that a model needs: the positions, the rows, and notes."""

    places: Sequence[int]
    blocks: Iterator[Block]
    notes: Sequence[str]


def score(
    session: Session,
    table: str,
    model: str,
    version: int | None = None,
    output: str = "",
    ids: Sequence[str] = (),
    by_transform: bool | None = None,
    written: Mapping[str, Any] = MappingProxyType({}),
) -> Scored:
    """Send every row of a table to a model, and write the predictions.

    The rows keep their order and their cells. What training would not take for a row, such as a total below
    the table, is left out, and the notes say so. The memory does not grow with the table, unless there is
    such a line. The output appears when it is whole.

    Args:
        session: where the model is registered.
        table: a path, a glob, or a URI as in DATASETS; CSV, Parquet or JSON Lines.
        model: the data set of the model, or its group.
        version: the number of a registered version; None for the one in service.
        output: a path or an S3 URI that ends in .csv or .parquet; empty for one beside the table.
        ids: the columns that identify a row in the output; without any, its number from 1 does.
        by_transform: whether SageMaker does it; None: unless the session is local.
        written: how the table's files are written, where it is not detected: `encoding`, `delimiter` and
            `skip_rows`, as in an entry of DATASETS.

    Raises:
        BadInput: the model, the table or the output cannot be used, or the model refuses a row.
        JobFailed: the model's server or the transform job failed.
    """
    begin = time.monotonic()
    target = output or _beside(table)
    suffix = Path(urlsplit(target).path).suffix if sources.scheme(target) else Path(target).suffix
    if suffix not in predictions.SUFFIXES:
        raise BadInput(f"The output {target!r} must end in {' or '.join(predictions.SUFFIXES)}.")
    with tempfile.TemporaryDirectory(prefix="scoring-") as folder:
        base = Path(folder)
        local = base / f"output{suffix}" if sources.scheme(target) == "s3" else Path(target).expanduser()
        predictions.check_output(local)
        found = models.find(session, model, version, base / "model")
        read = _table(session, table, target, found, ids, written)
        if session.is_local if by_transform is None else not by_transform:
            parts = _through_server(requests(read.blocks, read.places, found, ids), found, base)
        else:
            parts = transform.run(session, found, read.blocks, read.places, ids, base)
        rows = predictions.write(local, parts)
        if sources.scheme(target) == "s3":
            _upload(session, local, target)
    return Scored(target, found.dataset, found.version, rows, time.monotonic() - begin, read.notes)


def _table(
    session: Session, uri: str, output: str, model: Model, ids: Sequence[str], written: Mapping[str, Any]
) -> Table:
    """A table with the columns of its first file, which all files must have.

    Raises:
        BadInput: it cannot be read, lacks a column, has no rows, or would be replaced by the output.
    """
    try:
        files = sources.fetch(uri, session)
    except sources.SourceError as error:
        raise BadInput(f"The table {uri!r}: {error}.") from None
    if any(_is_file(output, file) for file in files):
        which = "the table" if len(files) == 1 else f"one of the {len(files)} files of the table"
        raise BadInput(f"The output {output} would replace {which}; give another path with --output.")
    paths = [file.path for file in files]
    opened = [_opened(path, written, model.names) for path in paths]
    names = opened[0][0]
    predictions.check_ids(names, ids, model)
    places = model.places(names)
    if other := next((path for path, (given, *_) in zip(paths, opened, strict=True) if given != names), None):
        raise BadInput(
            f"The files {paths[0].name} and {other.name} do not have the same columns in the same order; "
            "score them one by one."
        )
    blocks = _one_after_another(found for _, found, _ in opened)
    first = next((block for block in blocks if len(block.rows)), None)
    if first is None:
        raise BadInput(f"The table {uri!r} has no rows; give one with a row below its header.")
    notes = [f"{path.name}: {note}" for path, (*_, said) in zip(paths, opened, strict=True) for note in said]
    return Table(places, chain([first], blocks), notes)


def _opened(
    path: Path, written: Mapping[str, Any], known: Sequence[str]
) -> tuple[list[str], Iterator[Block], Sequence[str]]:
    try:
        return stream_rows(path, Options(**written), known)
    except tabular_errors.BadInput as error:
        raise BadInput(str(error)) from None


def _one_after_another(files: Iterable[Iterator[Block]]) -> Iterator[Block]:
    """The rows of several files, whose numbers go on from file to file."""
    before = last = 0
    for blocks in files:
        try:
            for rows, numbers, read in blocks:
                last = before + read
                yield Block(rows, pc.add(numbers, before), last)
        except tabular_errors.BadInput as error:
            raise BadInput(str(error)) from None
        before = last


def _through_server(asked: Iterator[Request], model: Model, base: Path) -> Iterator[pa.Table]:
    """The output of each request, in their order, a few requests at a time."""
    probabilities = bool(model.classes)
    with server.serving(base) as running, ThreadPoolExecutor(AT_A_TIME) as pool:
        waiting: deque[Future[pa.Table]] = deque()

        def ask(request: Request) -> pa.Table:
            answer = running.ask(request, probabilities)
            return predictions.read(request, answer, model)

        try:
            for request in asked:
                waiting.append(pool.submit(ask, request))
                if len(waiting) > 2 * AT_A_TIME:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _beside(table: str) -> str:
    """The path of the output beside a table, or in this folder if the table is not a file.

    Raises:
        BadInput: the table is many files.
    """
    kind = sources.scheme(table)
    if sources.WILDCARDS.search(table) or table.endswith("/"):
        raise BadInput(f"{table!r} may be many files, so its output needs a name; give it with --output.")
    name = Path(urlsplit(table).path if kind else table).name or table
    suffix = ".parquet" if name.endswith((".parquet", ".pq")) else ".csv"
    scored = f"{name.partition('.')[0].rpartition(':')[2]}.scored{suffix}"
    if kind == "s3":
        return f"{table.rpartition('/')[0]}/{scored}"
    return scored if kind else str(Path(table).with_name(scored))


def _is_file(output: str, file: File) -> bool:
    if sources.scheme(output):
        return file.s3_uri == output
    return file.path.resolve() == Path(output).expanduser().resolve()


def _upload(session: Session, path: Path, uri: str) -> None:
    parts, s3 = urlsplit(uri), session.client("s3")
    try:
        s3.upload_file(str(path), parts.netloc, parts.path.lstrip("/"))
    except (BotoCoreError, ClientError, S3UploadFailedError) as error:
        raise BadInput(
            f"The output {uri} cannot be written ({one_line(error)}); give another place with --output."
        ) from None
