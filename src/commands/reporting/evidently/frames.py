"""The window of one model and its training as two tables, read from S3 as the check reads them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tabular.monitoring.baseline import Baseline, Distribution, unpacked
from tabular.monitoring.captured import Captured, Window, lines, table_of
from tabular.monitoring.objects import Folder, Folders, fetched

from contract.names import load
from helpers.deployment.deployments import in_service
from helpers.errors import BadInput
from helpers.session import Session

__all__ = ["PREDICTION", "Frames", "frames", "like_training", "of_window"]

PREDICTION = "prediction"
ROWS = 1000  # that stand for training: what is kept of it is a distribution of each column, and no rows
SEED = 20
NUMBERS = ("numeric", "date", "number")


class Frames(NamedTuple):
    """Rows like those of training and rows of the window, with the kind of each column.

    The columns of `training` do not depend on each other, because only their distributions are kept.
    """

    kinds: dict[str, str]
    training: pd.DataFrame
    window: pd.DataFrame


def frames(session: Session, dataset: str, window: timedelta) -> Frames:
    """Read what was captured of a model in service, and its baseline.

    Raises:
        BadInput: it is not in service, has no baseline, or nothing was captured of it.
    """
    contract, serving = load(session.pipeline_name), in_service(session)
    if dataset not in serving:
        raise BadInput(
            f"{dataset} is not in service, so there is nothing to show; in service: "
            f"{', '.join(sorted(serving)) or 'nothing'}."
        )
    group, now = session.group(dataset), datetime.now(UTC)
    keys = (contract.models_map_key, contract.captured_prefix, contract.labels_prefix)
    folders = Folders(*(Folder(session.bucket, key) for key in keys))
    since = now - window
    (found,) = fetched(session.client("s3"), folders, {group: serving[dataset]}, {}, since, since)
    if found.failure:
        raise BadInput(f"What was captured of {dataset} cannot be read: {found.failure}")
    if found.baseline is None:
        raise BadInput(f"{dataset} has no baseline beside it; train it again to have one.")
    baseline = unpacked(found.baseline)
    captured = Captured(table_of(baseline), group, serving[dataset]["version"], Window(since, now))
    for line in (line for body in found.captured for line in lines(body)):
        captured.add(line)
    if not captured.rows:
        raise BadInput(f"No request to {dataset} was captured in the window; choose a longer --window.")
    kinds, rows = of_window(baseline, captured)
    return Frames(kinds, like_training(baseline, kinds), rows)


def of_window(baseline: Baseline, captured: Captured) -> tuple[dict[str, str], pd.DataFrame]:
    """The kinds of all columns and of the prediction, and their values in the rows of the window.

    Cells that the capture left out are missing; a column of which all are is left out.
    """
    kinds, values = {}, {}
    for name, kind, cells, _ in captured.columns():
        if len(cells) and name in baseline["training"]:
            kinds[name], values[name] = kind, _filled(cells, captured.rows)
    labels, _ = captured.predictions()
    if labels:
        kinds[PREDICTION] = "class" if baseline["classes"] else "number"
        values[PREDICTION] = _filled(
            labels if baseline["classes"] else pd.to_numeric(pd.Series(labels), errors="coerce"),
            captured.rows,
        )
    return kinds, pd.DataFrame(values)


def like_training(baseline: Baseline, kinds: dict[str, str], rows: int = ROWS) -> pd.DataFrame:
    """Rows (rows, n_columns) whose columns are distributed as those of training, in random order."""
    rng = np.random.default_rng(SEED)
    return pd.DataFrame(
        {
            name: rng.permutation(
                _drawn(
                    baseline["held_out"] if name == PREDICTION else baseline["training"][name],
                    kind in NUMBERS,
                    rows,
                )
            )
            for name, kind in kinds.items()
        }
    )


def _drawn(known: Distribution, is_number: bool, rows: int) -> np.ndarray:
    missing = round(rows * known["missing"] / max(1, known["rows"]))
    steps = (np.arange(rows - missing) + 0.5) / max(1, rows - missing)
    if is_number:
        found = np.full(rows, np.nan)
        if known["quantiles"]:
            found[: rows - missing] = np.quantile(known["quantiles"], steps, method="inverted_cdf")
        return found
    counts = {**known["levels"], "(other)": known["others"]}
    ends = np.cumsum(list(counts.values())) / max(1, sum(counts.values()))
    names = np.array(list(counts), dtype=object)
    found = np.full(rows, None, dtype=object)
    found[: rows - missing] = names[np.searchsorted(ends, steps).clip(max=len(names) - 1)]
    return found


def _filled(cells: Sequence[Any] | np.ndarray | pd.Series, rows: int) -> pd.Series:
    """The cells, as many as there are rows: those of other requests were left out, or came too late."""
    found = pd.Series(cells).iloc[:rows]
    return found.replace("", None).reindex(range(rows))
