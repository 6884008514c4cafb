"""Tables of EvaluateBestModel's results: metrics with their intervals, overall and for each subgroup."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from tabular.spec.documents import Interval, Report, quality
from tabular.spec.metrics import direction

from helpers.runs.executions.execution import Execution
from helpers.runs.results import evaluation_uri
from helpers.session import Session
from helpers.storage import read

__all__ = ["intervals", "save_page", "subgroups"]
__dir__ = __all__.copy

MOST_COLUMNS = 6  # data sets side by side


def intervals(reports: Mapping[str, Report]) -> pd.DataFrame:
    """A row for each metric, a column for each data set: the value and its interval, and what is better.

    With more data sets than fit side by side, each has a row, the worst by the gate first. If a data set has
    two classes, the first row names the positive one.
    """
    binary = any("positive" in report for report in reports.values())
    table = pd.DataFrame(
        {
            name: ({"positive class": str(report.get("positive", ""))} if binary else {})
            | {
                metric: _with_interval(found["value"], report["intervals"].get(metric))
                for metric, found in quality(report).items()
                if isinstance(found, Mapping) and "value" in found
            }
            for name, report in reports.items()
        }
    ).fillna("")
    if len(reports) > MOST_COLUMNS:
        order = sorted(reports, key=lambda name: reports[name]["gate"]["threshold_margin"])
        table = table[order].rename(lambda metric: f"{metric} {direction(metric)}".strip())
        return table.T.rename_axis("data set")
    return table.assign(**{"": [direction(metric) for metric in table.index]})


def subgroups(reports: Mapping[str, Report]) -> pd.DataFrame:
    """A row for each subgroup in each column that a data set names: its rows and the gate's metric."""
    rows = [
        {
            "data set": name,
            "column": column,
            "level": level,
            "rows": found["rows"],
            "metric": f"{report['gate']['metric']} ({direction(report['gate']['metric'])})",
            "value": _with_interval(
                found["metrics"].get(report["gate"]["metric"]),
                found["intervals"].get(report["gate"]["metric"]),
            ),
        }
        for name, report in reports.items()
        for column, levels in report["subgroups"].items()
        for level, found in levels.items()
    ]
    columns = ["data set", "column", "level", "rows", "metric", "value"]
    return pd.DataFrame(rows, columns=columns).set_index(["data set", "column", "level"])


def save_page(session: Session, execution: Execution, path: str) -> Path:
    """Write the evaluation of an execution as one self-contained HTML page."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(read(session, f"{evaluation_uri(session, execution)}/report.html"))
    return file


def _with_interval(value: float | None, found: Interval | None) -> str:
    if value is None:
        return "not defined"
    return f"{value:.4g} ({found['low']:.4g} to {found['high']:.4g})" if found else f"{value:.4g}"
