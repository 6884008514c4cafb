"""What the check of each data set found, as a document for programs and as text for people.

docs/tables/check.md describes the document; docs/schemas/check.schema.json is its JSON Schema.
"""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tabular.data.splits.partitions import FEWEST_ROWS
from tabular.spec.columns import Column
from tabular.spec.errors import amount
from tabular.spec.options import Options

from helpers.data import sources
from helpers.data.checks import DEFAULTS, Settings
from helpers.data.datasets import Dataset, find
from helpers.data.entries import names, parse
from helpers.data.sources import SourceError
from helpers.errors import BadInput

__all__ = ["as_text", "document", "of_dataset", "partitions_said"]

Entries = Sequence[str | Mapping[str, Any]]
VERSION = 1
MOST_LEVELS = 50
LONG = 5_000_000  # bytes; reading takes a moment, so a line says what is going on
MOST_COLUMNS = 100  # in the text; the document has all of them
# The counts in PreprocessData's report, and the reasons in the document.
LEFT_OUT = {
    "rows_without_target": "no target",
    "rows_without_time": "no time",
    "rows_repeated": "repeated",
    "rows_outliers": "outlier",
}


def document(
    entries: Entries, settings: Settings = DEFAULTS, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """What the check found out about each data set; nothing is uploaded or started.

    A data set that cannot be used does not keep the others from being checked.

    Args:
        entries: what DATASETS contains.
        settings: those of the run.
        say: gets a line of progress for each long table.

    Raises:
        BadInput: a name occurs twice.
    """
    found = {}
    for name, entry in zip(names(entries), entries, strict=True):
        if name in found:
            parse(entries)  # says which name occurs twice
        found[name] = _of_entry(entry, settings, say)
    return {"schema": VERSION, "data_sets": found}


def of_dataset(dataset: Dataset) -> dict[str, Any]:
    """What the check found out about one data set."""
    checked = dataset.checked
    report = checked.report
    if "rows_read" not in report:  # it cannot be read
        return _unknown(checked.refused)
    labels = report.get("labels", [])
    return {
        "refused": checked.refused,
        "task": report.get("task"),
        "classes": labels,
        "positive": report.get("positive"),
        "rows": _rows(report),
        "columns": {name: _column(column, dataset) for name, column in _columns(dataset).items()},
        "groups": report.get("groups"),
        "partitions": report.get("partitions"),
        "warnings": report["warnings"],
    }


def as_text(found: Mapping[str, Any], width: int = 110) -> str:
    """A document as a person reads it: for each data set what was decided and why, warnings, refusal.

    Args:
        found: what `document` returns.
        width: of a line, in characters.
    """
    return "\n".join(line for name, one in found["data_sets"].items() for line in _lines(name, one, width))


def _of_entry(
    entry: str | Mapping[str, Any], settings: Settings, say: Callable[[str], None]
) -> dict[str, Any]:
    try:
        (parsed,) = parse([entry])
        if sources.scheme(parsed.uri) == "s3":
            return _unknown(None, "is in S3, so it is not read before notebook 03 is connected.")
        dataset = find(entry, None, settings)
        size = sum(file.path.stat().st_size for file in dataset.files if file.path.exists())
        if size >= LONG:
            say(f"Checking {parsed.name}, {size / 1e6:,.0f} MB ...")
        return of_dataset(dataset)
    except BadInput as error:
        return _unknown(str(error))
    except SourceError as error:
        return _unknown(None, f"{error}; a run goes on without this data set.")


def _unknown(refused: str | None, warning: str = "") -> dict[str, Any]:
    """A data set of which the table was not read."""
    return {
        "refused": refused,
        "task": None,
        "classes": [],
        "positive": None,
        "rows": {"read": None, "used": None, "left_out": {}},
        "columns": {},
        "groups": None,
        "partitions": None,
        "warnings": [{"column": None, "said": warning}] if warning else [],
    }


def _rows(report: Mapping[str, Any]) -> dict[str, Any]:
    left_out = dict(report["rows_not_data"])
    left_out |= {reason: report[key] for key, reason in LEFT_OUT.items() if report.get(key)}
    read = report["rows_read"]
    if own := report.get("custom_clean"):
        read = own["before"]["rows"] + sum(report["rows_not_data"].values())
        if fewer := own["before"]["rows"] - own["after"]["rows"]:
            left_out["own clean function"] = fewer
    used = report["rows_train"] + report["rows_test"] if "rows_train" in report else None
    return {"read": read, "used": used, "left_out": left_out}


def _columns(dataset: Dataset) -> dict[str, Column]:
    """How every column is read, those included that your own clean function added."""
    features = [Column.from_dict(column) for column in dataset.checked.report.get("columns", [])]
    return dataset.columns | {column.name: column for column in features}


def _column(column: Column, dataset: Dataset) -> dict[str, Any]:
    number = column.number
    return {
        "kind": column.kind,
        "format": column.format or (number and number.to_dict()),
        "missing": list(column.missing or ()),
        "levels": _levels(dataset, column),
        "evidence": _evidence(column.name, dataset),
    }


def _levels(dataset: Dataset, column: Column) -> list[str] | None:
    """The most frequent levels of a category or a boolean; None for other columns."""
    decision = dataset.table.decisions.get(column.name)
    if column.kind not in ("categorical", "boolean") or decision is None:
        return None
    if decision.counts is None and not isinstance(decision.values.dtype, pd.StringDtype):
        return [str(level) for level in decision.values.value_counts().index[:MOST_LEVELS]]
    found, counts = decision.levels, decision.levels.counts
    places = np.arange(len(counts))
    if len(counts) > MOST_LEVELS:  # those that cannot be among the most frequent are not sorted
        fewest = _reached(counts, MOST_LEVELS)
        more, equal = np.flatnonzero(counts > fewest), np.flatnonzero(counts == fewest)
        places = np.sort(np.concatenate([more, equal[: MOST_LEVELS - len(more)]]))
    return found.at(places[np.argsort(-counts[places], kind="stable")]).to_pylist()


def _reached(counts: np.ndarray, many: int) -> int:
    """The greatest number that so many of the counts (n_texts,) reach: 1 where nearly all texts differ."""
    least, most = 1, int(counts.max())
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if np.count_nonzero(counts >= middle) >= many else (least, middle - 1)
    return least


def _evidence(name: str, dataset: Dataset) -> list[str]:
    """Why the column is read as it is, and what it is used for if it is not a feature."""
    report, options = dataset.checked.report, dataset.options
    found = list(report.get("evidence", {}).get(name, []))
    return found + _use(name, dataset.target, options, report)


def _use(name: str, target: str, options: Options, report: Mapping[str, Any]) -> list[str]:
    if name == target:
        return ["the target"]
    if why := report.get("columns_dropped", {}).get(name):
        return [f"not a feature: {why}"]
    if name in options.partition:
        return ["a partition for each value; a feature of the pooled model only"]
    return ["not a feature: named in drop"] if name in options.drop else []


def _lines(name: str, one: Mapping[str, Any], width: int) -> Iterator[str]:
    rows = one["rows"]
    task = f": {one['task']}" if one["task"] else ""
    yield f"\n{name}{task}"
    if one["classes"]:
        shown = ", ".join(map(str, one["classes"][:10]))
        more = f" and {len(one['classes']) - 10} more" if len(one["classes"]) > 10 else ""
        positive = f"; positive: {one['positive']}" if one["positive"] is not None else ""
        yield f"  classes   {shown}{more}{positive}"
    if rows["read"] is not None:
        used = "" if rows["used"] is None else f", {rows['used']:,} used"
        left_out = "".join(f", {count:,} left out: {why}" for why, count in rows["left_out"].items())
        yield f"  rows      {rows['read']:,} read{used}{left_out}"
    if one["groups"] is not None:
        yield f"  groups    {one['groups']:,}"
    if one["partitions"] is not None:
        yield from textwrap.wrap(
            partitions_said(one["partitions"]),
            width,
            initial_indent="  parts     ",
            subsequent_indent=" " * 12,
        )
    if one["columns"]:
        yield ""
        yield from _table(_decisions(one["columns"]), width)
    if one["warnings"]:
        yield "\n  warnings"
        yield from _table([(each["column"] or "(table)", each["said"]) for each in one["warnings"]], width)
    if one["refused"]:
        yield ""
        yield from textwrap.wrap(
            f"REFUSED: {one['refused']}", width, initial_indent="  ", subsequent_indent="    "
        )


def partitions_said(found: Mapping[str, Any]) -> str:
    """The partitions of a table, in a sentence or two."""
    rows = found["rows"]
    smallest = ", ".join(f"{' / '.join(each['key'])} ({each['rows']:,})" for each in found["smallest"])
    few = {
        "few_rows": f"fewer than {FEWEST_ROWS} training rows",
        "one_class": "training rows of one class only",
        "without_training_rows": "no training rows",
        "without_held_out_rows": "no held-out rows",
    }
    have = {name: "has" if found[name] == 1 else "have" for name in few}
    counts = [f"{found[name]:,} {have[name]} {said}" for name, said in few.items() if found[name]]
    more = f"; {', '.join(counts)}" if counts else ""
    by = f"{found['count']:,} by {' and '.join(found['columns'])}"
    if rows["min"] == rows["max"]:
        return f"{by}, of {amount(int(rows['min']), 'row')} each{more}."
    return (
        f"{by}, of {rows['min']:,.0f} to {rows['max']:,.0f} rows "
        f"(half of them {rows['first_quartile']:,.0f} to {rows['third_quartile']:,.0f}, median "
        f"{rows['median']:,.0f}){more}. The smallest: {smallest}."
    )


def _decisions(columns: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    yield ("column", "kind", "evidence")
    for name, column in list(columns.items())[:MOST_COLUMNS]:
        yield name, column["kind"], "; ".join(one.rstrip(".") for one in column["evidence"])
    if len(columns) > MOST_COLUMNS:
        yield f"and {len(columns) - MOST_COLUMNS} more, which --json lists", "", ""


def _table(rows: Iterable[tuple[str, ...]], width: int) -> Iterator[str]:
    """Rows of text in aligned columns; the last column is wrapped."""
    rows = [tuple(" ".join(cell.split()) for cell in row) for row in rows]
    widths = [min(40, max(len(row[place]) for row in rows)) for place in range(len(rows[0]) - 1)]
    for *first, last in rows:
        start = "    " + "".join(f"{cell:{size}}  " for cell, size in zip(first, widths, strict=True))
        indent = " " * (6 + sum(widths) + 2 * (len(widths) - 1))
        yield from textwrap.wrap(
            last, max(width, len(indent) + 30), initial_indent=start, subsequent_indent=indent
        ) or [start.rstrip()]
