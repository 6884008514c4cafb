"""What serves each partition of a table, and how well, as EvaluateBestModel has found it.

Its report says it in numbers (`fleet` in evaluation.json), and fleet.json beside it partition by partition.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tabular.spec.documents.reports import FLEET_FILE
from tabular.spec.metrics import direction

from helpers.runs.executions.execution import Execution
from helpers.runs.results import evaluation_uri
from helpers.session import Session
from helpers.session.storage import read_json

__all__ = ["COLUMNS", "Fleet", "compared", "evaluated", "extremes", "of_report", "read", "table", "words"]
__dir__ = __all__.copy

COLUMNS = ["served_by", "origin", "reason", "algorithm", "rows", "held_out", "metric"]
COLUMNS += ["loss", "pooled_loss", "champion_loss"]
NUMBERS = ["metric", "loss", "pooled_loss", "champion_loss"]  # null where they are not defined
MOST = 5  # partitions that a table names
LONGEST = 40  # characters of a key
HIGHER = "higher is better"
OWN = "about its own model"
NO_FLEET = (
    "None of these tables names `partition` columns, so each is served by one model; see "
    "parameters/examples/fleet.yaml for a table of many stores."
)
NO_PARTITIONS = "None of these tables has partitions, so there are no worst and smallest ones."
NOT_COMPARED = "None of these versions is a fleet, so there are no partitions to compare."


@dataclass(frozen=True)
class Fleet:
    """The partitions of a table.

    Attributes:
        metric: the metric that the gate uses.
        loss: what the losses are: the log loss, or the squared error; both are means over held-out rows.
        value: the metric on all held-out rows.
        partitions: a row for each, by its key in words: COLUMNS, with NaN for what is not known.
    """

    metric: str
    loss: str
    value: float
    partitions: pd.DataFrame

    @property
    def has_own(self) -> pd.Series:
        """Whether each partition is served by a model of its own."""
        return self.partitions["served_by"] == "own"

    @property
    def worst_first(self) -> pd.DataFrame:
        """The partitions on whose held-out rows the metric is defined."""
        defined = self.partitions.dropna(subset="metric")
        return defined.sort_values("metric", ascending=direction(self.metric) == HIGHER, kind="stable")


def evaluated(
    session: Session, executions: Iterable[Execution], reports: Mapping[str, Mapping[str, Any]]
) -> dict[str, Fleet]:
    """The fleets among the models that executions have evaluated, by data set.

    Args:
        session: where they ran.
        executions: those whose model was evaluated.
        reports: EvaluateBestModel's reports on them.
    """
    return {
        it.dataset: read(session, evaluation_uri(session, it), reports[it.dataset])
        for it in executions
        if "fleet" in reports[it.dataset]
    }


def read(session: Session, folder: str, report: Mapping[str, Any]) -> Fleet:
    """A fleet, from EvaluateBestModel's report on it and the S3 folder of this report."""
    return of_report(report, read_json(session, f"{folder}/{FLEET_FILE}"))


def of_report(report: Mapping[str, Any], found: Mapping[str, Any]) -> Fleet:
    """A fleet, from EvaluateBestModel's report and the contents of fleet.json."""
    columns = found["partitions"]
    index = pd.Index([words(key) for key in columns["key"]], name="partition")
    partitions = pd.DataFrame({name: columns[name] for name in COLUMNS}, index=index)
    return Fleet(
        metric=report["gate"]["metric"],
        loss="squared error" if report["model"]["task"] == "regression" else "log loss",
        value=report["gate"]["value"],
        partitions=partitions.astype(dict.fromkeys(NUMBERS, np.float64)),
    )


def table(fleets: Mapping[str, Fleet]) -> pd.DataFrame:
    """A row for each fleet: its partitions, what serves them, and the losses where own models serve."""
    return _of_each(fleets, _row, NO_FLEET)


def extremes(fleets: Mapping[str, Fleet], most: int = MOST) -> pd.DataFrame:
    """The partitions of each fleet with the worst metric, and those with the fewest rows."""
    parts = {}
    for dataset, fleet in fleets.items():
        parts[dataset, "worst"] = fleet.worst_first.head(most)
        parts[dataset, "smallest"] = fleet.partitions.sort_values("rows", kind="stable").head(most)
    if not parts:
        return _nothing(NO_PARTITIONS)
    metric = _metric(fleets.values())
    shown = {
        "rows": "training rows",
        "held_out": "held-out rows",
        "served_by": "served by",
        "metric": metric,
        "reason": OWN,
    }
    whole = pd.concat(parts, names=["data set", "", "partition"])
    earlier = whole["origin"] != "new"  # a model that served before: kept, or taken over
    whole.loc[earlier, "served_by"] += ", " + whole.loc[earlier, "origin"]
    whole = whole[list(shown)].rename(columns=shown)
    whole[OWN] = whole[OWN].str.partition(";")[0]  # the rest is about the version in service
    return whole.round(4).astype({metric: object}).where(whole.notna(), "not defined")


def compared(fleets: Mapping[str, Fleet]) -> pd.DataFrame:
    """How many partitions of each fleet gain and lose against the version in service, and how many stay.

    Partitions stay as they are if the new model may be worse, and if their rows have not changed. The others
    are compared where a new model and the one in service have predicted the same held-out rows. Their losses
    differ by chance, too: where a new own model may be worse than the one in service by more than that, or a
    new pooled model is, the partition keeps its model.
    """
    return _of_each(fleets, _against, NOT_COMPARED)


def words(key: Sequence[str]) -> str:
    """The key of a partition, short enough for a table."""
    said = ", ".join(key)
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def _nothing(said: str) -> pd.DataFrame:
    table = pd.DataFrame()
    table.attrs["instead"] = said
    return table


def _of_each(fleets: Mapping[str, Fleet], row: Any, instead: str) -> pd.DataFrame:
    rows = {dataset: row(fleet) for dataset, fleet in fleets.items()}
    if not rows:
        return _nothing(instead)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("data set")


def _row(fleet: Fleet) -> dict[str, Any]:
    found, own = fleet.partitions, fleet.has_own
    metric = found["metric"].dropna()
    low, middle, high = metric.quantile([0.1, 0.5, 0.9]) if len(metric) else [np.nan] * 3
    return {
        "partitions": len(found),
        "own": int(own.sum()),
        "pooled": int((~own).sum()),
        "of these kept": int((found["origin"] == "kept").sum()),
        "of these taken over": int((found["origin"] == "taken over").sum()),
        "held-out rows of own": int(found[own]["held_out"].sum()),
        f"{fleet.loss} of own": _mean(found[own], "loss"),
        f"{fleet.loss} of pooled there": _mean(found[own], "pooled_loss"),
        f"{fleet.metric}, all rows": fleet.value,
        "median partition": middle,
        "80% of them": f"{low:.4g} to {high:.4g}",
        "not defined": len(found) - len(metric),
    }


def _against(fleet: Fleet) -> dict[str, int]:
    found = fleet.partitions
    new = found["origin"] == "new"
    gain = (found["champion_loss"] - found["loss"])[new]
    return {
        "partitions": len(found),
        "smaller loss": int((gain > 0).sum()),
        "larger loss": int((gain < 0).sum()),
        "the same": int((gain == 0).sum()),
        "not compared": int(gain.isna().sum()),
        "keep their model": int((found["origin"] == "kept").sum()),
        "taken over": int((found["origin"] == "taken over").sum()),
    }


def _mean(partitions: pd.DataFrame, loss: str) -> float:
    """The mean loss of held-out rows, NaN without any."""
    known = partitions.dropna(subset=loss)
    rows = known["held_out"].sum()
    return float((known[loss] * known["held_out"]).sum() / rows) if rows else float("nan")


def _metric(fleets: Iterable[Fleet]) -> str:
    names = {fleet.metric for fleet in fleets}
    return names.pop() if len(names) == 1 else "metric"
