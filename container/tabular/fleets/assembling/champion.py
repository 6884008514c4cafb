"""What the fleet in service says against what was found for a partition."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tabular.fleets.assembling.decided import Decided, as_found, joined, unfinished, version_of
from tabular.fleets.found import Found
from tabular.fleets.keeping import Verdict, shown_worse, verdict
from tabular.judging.agreement import Answers
from tabular.portable.fleet import FORMER, POOLED, FleetModel
from tabular.portable.predictors import Arrays
from tabular.spec.columns import Schema, as_read
from tabular.spec.documents.partitions import ServedPartition

__all__ = ["ChampionFleet", "decided_against", "kept_pooled"]


class ChampionFleet(NamedTuple):
    """The fleet in service, what it answers for the held-out rows, and which of these it has not learned."""

    version: int
    folder: Path
    model: FleetModel
    answers: Answers
    unseen: np.ndarray


def decided_against(
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
        return Decided("kept", joined(decided.reason, keeper.reason), _with_former(found, champion), None)
    if decided.origin == "taken over" and version_of(found) == champion.version:
        return decided  # it is the same
    kept, why = _kept(champion, found, schema)
    if kept is None:
        return decided._replace(reason=joined(decided.reason, why))
    # That a search failed, or had no time, says nothing against the model that it had.
    in_doubt = bool(unfinished(found)) and not found.choice.own
    said = verdict(*lost, margin, confidence, in_doubt)
    reason = joined(decided.reason, said.reason)
    return Decided("kept", reason, *kept) if said.keep else decided._replace(reason=reason)


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
    now = {column["name"]: column for column in as_read(schema.to_dict()["columns"])}
    then = {column["name"]: column for column in as_read(champion.model.columns)}
    for name in document["model"]["columns"]:
        if now.get(name) != then[name]:
            return None, f"version {champion.version} reads the column {name!r} otherwise"
    kept = {name: value for name, value in document.items() if name not in ("arrays", "unfinished")}
    kept |= {"number": found.document["number"], "decided_on": found.document["sha256"], **unfinished(found)}
    kept.setdefault("kept_from", champion.version)
    return (kept, champion.model.arrays(key)), ""


def kept_pooled(
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
    if as_read(champion.model.columns) != as_read(schema.to_dict()["columns"]):
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
    document, _ = as_found(replace(found, choice=replace(found.choice, own=False)))
    return document | {"former": True, "kept_from": before.get("kept_from", champion.version)}
