"""The records of a transform job: how a file is split, filtered, joined with the answers, and assembled.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from local_aws.core.errors import invalid, not_emulated
from local_aws.core.store import Document
from local_aws.services.jobs.run import JobFailed

__all__ = ["Records"]

_ALL = "$"
_INDEXES = re.compile(r"\$\[(-?\d+(?:,\s*-?\d+)*)\]")
_SLICE = re.compile(r"\$\[(-?\d*):(-?\d*)\]")
_NAMES = re.compile(r"\$\[('[^']+'(?:,\s*'[^']+')*)\]")
_NAME = re.compile(r"\$\.([\w-]+)")
# How a format's records are read, written and joined with their results.
_Kind = tuple[Callable[[bytes], Any], Callable[[Any], bytes], Callable[[Any, Any], Any]]


class Records:
    """What TransformInput, TransformOutput and DataProcessing of a request ask for.

    Raises:
        AwsError: It is contradictory, or needs what is not emulated.
    """

    def __init__(self, request: Document) -> None:
        source, target = request["TransformInput"], request["TransformOutput"]
        processing = request.get("DataProcessing", {})
        self._by_line = source.get("SplitType", "None") == "Line"
        self._lines_out = target.get("AssembleWith", "None") == "Line"
        self._input = processing.get("InputFilter", _ALL)
        self._output = processing.get("OutputFilter", _ALL)
        self._join = processing.get("JoinSource", "None") == "Input"
        if source.get("SplitType", "None") not in ("None", "Line"):
            raise not_emulated(f"SplitType {source['SplitType']}; it supports None and Line")
        if request.get("BatchStrategy") and not self._by_line:
            raise invalid("BatchStrategy needs a SplitType that splits the files into records.")
        for path in (self._input, self._output):
            _picker(path)
        self._kind: _Kind | None = None
        if self._join or {self._input, self._output} != {_ALL}:
            accept = target.get("Accept") or source.get("ContentType", "")
            kinds = {_kind(source.get("ContentType", "")), _kind(accept)}
            if len(kinds) > 1:
                raise invalid("DataProcessing needs the same format in ContentType and Accept.")
            if not (self._by_line and self._lines_out):
                raise not_emulated("DataProcessing without SplitType Line and AssembleWith Line")
            (self._kind,) = kinds

    def split(self, content: bytes) -> list[bytes]:
        """Return a file's records, without their newlines; without SplitType, the whole file is one."""
        if not self._by_line:
            return [content]
        return [line.removesuffix(b"\r") for line in content.split(b"\n") if line.strip()]

    def payload(self, batch: Sequence[bytes]) -> bytes:
        """Return the body of a request."""
        if self._kind is not None and self._input != _ALL:
            read, write, _ = self._kind
            pick = _picker(self._input)
            batch = [write(pick(read(record))) for record in batch]
        return b"\n".join(batch)

    def joined(self, batch: Sequence[bytes], answer: bytes) -> bytes:
        """Return a request's answer, joined with its records and filtered as asked."""
        if self._kind is None or (not self._join and self._output == _ALL):
            return answer
        lines = [line for line in answer.splitlines() if line.strip()]
        if len(lines) != len(batch):
            raise JobFailed(
                f"ClientError: the model answered {len(batch)} records with {len(lines)} lines, so they "
                "cannot be joined or filtered."
            )
        read, write, join = self._kind
        pick = _picker(self._output)
        results = []
        for record, line in zip(batch, lines, strict=True):
            result = read(line)
            results.append(write(pick(join(read(record), result) if self._join else result)))
        return b"\n".join(results)

    def assembled(self, answers: Sequence[bytes]) -> bytes:
        """Return the content of a file's output."""
        if self._lines_out:
            return b"".join(answer.removesuffix(b"\n") + b"\n" for answer in answers)
        return b"".join(answers)


def _join_csv(record: list[str], result: list[str]) -> list[str]:
    return [*record, *result]


def _join_json(record: Any, result: Any) -> Any:
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": result}
    return {"SageMakerInput": record, "SageMakerOutput": result}


def _kind(content_type: str) -> _Kind:
    name = content_type.partition(";")[0].strip().lower()
    kinds: dict[str, _Kind] = {
        "text/csv": (_read_csv, _write_csv, _join_csv),
        "application/jsonlines": (_read_json, _write_json, _join_json),
    }
    if name not in kinds:
        raise not_emulated(
            f"DataProcessing of {content_type or 'no ContentType'}; it supports {', '.join(kinds)}"
        )
    return kinds[name]


def _read_csv(line: bytes) -> list[str]:
    return next(csv.reader([line.decode()]))


def _write_csv(value: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return text.getvalue().encode()


def _read_json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise JobFailed(f"ClientError: {line[:80].decode(errors='replace')!r} is not JSON: {error}") from None


def _write_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _picker(path: str) -> Callable[[Any], Any]:
    """Return what a filter does with a record.

    Raises:
        AwsError: The filter is not one of the emulated forms.
    """
    if path == _ALL:
        return lambda record: record
    if match := _SLICE.fullmatch(path):
        start, end = (int(text) if text else None for text in match.groups())
        return _checked(path, list, lambda record: record[start:end])
    if match := _INDEXES.fullmatch(path):
        indexes = [int(text) for text in match[1].split(",")]
        return _checked(path, list, lambda record: [record[index] for index in indexes])
    if match := _NAMES.fullmatch(path):
        names = re.findall(r"'([^']+)'", match[1])
        return _checked(path, dict, lambda record: {name: record[name] for name in names})
    if match := _NAME.fullmatch(path):
        return _checked(path, dict, lambda record: record[match[1]])
    raise not_emulated(f"the filter {path!r}; it supports $, $[0], $[0,-1], $[1:], $.name and $['a','b']")


def _checked(path: str, expected: type, pick: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(record: Any) -> Any:
        if isinstance(record, expected):
            try:
                return pick(record)
            except (IndexError, KeyError):
                pass
        raise JobFailed(f"ClientError: the filter {path!r} finds nothing in the record {str(record)[:100]}")

    return checked
