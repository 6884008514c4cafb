"""The fleet that serves: for each partition its own model, the champion's, or the pooled one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import joblib
import numpy as np
import pandas as pd

from tabular.data.features import as_rows
from tabular.data.splits.shards import partition_of_rows
from tabular.data.splits.statistics import ROWS
from tabular.fleets.choice import choose, losses
from tabular.fleets.found import Found, read_conditions, read_found
from tabular.fleets.keeping import Verdict, shown_worse, verdict
from tabular.fleets.unchanged import CONDITIONS
from tabular.judging.agreement import Answers, as_model_input, positions
from tabular.portable.fleet import FORMER, POOLED, FleetModel, save_fleet
from tabular.portable.model import ARRAYS, PortableModel
from tabular.portable.predictors import Arrays
from tabular.spec.columns import Schema
from tabular.spec.documents.models import Manifest
from tabular.spec.documents.partitions import HeldOut, ServedPartition
from tabular.spec.errors import BadInput

__all__ = ["Assembled", "ChampionFleet", "Judged", "assemble", "worse_than_pooled"]

# What the manifest of a fleet has in common with that of its pooled model.
SHARED = ("cross_validation", "training", "libraries")
SAMPLE_ROWS = 3


class ChampionFleet(NamedTuple):
    """The fleet in service, what it answers for the held-out rows, and which of these it has not learned."""

    version: int
    folder: Path
    model: FleetModel
    answers: Answers
    unseen: np.ndarray


Origin = Literal["new", "kept", "taken over"]


class Decided(NamedTuple):
    """What serves a partition, where that comes from, and why; arrays if it is a model of its own."""

    origin: Origin
    reason: str
    document: ServedPartition
    arrays: Arrays | None


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
    pooled = _of_pipeline(output / POOLED / "pipeline.joblib", frame, schema)
    pooled_lost = _lost(pooled, truth, schema)
    answers = _copy(pooled)
    own_rows = np.zeros(len(truth), dtype=bool)
    for one, rows in zip(found, places, strict=True):
        own_rows[rows] = one.choice.own
        if one.choice.own and rows.start < rows.stop:
            _put(answers, rows, _of_own(one, frame.iloc[rows], schema))
    lost = _lost(answers, truth, schema)
    own_losses, pooled_losses = lost[own_rows], pooled_lost[own_rows]
    own_chosen = sum(one.choice.own for one in found)
    everywhere = worse_than_pooled(own_losses, pooled_losses, partition_of_rows(partitions)[own_rows])
    if everywhere is not None:
        found = [replace(one, choice=replace(one.choice, own=False, reason=everywhere)) for one in found]
        answers, lost = _copy(pooled), pooled_lost.copy()
    former, keepers, champion_lost = None, {}, np.full(len(truth), np.nan)
    if champion is not None:
        champion_lost = _lost(champion.answers, truth, schema)
        what = champion, found, places, lost, champion_lost
        former, keepers = _kept_pooled(*what, schema, confidence)
    served: list[tuple[ServedPartition, Arrays | None]] = []
    judged: list[Judged] = []
    for one, part, rows in zip(found, partitions, places, strict=True):
        decided, champion_loss = Decided(_origin(one), one.choice.reason, *_new(one)), np.nan
        if champion is not None:
            new = champion.unseen[rows]
            champion_loss = _mean(champion_lost[rows]) if new.all() else np.nan
            them = lost[rows][new], champion_lost[rows][new], _no_skill(truth[rows][new], schema)
            keeper = keepers.get(one.document["number"])
            decided = _against(champion, one, decided, keeper, them, schema, margin, confidence)
            if decided.origin == "kept":
                _put(answers, rows, _take(champion.answers, rows))
                lost[rows] = champion_lost[rows]
        served.append((decided.document, decided.arrays))
        means = (_mean(lost[rows]), _mean(pooled_lost[rows]), champion_loss)
        judged.append(Judged(decided.document, part, decided.origin, decided.reason, *means))
    manifest = {
        **schema.to_dict(),
        **{name: pooled_manifest[name] for name in SHARED},
        "algorithm": "Fleet",
        "hyperparameters": {},
        "pooled_sha256": pooled_manifest["files"][ARRAYS],
        "sample": _sample(frame, answers, schema, judged),
        "fleet": {"partition": list(schema.options.partition), "partitions": len(found)},
        **({CONDITIONS: read_conditions(model)} if everywhere is None else {}),
    }
    others = {}
    if any("kept_from" in one.document for one in judged):
        others[ROWS] = _learned(model, champion)
    save_fleet(folder, manifest, model / POOLED, served, others, former)
    manifest = json.loads((folder / "manifest.json").read_text())
    return Assembled(folder, manifest, answers, judged, own_chosen, own_losses, pooled_losses, everywhere)


def _against(
    champion: ChampionFleet,
    found: Found,
    decided: Decided,
    keeper: Verdict | None,
    lost: tuple[np.ndarray, np.ndarray, np.ndarray],
    schema: Schema,
    margin: float,
    confidence: float,
) -> Decided:
    """What serves a partition beside the champion, which may keep it.

    Args:
        champion: the fleet in service.
        found: what was found for the partition.
        decided: what serves it without a champion.
        keeper: why it keeps the champion's pooled model, if it does.
        lost: the losses on the held-out rows that the champion has not learned (n_new,): of what was found,
            of the champion, and of a model without skill.
        schema: of the table.
        margin: the fraction of a champion's skill that may be lost, see `verdict`.
        confidence: with which more must not be lost.
    """
    if keeper is not None:
        return Decided("kept", _joined(decided.reason, keeper.reason), _with_former(found, champion), None)
    if decided.origin == "taken over" and _version(found) == champion.version:
        return decided  # it is the same
    kept, why = _kept(champion, found, schema)
    if kept is None:
        return decided._replace(reason=_joined(decided.reason, why))
    # That a search failed, or had no time, says nothing against the model that it had.
    in_doubt = bool(_unfinished(found)) and not found.choice.own
    said = verdict(*lost, margin, confidence, in_doubt)
    reason = _joined(decided.reason, said.reason)
    return Decided("kept", reason, *kept) if said.keep else decided._replace(reason=reason)


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


def _new(found: Found) -> tuple[ServedPartition, Arrays | None]:
    """What is written of a partition that gets what was found for it."""
    names = ["number", "key", "rows", "sha256"]
    if not found.choice.own:
        pooled = {name: found.document[name] for name in names}
        return pooled | _unfinished(found) | {"model": None}, None
    if "taken_over" in found.document:
        return found.document["taken_over"]["served"] | {"number": found.document["number"]}, found.arrays
    names += ["algorithm", "hyperparameters", "scorer", "score", "model"]
    return {name: found.document[name] for name in names} | _unfinished(found), found.arrays


def _unfinished(found: Found) -> dict[str, Any]:
    return {"unfinished": True} if found.document.get("unfinished") else {}


def _joined(reason: str, more: str) -> str:
    """One sentence of two; what refused a search ends with a full stop."""
    return f"{reason.removesuffix('.')}; {more}"


def _origin(found: Found) -> Literal["new", "taken over"]:
    return "taken over" if "taken_over" in found.document else "new"


def _version(found: Found) -> int:
    """From which a partition was taken over."""
    return found.document["taken_over"]["version"]


def _kept(
    champion: ChampionFleet, found: Found, schema: Schema
) -> tuple[tuple[ServedPartition, Arrays] | None, str]:
    """What the champion has for a partition, if it can be kept; otherwise None and why not."""
    key = tuple(found.document["key"])
    try:
        document = champion.model.document(key)
    except KeyError:
        return None, f"version {champion.version} does not have it"
    if document["model"] is None:
        return None, f"in version {champion.version} the pooled model serves it"
    now = {column["name"]: column for column in schema.to_dict()["columns"]}
    then = {column["name"]: column for column in champion.model.columns}
    for name in document["model"]["columns"]:
        if now.get(name) != then[name]:
            return None, f"version {champion.version} reads the column {name!r} otherwise"
    kept = {name: value for name, value in document.items() if name not in ("arrays", "unfinished")}
    kept |= {"number": found.document["number"], "decided_on": found.document["sha256"], **_unfinished(found)}
    kept.setdefault("kept_from", champion.version)
    return (kept, champion.model.arrays(key)), ""


def _kept_pooled(
    champion: ChampionFleet,
    found: Sequence[Found],
    places: Sequence[slice],
    ours: np.ndarray,
    theirs: np.ndarray,
    schema: Schema,
    confidence: float,
) -> tuple[Path | None, dict[int, Verdict]]:
    """The folder of the champion's pooled model that some partitions keep, and why, by their numbers.

    The champion may itself have kept an earlier one. Only the one is kept that more partitions would keep, so
    a fleet has two pooled models at most, however often it is trained.

    Args:
        champion: the fleet in service.
        found: what was found for each partition.
        places: where its held-out rows stand.
        ours: the losses of what would serve them now (n_rows,).
        theirs: those of the champion.
        schema: of the table.
        confidence: with which the new one has to be worse.
    """
    would: dict[str, dict[int, Verdict]] = {POOLED: {}, FORMER: {}}
    if champion.model.columns != schema.to_dict()["columns"]:
        return None, {}  # it reads other columns, or reads them otherwise
    for one, rows in zip(found, places, strict=True):
        served_by = champion.model.served_by(tuple(one.document["key"]))
        if served_by in would:
            new = champion.unseen[rows]
            said = shown_worse(ours[rows][new], theirs[rows][new], confidence)
            if said.keep:
                would[served_by][one.document["number"]] = said
    name = max(would, key=lambda each: len(would[each]))
    return (champion.folder / name, would[name]) if would[name] else (None, {})


def _with_former(found: Found, champion: ChampionFleet) -> ServedPartition:
    """What is written of a partition that keeps the champion's pooled model."""
    before = champion.model.document(tuple(found.document["key"]))
    document, _ = _new(replace(found, choice=replace(found.choice, own=False)))
    return document | {"former": True, "kept_from": before.get("kept_from", champion.version)}


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


def _of_pipeline(path: Path, frame: pd.DataFrame, schema: Schema) -> Answers:
    pipeline = joblib.load(path)
    if not schema.classes:
        return np.asarray(pipeline.predict(frame), dtype=np.float64), None
    return pipeline.predict(frame).astype(np.intp), pipeline.predict_proba(frame).astype(np.float64)


def _of_own(found: Found, frame: pd.DataFrame, schema: Schema) -> Answers:
    """What an own model predicts for its rows (n_rows, n_columns), without a fleet around it."""
    names = set(found.document["model"]["columns"])
    own = replace(schema, columns=tuple(each for each in schema.columns if each.name in names))
    described = {name: found.document["model"][name] for name in ("encodings", "estimator")}
    model = PortableModel(own.to_dict() | described, found.arrays)
    prediction = model.predict(*as_model_input(frame[[each.name for each in own.columns]], own))
    return positions(prediction.labels, schema), prediction.probabilities


def _lost(answers: Answers, truth: np.ndarray, schema: Schema) -> np.ndarray:
    predicted, probabilities = answers
    return losses(predicted if probabilities is None else probabilities, truth, schema)


def _no_skill(truth: np.ndarray, schema: Schema) -> np.ndarray:
    """The losses (n_rows,) of a model that knows only the class frequencies, or the mean."""
    if not len(truth):
        return np.empty(0)
    if not schema.classes:
        return losses(np.full(len(truth), truth.mean()), truth, schema)
    shares = np.bincount(truth.astype(np.intp), minlength=len(schema.classes)) / len(truth)
    return losses(np.tile(shares, (len(truth), 1)), truth, schema)


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


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _copy(answers: Answers) -> Answers:
    return answers[0].copy(), None if answers[1] is None else answers[1].copy()


def _take(answers: Answers, rows: slice) -> Answers:
    return answers[0][rows], None if answers[1] is None else answers[1][rows]


def _put(answers: Answers, rows: slice, some: Answers) -> None:
    answers[0][rows] = some[0]
    if answers[1] is not None:
        answers[1][rows] = some[1]
