"""What SearchAndRefit found for each partition, and which of its two models is to serve it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import safe_open

from tabular.fleets.choice import Choice, choose
from tabular.spec.documents.partitions import OwnModel

__all__ = ["Found", "read_conditions", "read_found"]


@dataclass(frozen=True)
class Found:
    """A partition's document, the choice, and the arrays of its own model if it is chosen."""

    document: OwnModel
    choice: Choice
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def read_found(model: Path, output: Path) -> list[Found]:
    """Read and choose for all partitions, in the order of their numbers.

    Args:
        model: the unpacked model.tar.gz of SearchAndRefit.
        output: its unpacked output.tar.gz.
    """
    lost = pd.read_parquet(output / "pooled-losses.parquet").sort_values(["shard", "row"])
    pooled = dict(list(lost.groupby("shard")))
    found = [one for file in model.glob("own-*.json") for one in _of_shard(file, output, pooled)]
    return sorted(found, key=lambda one: one.document["number"])


def read_conditions(model: Path) -> Any:
    """What the search depended on besides the rows, see `tabular.fleets.unchanged`."""
    return json.loads(next(model.glob("own-*.json")).read_text())["searched_with"]


def _of_shard(file: Path, output: Path, pooled: dict[int, pd.DataFrame]) -> Iterator[Found]:
    about = json.loads(file.read_text())
    own = pd.read_parquet(output / f"losses-{file.stem.removeprefix('own-')}.parquet")["own"].to_numpy()
    theirs = pooled.get(about["shard"], pd.DataFrame({"loss": []}))
    groups = theirs["group"].to_numpy() if "group" in theirs else None
    end = 0
    with safe_open(file.with_suffix(".safetensors"), "numpy") as arrays:
        names: dict[str, list[str]] = {}
        for name in arrays.keys():  # noqa: SIM118 - it is not a mapping
            names.setdefault(name.partition("/")[0], []).append(name)
        for document in about["partitions"]:
            rows = slice(end, end := end + document["rows"])
            is_own = document["model"] is not None
            if (before := document.get("taken_over")) is not None:
                reason = f"its rows are those of version {before['version']}, so what served it is taken over"
                choice = Choice(is_own, reason)
            elif is_own:
                losses = own[rows], theirs["loss"].to_numpy()[rows]
                choice = choose(*losses, document["optimism"], None if groups is None else groups[rows])
            else:
                choice = Choice(False, document["reason"])
            its = names[str(document["number"])] if choice.own else []
            yield Found(document, choice, {name.partition("/")[2]: arrays.get_tensor(name) for name in its})
