"""The fleet that serves: for each partition its own model, the champion's, or the pooled one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tabular.data.features import as_rows
from tabular.data.splits.shards import partition_of_rows
from tabular.data.splits.statistics import ROWS
from tabular.fleets.assembling.answers import (
    copied,
    lost_by,
    lost_without_skill,
    mean,
    of_own,
    of_pipeline,
    put,
    take,
)
from tabular.fleets.assembling.champion import ChampionFleet, decided_against, kept_pooled
from tabular.fleets.assembling.decided import Decided, Origin, as_found, origin_of
from tabular.fleets.choice import choose
from tabular.fleets.found import Found, read_conditions, read_found
from tabular.fleets.unchanged import CONDITIONS
from tabular.judging.agreement import Answers
from tabular.portable.fleet import POOLED, save_fleet
from tabular.portable.model import ARRAYS
from tabular.portable.predictors import Arrays
from tabular.spec.columns import Schema
from tabular.spec.documents.models import Manifest
from tabular.spec.documents.partitions import HeldOut, ServedPartition
from tabular.spec.errors import BadInput

__all__ = ["Assembled", "Judged", "assemble", "worse_than_pooled"]

# What the manifest of a fleet has in common with that of its pooled model.
SHARED = ("cross_validation", "training", "libraries")
SAMPLE_ROWS = 3


class Judged(NamedTuple):
    """A partition: what serves it, where that comes from, and why.

    The losses are the mean of its held-out rows, NaN if there are none: of what serves it, of the pooled
    model, and of the champion, NaN if some of the rows are not new to it.
    """

    document: ServedPartition
    held_out: HeldOut
    origin: Origin
    reason: str
    loss: float
    pooled_loss: float
    champion_loss: float


class Assembled(NamedTuple):
    """A fleet on disk, and what was known when it was put together.

    `answers` are what its models predict for the held-out rows, each asked by itself, `own_chosen` says for
    how many partitions their own model was chosen, and `own_losses` and `pooled_losses` are the losses of
    both models on the held-out rows of these.
    """

    folder: Path
    manifest: Manifest
    answers: Answers
    partitions: list[Judged]
    own_chosen: int
    own_losses: np.ndarray
    pooled_losses: np.ndarray
    pooled_everywhere: str | None


def assemble(
    model: Path,
    output: Path,
    folder: Path,
    frame: pd.DataFrame,
    truth: np.ndarray,
    schema: Schema,
    partitions: Sequence[HeldOut],
    champion: ChampionFleet | None,
    margin: float,
    confidence: float,
) -> Assembled:
    """Choose a model for each partition, and write the fleet.

    Args:
        model: the unpacked model.tar.gz of SearchAndRefit.
        output: its unpacked output.tar.gz. The pipeline in it is a pickle, which is code; it was written with
            the role and to the bucket of the source that this job runs.
        folder: where to write the fleet.
        frame: the features of the held-out rows (n_rows, n_columns), partition by partition.
        truth: their encoded target (n_rows,).
        schema: of the table.
        partitions: all partitions.
        champion: the fleet in service, if it can be compared.
        margin: the fraction of a champion's skill that may be lost, see `verdict`.
        confidence: with which more must not be lost.

    Raises:
        BadInput: if the pooled model could not be made portable.
    """
    pooled_manifest = json.loads((model / POOLED / "manifest.json").read_text())
    if pooled_manifest.get("portable") is False:
        raise BadInput(f"{pooled_manifest['reason']} The fleet is not registered.")
    found = read_found(model, output)
    places = [slice(one["held_out_start"], one["held_out_start"] + one["held_out"]) for one in partitions]
    pooled = of_pipeline(output / POOLED / "pipeline.joblib", frame, schema)
    chosen = _chosen(found, places, pooled, frame, truth, schema, partition_of_rows(partitions))
    found, answers, lost, pooled_lost, *_ = chosen
    former, keepers, champion_lost = None, {}, np.full(len(truth), np.nan)
    if champion is not None:
        champion_lost = lost_by(champion.answers, truth, schema)
        what = champion, found, places, lost, champion_lost
        former, keepers = kept_pooled(*what, schema, confidence)
    served: list[tuple[ServedPartition, Arrays | None]] = []
    judged: list[Judged] = []
    for one, part, rows in zip(found, partitions, places, strict=True):
        decided, champion_loss = Decided(origin_of(one), one.choice.reason, *as_found(one)), np.nan
        if champion is not None:
            new = champion.unseen[rows]
            champion_loss = mean(champion_lost[rows]) if new.all() else np.nan
            them = lost[rows][new], champion_lost[rows][new], lost_without_skill(truth[rows][new], schema)
            keeper = keepers.get(one.document["number"])
            decided = decided_against(champion, one, decided, keeper, them, schema, margin, confidence)
            if decided.origin == "kept":
                put(answers, rows, take(champion.answers, rows))
                lost[rows] = champion_lost[rows]
        served.append((decided.document, decided.arrays))
        means = (mean(lost[rows]), mean(pooled_lost[rows]), champion_loss)
        judged.append(Judged(decided.document, part, decided.origin, decided.reason, *means))
    known = {} if chosen.pooled_everywhere else {CONDITIONS: read_conditions(model)}
    manifest = _manifest(pooled_manifest, frame, answers, schema, judged) | known
    others = {}
    if any("kept_from" in one.document for one in judged):
        others[ROWS] = _learned(model, champion)
    save_fleet(folder, manifest, model / POOLED, served, others, former)
    manifest = json.loads((folder / "manifest.json").read_text())
    return Assembled(folder, manifest, answers, judged, *chosen[4:])


class _Chosen(NamedTuple):
    """For each partition its own model or the pooled one, as if no fleet were in service.

    `answers`, `lost` and `pooled_lost` are of all held-out rows (n_rows,); the others are as in `Assembled`.
    """

    found: list[Found]
    answers: Answers
    lost: np.ndarray
    pooled_lost: np.ndarray
    own_chosen: int
    own_losses: np.ndarray
    pooled_losses: np.ndarray
    pooled_everywhere: str | None


def _chosen(
    found: list[Found],
    places: Sequence[slice],
    pooled: Answers,
    frame: pd.DataFrame,
    truth: np.ndarray,
    schema: Schema,
    partition: np.ndarray,
) -> _Chosen:
    """What was chosen in the search, or the pooled model everywhere if that is shown to be better."""
    pooled_lost = lost_by(pooled, truth, schema)
    answers = copied(pooled)
    own_rows = np.zeros(len(truth), dtype=bool)
    for one, rows in zip(found, places, strict=True):
        own_rows[rows] = one.choice.own
        if one.choice.own and rows.start < rows.stop:
            put(answers, rows, of_own(one, frame.iloc[rows], schema))
    lost = lost_by(answers, truth, schema)
    own_losses, pooled_losses = lost[own_rows], pooled_lost[own_rows]
    own_chosen = sum(one.choice.own for one in found)
    everywhere = worse_than_pooled(own_losses, pooled_losses, partition[own_rows])
    if everywhere is not None:
        found = [replace(one, choice=replace(one.choice, own=False, reason=everywhere)) for one in found]
        answers, lost = copied(pooled), pooled_lost.copy()
    return _Chosen(found, answers, lost, pooled_lost, own_chosen, own_losses, pooled_losses, everywhere)


def _manifest(
    pooled: Mapping[str, Any],
    frame: pd.DataFrame,
    answers: Answers,
    schema: Schema,
    judged: Sequence[Judged],
) -> dict[str, Any]:
    """The manifest of the fleet, made from that of its pooled model."""
    return {
        **schema.to_dict(),
        **{name: pooled[name] for name in SHARED},
        "algorithm": "Fleet",
        "hyperparameters": {},
        "pooled_sha256": pooled["files"][ARRAYS],
        "sample": _sample(frame, answers, schema, judged),
        "fleet": {"partition": list(schema.options.partition), "partitions": len(judged)},
    }


def worse_than_pooled(own: np.ndarray, pooled: np.ndarray, partition: np.ndarray) -> str | None:
    """Why the pooled model serves all partitions; None unless it is shown to be better than the own ones.

    Args:
        own: the losses of own models on held-out rows (n_rows,).
        pooled: those of the pooled model.
        partition: the partition of each row.
    """
    if not choose(pooled, own, groups=partition).own:
        return None
    return (
        f"the own models of {len(np.unique(partition))} partitions have a loss of {own.mean():.3g} on their "
        f"{len(own)} held-out rows, and the pooled model one of {pooled.mean():.3g}, which is better beyond "
        "noise, so it serves all"
    )


def _learned(model: Path, champion: ChampionFleet | None) -> bytes:
    """The hashes of all rows that a model of the fleet has learned, kept models included.

    Args:
        model: what SearchAndRefit left: with the rows of the models that it took over, if these were kept.
        champion: whose models were kept.
    """
    folders = [model, model / POOLED]
    if champion is not None:
        theirs = champion.folder
        folders.append(theirs if (theirs / ROWS).exists() else theirs / POOLED)
    files = [folder / ROWS for folder in folders if (folder / ROWS).exists()]
    return np.unique(np.concatenate([np.fromfile(file, dtype="<u8") for file in files])).tobytes()


def _sample(
    frame: pd.DataFrame, answers: Answers, schema: Schema, judged: Sequence[Judged]
) -> Mapping[str, Any]:
    """A few held-out rows and their predictions: one of an own model and one of the pooled one, if any."""
    first: dict[bool, int] = {}
    for one in judged:
        if one.held_out["held_out"]:
            first.setdefault(one.document["model"] is None, one.held_out["held_out_start"])
    rows = list(dict.fromkeys([*first.values(), *range(min(SAMPLE_ROWS, len(frame)))]))[:SAMPLE_ROWS]
    some = frame.iloc[rows]
    said = answers[0][rows].tolist()
    return {
        "instances": [dict(zip(some, cells, strict=True)) for cells in as_rows(some, schema)],
        "predictions": [schema.classes[position] for position in said] if schema.classes else said,
    }
