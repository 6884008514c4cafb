"""One model package group, brought in line with the model registry."""

from dataclasses import dataclass
from typing import Any

from botocore.client import BaseClient

from lambdas import artifacts, models_map, registry
from lambdas.errors import SupersededError
from lambdas.models_map import Entry, ModelsMap
from lambdas.registry import Package

__all__ = ["Outcome", "Reconciler"]

Outcome = dict[str, Any]
ATTEMPTS = 5


@dataclass(frozen=True)
class Reconciler:
    """Makes the models map name the newest approved package of a group, or none."""

    bucket: str
    s3: BaseClient
    sagemaker: BaseClient

    def reconcile(self, group: str) -> Outcome:
        """Copy first, switch second, retire last: the map never names an artifact that is not there.

        What may refuse a new artifact, such as one call to warm it, belongs between copy and switch.
        A SupersededError says that the registry changed faster than its packages could be copied.
        """
        for _ in range(ATTEMPTS):
            package = registry.newest_approved(self.sagemaker, group)
            entry = self._stored(package) if package else None
            try:
                before = self._switch(group, package, entry)
            except SupersededError:
                continue
            if before and (entry is None or before["key"] != entry["key"]):
                artifacts.retire(self.s3, self.bucket, before["key"])
            return _outcome(before, entry)
        raise SupersededError(group)

    def _stored(self, package: Package) -> Entry:
        """Put a package's artifact in its place, unless it is there, and return the map entry for it."""
        current = models_map.read(self.s3, self.bucket).entries.get(package.group)
        is_current = current is not None and (
            (current["version"], current["approved_at"]) == (package.version, package.approved_at)
        )
        if is_current and artifacts.keep(self.s3, self.bucket, current["key"]):
            return current
        return artifacts.deposit(self.s3, self.bucket, package)

    def _switch(self, group: str, package: Package | None, entry: Entry | None) -> Entry | None:
        """Put the entry into the map, or take the group out of it, and return what was there before.

        The registry is asked once more after the map was read: if it has changed, another deployer may
        have acted on that already, and a slow one must not switch the map back.
        """

        def edit(entries: ModelsMap) -> ModelsMap:
            if registry.newest_approved(self.sagemaker, group) != package:
                raise SupersededError(group)
            others = {name: other for name, other in entries.items() if name != group}
            return others if entry is None else {**others, group: entry}

        return models_map.change(self.s3, self.bucket, edit).before.get(group)


def _outcome(before: Entry | None, entry: Entry | None) -> Outcome:
    outcome: Outcome = {"version": entry["version"] if entry else None}
    if before == entry:
        return {"action": "unchanged", **outcome}
    if before:
        outcome["previous_version"] = before["version"]
    if entry:
        outcome["key"] = entry["key"]
    return {"action": "deployed" if entry else "removed", **outcome}
