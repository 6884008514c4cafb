"""A summary's data sets to look at: a row for each, as printed when a run ends."""

from collections.abc import Mapping

import pandas as pd

from helpers.runs.summary.document import DataSet

__all__ = ["model", "table"]

PAST = {"approve": "approved", "reject": "rejected"}


def table(data_sets: Mapping[str, DataSet]) -> pd.DataFrame:
    """A row for each data set, as printed when a run ends."""
    rows = {name: _row(each) for name, each in data_sets.items()}
    whole = pd.DataFrame.from_dict(rows, orient="index").rename_axis("data set")
    return whole.loc[:, (whole != "").any()]  # what this run did not find out is left out


def model(each: DataSet) -> str:
    """The algorithm of a data set's model in words; of an ensemble or a fleet, of how many models."""
    if each["fleet"]:
        return f"{each['algorithm']} of {each['fleet']['partitions']:,}"
    search = each["search"]
    if search and search["ensemble"] and search["ensemble"]["chosen"]:
        return f"{each['algorithm']} of {len(search['ensemble']['members'])}"
    return each["algorithm"] or ""


def _row(each: DataSet) -> dict[str, str]:
    scores = each["scores"]
    nested = scores.get("nested_cross_validation") if scores else None  # earlier summaries have none
    return {
        "algorithm": model(each),
        "cross-validation": f"{scores['cross_validation']:.4f}" if scores else "",
        "nested": "" if nested is None else f"{nested:.4f}",
        "held-out": f"{scores['metric']} {scores['value']:.4f}" if scores else "",
        "outcome": _outcome(each),
        "in service": f"version {each['in_service']}" if each["in_service"] else "",
        "predictions": each["predictions"] or "",
        "seconds": "" if each["seconds"] is None else f"{each['seconds']:.0f}",
    }


def _outcome(each: DataSet) -> str:
    version, decision = each["version"], each["decision"]
    if each["outcome"] == "kept" and version:
        return f"kept, version {version} {PAST.get(decision, 'awaits a decision')}"
    said = f"{each['outcome']} as version {version}" if version else each["outcome"]
    return f"{said}, rejected" if decision == "reject" else said
