"""Tables of EvaluateBestModel's results: metrics with their intervals, overall and for each subgroup."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from tabular.spec.documents.reports import Interval, Report, quality
from tabular.spec.metrics import direction

from helpers.runs.executions.execution import Execution
from helpers.runs.results import evaluation_uri
from helpers.session import Session
from helpers.session.storage import read

__all__ = ["intervals", "optimism", "save_page", "subgroups", "verdicts"]
__dir__ = __all__.copy

MOST_COLUMNS = 6  # data sets side by side
# The metric on held-out rows that is a scorer of cross-validation with the same or the other sign. Scores are
# better if greater, so those of losses are negative.
SAME = ("accuracy", "balanced_accuracy", "average_precision", "precision", "recall", "f1", "r2")
MEASURED = {name: (name, 1) for name in SAME} | {
    "roc_auc": ("auc", 1),
    "roc_auc_ovr": ("auc", 1),
    "f1_weighted": ("weighted_f1", 1),
    "neg_log_loss": ("log_loss", -1),
    "neg_brier_score": ("brier", -1),
    "neg_mean_absolute_error": ("mae", -1),
    "neg_mean_squared_error": ("mse", -1),
    "neg_root_mean_squared_error": ("rmse", -1),
}


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


def optimism(reports: Mapping[str, Report]) -> pd.DataFrame:
    """A row for each data set: its scores in cross-validation beside that on the held-out rows.

    All are scores, of which the greater is better, so a loss has a minus. `optimism` is the score of the
    winner minus the held-out one: above zero, cross-validation looked better than the held-out rows.
    """
    rows = {}
    for name, report in reports.items():
        scored, found = report["model"]["cross_validation"], quality(report)
        metric, sign = MEASURED.get(scored["scorer"], ("", 1))
        held_out = sign * found[metric]["value"] if metric in found else None
        rows[name] = {
            "scorer (greater is better)": scored["scorer"],
            "baseline": scored.get("dummy_score"),
            "cross-validated": scored["score"],
            "nested": scored.get("nested_score"),
            "held out": held_out,
            "optimism": None if held_out is None else scored["score"] - held_out,
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("data set")
    return table.loc[:, table.notna().any()].round(4)


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
    table = pd.DataFrame(rows, columns=columns).set_index(["data set", "column", "level"])
    table.attrs["instead"] = (
        "No entry of these tables names `subgroups`, so nothing is broken down; name columns, such as "
        "region, in the entry in DATASETS."
    )
    return table


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


def verdicts(reports: Mapping[str, Report]) -> pd.DataFrame:
    """What the gate says about each model, in its own words."""
    said = {name: {"the gate says": report["gate"]["comparison"]} for name, report in reports.items()}
    table = pd.DataFrame.from_dict(said, orient="index", columns=["the gate says"]).rename_axis("data set")
    table.attrs["instead"] = "No model was evaluated, so the gate has judged none."
    return table
