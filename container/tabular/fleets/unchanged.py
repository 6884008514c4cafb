"""What a search need not do again: a partition whose rows are those that the fleet in service was made from.

What served it then serves it again, without a search: its own model, or the pooled one. This holds only if
nothing else has changed that a search depends on.
"""

import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from tabular.fleets.own import Candidate
from tabular.judging.champion import Champion
from tabular.learning.fitting import LIBRARIES, versions
from tabular.portable.files import load_model
from tabular.portable.fleet import FORMAT, FleetModel
from tabular.searching.proposals.proposals import former
from tabular.searching.trials import Configuration
from tabular.spec import own_steps
from tabular.spec.columns import Family, Schema
from tabular.spec.documents.partitions import OwnModel, Partition, ServedPartition
from tabular.spec.search import Plan

__all__ = ["CONDITIONS", "Before", "Conditions", "before", "code_sha256", "conditions", "differences"]

CONDITIONS = "searched_with"  # the name under which the manifest of a fleet has them
# How long and for whom: they do not change what is found for a partition whose search has ended by itself.
WITHOUT_EFFECT = ("seconds", "models_map_uri", "group")
PACKAGE = Path(__file__).parents[1]


class Conditions(TypedDict):
    """What the models of a fleet depend on besides the rows: `schema` and `code` are SHA-256."""

    plan: dict[str, Any]
    schema: str
    code: str
    libraries: dict[str, str]


@dataclass(frozen=True)
class Before:
    """The fleet in service, with which a search can begin.

    Attributes:
        version: its number in the registry.
        model: the fleet.
        family: of its estimators.
        changed: why none of its partitions is taken over; empty if they may be.
    """

    version: int
    model: FleetModel
    family: Family
    changed: str

    def takes(self, partition: Partition) -> bool:
        """Whether a partition need not be searched again."""
        served = self._served(partition)
        if self.changed or served is None or served.get("unfinished"):
            return False
        return served.get("decided_on", served["sha256"]) == partition["sha256"]

    def take(self, partition: Partition) -> Candidate:
        """What serves such a partition, as if it had been searched; its losses in the folds are not known.

        Raises:
            KeyError: if the fleet does not have it.
        """
        key = tuple(partition["key"])
        served: Any = {name: value for name, value in self.model.document(key).items() if name != "arrays"}
        is_own = served["model"] is not None
        document: OwnModel = {
            "number": partition["number"],
            "key": partition["key"],
            "rows": partition["rows"],
            "sha256": partition["sha256"],
            "reason": None,
            "model": served["model"],
            "seconds": 0.0,
            "taken_over": {"version": self.version, "served": served},
        }
        arrays = dict(self.model.arrays(key)) if is_own else {}
        return Candidate(document, np.full(partition["rows"], np.nan), arrays)

    def good(self, partition: Partition) -> Iterator[Configuration]:
        """The configuration of a partition's own model, with which its next search may begin."""
        served = self._served(partition)
        if served is not None and served["model"] is not None:
            found = former(served["algorithm"], served["hyperparameters"], self.family)
            yield from [] if found is None else [found]

    def _served(self, partition: Partition) -> ServedPartition | None:
        key = tuple(partition["key"])
        return self.model.document(key) if key in self.model else None  # type: ignore[return-value]


def before(champion: Champion, schema: Schema, now: Conditions) -> Before | None:
    """What is known from the fleet in service; None if it is not a fleet of such partitions.

    Args:
        champion: the model in service.
        schema: of the table that is to be searched.
        now: what its models will depend on.
    """
    if champion.manifest["format"] != FORMAT:
        return None
    theirs, model = champion.schema, load_model(champion.folder)
    same = (theirs.task, theirs.options.partition) == (schema.task, schema.options.partition)
    if not same or not isinstance(model, FleetModel):
        return None
    then = champion.manifest.get(CONDITIONS)
    changed = "it does not say how it was searched" if then is None else differences(then, now)
    return Before(champion.version, model, schema.family, changed)


def conditions(plan: Plan, schema: Schema) -> Conditions:
    """What the models of a fleet depend on besides the rows: the plan and its seed, the columns, the code."""
    known = asdict(plan)
    columns = schema.to_dict() | {"baseline": None}  # statistics of all rows
    return {
        "plan": {name: known[name] for name in known if name not in WITHOUT_EFFECT},
        "schema": sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest(),
        "code": code_sha256([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.json"), own_steps.BESIDE]),
        "libraries": {"python": platform.python_version(), **versions((*LIBRARIES, "optuna"))},
    }


def code_sha256(files: Iterable[Path]) -> str:
    """The SHA-256 of the contents of some files, whatever their folder; a missing file has none."""
    found = sha256()
    for contents in sorted(file.read_bytes() for file in files if file.is_file()):
        found.update(sha256(contents).digest())
    return found.hexdigest()


def differences(then: Mapping[str, Any], now: Conditions) -> str:
    """In which conditions two searches differ, in words; empty if in none."""
    pairs = {"plan": (then["plan"], now["plan"]), "libraries": (then["libraries"], now["libraries"])}
    found = [
        f"{name} was {before.get(name)} and is {after.get(name)}"
        for before, after in pairs.values()
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
    found += [f"the {name} has changed" for name in ("schema", "code") if then[name] != now[name]]
    return ", ".join(found)
