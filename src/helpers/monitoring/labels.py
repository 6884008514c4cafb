"""Late ground truth: labels of rows that were predicted, which a check compares with the predictions."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from contract.names import load
from helpers.deployment.deployments import in_service
from helpers.errors import BadInput
from helpers.session import Session

__all__ = ["upload"]

COLUMNS = ("request_id", "row", "label")
SUFFIXES = (".csv", ".jsonl")


def upload(session: Session, given: Sequence[tuple[str, Path]]) -> list[int]:
    """Check files of labels, put them where the checks look, and return how many labels each has.

    Each file is given with its data set. Nothing is uploaded unless all can be used. Each line has
    `request_id` (the response header x-request-id), `row` (0-based within the request, 0 if it is absent) and
    `label`. A file is CSV with a header, or JSON lines. The same file is kept once.

    Raises:
        BadInput: a data set is not in service, or a line is not such a label; the message names it.
    """
    serving = in_service(session)
    files = [_read(session, serving, dataset, path) for dataset, path in given]
    for key, body, _ in files:
        session.client("s3").put_object(Bucket=session.bucket, Key=key, Body=body)
    return [count for _, _, count in files]


def _read(session: Session, serving: Mapping[str, Any], dataset: str, path: Path) -> tuple[str, bytes, int]:
    """The key of a file of labels, its contents and the number of its labels."""
    if dataset not in serving:
        raise BadInput(
            f"{dataset} is not in service, so it has no predictions to label; in service: "
            f"{', '.join(sorted(serving)) or 'nothing'}."
        )
    if path.suffix not in SUFFIXES:
        raise BadInput(f"{path} is neither .csv nor .jsonl; give labels as one of them.")
    try:
        body = path.read_bytes()
        text = body.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}); give another file.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8; save it as UTF-8.") from None
    known, count = _known(session, serving[dataset]["key"]), 0
    for number, line in _lines(path, text):
        _check(path, number, line, known)
        count += 1
    if not count:
        raise BadInput(f"{path} has no labels; each line needs request_id, row and label.")
    digest = hashlib.sha256(body).hexdigest()[:12]
    key = f"{load().labels_prefix}{session.group(dataset)}/{datetime.now(UTC):%Y%m%d}-{digest}{path.suffix}"
    return key, body, count


def _lines(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The lines of a file with their numbers, as mappings."""
    if path.suffix == ".csv":
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if missing := {"request_id", "label"} - set(reader.fieldnames or ()):
            raise BadInput(f"{path} has no column {sorted(missing)[0]!r}; it needs {', '.join(COLUMNS)}.")
        yield from enumerate(reader, start=2)
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise BadInput(f"{path}, line {number}, is not a JSON object; it needs {', '.join(COLUMNS)}.")
        yield number, found


def _check(path: Path, number: int, line: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    request_id, row, label = (line.get(name) for name in COLUMNS)
    where = f"{path}, line {number}"
    if not (isinstance(request_id, str) and request_id):
        raise BadInput(f"{where}, has no request_id; give the response header x-request-id of the request.")
    if row not in (None, "") and not str(row).isdecimal():
        raise BadInput(f"{where}, has the row {row!r}; give its number within the request, from 0.")
    if label in (None, ""):
        raise BadInput(f"{where}, has no label; leave the line out until it is known.")
    classes = known.get("classes")
    if classes and not _is_one_of(label, classes):
        raise BadInput(
            f"{where}, has the label {str(label)[:80]!r}, which is not a class of the model; its classes are "
            f"{', '.join(map(str, classes[:20]))}."
        )
    if classes == [] and _number(label) is None:
        raise BadInput(f"{where}, has the label {str(label)[:80]!r}; the model predicts numbers.")


def _is_one_of(label: object, classes: list[Any]) -> bool:
    if str(label).strip() in map(str, classes):
        return True
    number = _number(label)
    return number is not None and any(type(one) is not str and one == number for one in classes)


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _known(session: Session, artifact_key: str) -> Mapping[str, Any]:
    """What is known of a model's classes, from the baseline beside it; nothing of an older model."""
    key = artifact_key.removesuffix(".tar.gz") + ".baseline.json.gz"
    try:
        answer = session.client("s3").get_object(Bucket=session.bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return {}
    return json.loads(gzip.decompress(answer["Body"].read()))
