"""The held-out rows about which a model is most confidently wrong, as written in the table.

They are rows of your own table: EvaluateBestModel keeps 20 of them in a file beside its report, and a
notebook that is stored or sent shows what this shows.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError
from tabular.spec.documents.reports import MISTAKES_FILE, MistakesDocument, Report

from helpers.runs.executions.execution import Execution
from helpers.runs.results import evaluation_uri
from helpers.session import Session
from helpers.session.storage import read_json

__all__ = ["of_documents", "read", "surest"]
__dir__ = __all__.copy

MOST_TABLES = 6
COLUMNS = 6  # that are shown, those that matter most to the model
GONE = ("404", "NoSuchKey")


def surest(
    session: Session, executions: Iterable[Execution], reports: Mapping[str, Report], most: int = 5
) -> pd.DataFrame:
    """The most confident mistakes of each model, as `of_documents` shows them.

    Args:
        session: where they were evaluated.
        executions: those whose model was evaluated.
        reports: EvaluateBestModel's reports on them; of many, those with the worst gate are shown.
        most: rows of each data set.
    """
    worst = sorted(reports, key=lambda name: reports[name]["gate"]["threshold_margin"])[:MOST_TABLES]
    shown = [it for it in executions if it.dataset in worst]
    found = {it.dataset: read(session, it) for it in shown}
    return of_documents({name: one for name, one in found.items() if one is not None}, reports, most)


def read(session: Session, execution: Execution) -> MistakesDocument | None:
    """What EvaluateBestModel wrote about a model's mistakes; None if it did not yet write any such file."""
    try:
        return read_json(session, f"{evaluation_uri(session, execution)}/{MISTAKES_FILE}")
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
        return None


def of_documents(
    found: Mapping[str, MistakesDocument], reports: Mapping[str, Report], most: int = 5
) -> pd.DataFrame:
    """A row for each mistake: label, prediction, how probable the model found it, and the cells that matter.

    Args:
        found: by data set.
        reports: on the same models; they say which columns matter most.
        most: rows of each data set.
    """
    rows = [
        {
            "data set": name,
            "held-out row": mistake["row"] + 1,
            "label": str(mistake["label"]),
            "predicted": _predicted(mistake["predicted"]),
            "how sure": f"{mistake['probability']:.0%}" if "probability" in mistake else _off(mistake),
            "cells": _cells(mistake["cells"], reports[name]),
        }
        for name, one in found.items()
        for mistake in one["rows"][:most]
    ]
    columns = ["data set", "held-out row", "label", "predicted", "how sure", "cells"]
    table = pd.DataFrame(rows, columns=columns).set_index(["data set", "held-out row"])
    table.attrs["instead"] = (
        "No held-out row of these tables is predicted wrongly."
        if found
        else "These models were evaluated before mistakes were kept; run 03 again with RUN_ID = 'new'."
    )
    return table


def _predicted(value: Any) -> str:
    """A label as it is written, a predicted number with as many digits as say anything."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _off(mistake: Mapping[str, Any]) -> str:
    return f"off by {float(mistake['predicted']) - float(mistake['label']):+.4g}"


def _cells(cells: Mapping[str, Any], report: Report) -> str:
    """The cells of the columns that matter most, in words; all of a small table."""
    ranked = [name for name in report["permutation_importance"] if name in cells]
    names = [*ranked, *(name for name in cells if name not in ranked)][:COLUMNS]
    more = len(cells) - len(names)
    said = ", ".join(f"{name}={'' if cells[name] is None else cells[name]}" for name in names)
    return f"{said}, and {more} more" if more else said
