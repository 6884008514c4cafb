"""Reconciles one model package group with the model registry."""

import functools
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient

from contract import names
from contract.endpoints import endpoint_of
from lambdas import columns, ledger, log, models_map
from lambdas.deployer import artifacts, registry, warming
from lambdas.deployer.registry import Package
from lambdas.deployer.switching import Switches
from lambdas.errors import ArtifactError, NotNowError, SupersededError
from lambdas.models_map import Entry

__all__ = ["Outcome", "Reconciler"]

Outcome = dict[str, Any]
ATTEMPTS = 5


@dataclass(frozen=True)
class Reconciler:
    """Makes the models map name the newest approved package of a group, or none.

    `endpoints` are the names of all endpoints, the first one first. `cause` is the reason for the call: an
    event, the schedule or a request. Groups that it looks at side by side wait for each other to copy, as
    a function's disk has room for one large model and not for more, and share the writes of the one map.
    """

    bucket: str
    endpoints: tuple[str, ...]
    cause: str
    s3: BaseClient
    sagemaker: BaseClient
    runtime: BaseClient
    _copying: AbstractContextManager = field(default_factory=threading.Lock, compare=False)
    _switches: Switches = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Share the switches among all groups."""
        object.__setattr__(self, "_switches", Switches(self.s3, self.bucket))

    def reconcile(self, group: str) -> Outcome:
        """Copy, warm, switch, retire: the map never names an artifact that is missing or was never invoked.

        If the endpoint cannot be invoked now, the map stays as it is and the schedule tries again. An
        ArtifactError means that a package must not be served, a SupersededError that the registry changed
        faster than its packages could be copied. Steps that an earlier deployer left undone are completed
        too.
        """
        for _ in range(ATTEMPTS):
            package = registry.newest_approved(self.sagemaker, group)
            try:
                entry = self._ready(package) if package else None
                before = self._switch(group, package, entry)
            except SupersededError:
                continue
            except ArtifactError as error:
                if package:
                    ledger.refuse(self.s3, self.bucket, group, package.version, str(error), self.cause)
                raise
            except NotNowError as error:
                return {"action": "postponed", "version": package.version, "reason": str(error)}
            decide = functools.partial(self._decision, group, package)
            ledger.follow(self.s3, self.bucket, group, entry, decide, self.cause)
            self._retire_others(group, entry)
            return _outcome(before, entry)
        raise SupersededError(group)

    def _decision(self, group: str, package: Package | None, version: int) -> ledger.Decision:
        """Return the decision on a version, which is known if that is the package."""
        if package and package.version == version:
            return package.decision
        return registry.decision(self.sagemaker, group, version)

    def _ready(self, package: Package) -> Entry:
        """Put a package's artifact in place and warm it up, unless it is already in service there.

        With another number of endpoints, some groups get another endpoint. The former one serves until the
        switch. It then gets no more calls for the model, and unloads it when it needs room.
        """
        current = self._switches.current(package.group)
        is_current = current is not None and (
            (current["version"], current.get("registered_at")) == (package.version, package.registered_at)
        )
        endpoint = endpoint_of(package.group, self.endpoints)
        is_there = is_current and current.get("endpoint", self.endpoints[0]) == endpoint
        if is_there and artifacts.keep(self.s3, self.bucket, current["key"]):
            # Without a record of the approval, the package's last change may be of anything.
            return {**current, "approved_at": package.approved_at} if package.recorded else current
        with self._copying:
            entry, manifest = artifacts.deposit(self.s3, self.bucket, package)
        columns.write(self.s3, self.bucket, entry, manifest)
        target_model = entry["key"].removeprefix(names.load().prefixes.models)
        about = {"function": "deployer", "group": package.group, "version": package.version}
        log.line(**about, at=log.now(), action="warming")
        rows = warming.warm(self.runtime, endpoint, target_model, manifest["sample"])
        log.line(**about, at=log.now(), action="checked", rows=rows)
        return entry if endpoint == self.endpoints[0] else {**entry, "endpoint": endpoint}

    def _switch(self, group: str, package: Package | None, entry: Entry | None) -> Entry | None:
        """Put the entry into the map, or remove the group from it, and return the previous entry.

        A SupersededError means that the registry has changed since.
        """
        return self._switches.switch(
            group, entry, lambda: registry.newest_approved(self.sagemaker, group) == package
        )

    def _retire_others(self, group: str, entry: Entry | None) -> None:
        """Retire every artifact of the group that is not in service.

        Another deployer may switch to one of them between two calls here. That deployer removes the tag after
        its switch, and this one reads the map after tagging, so the later of the two makes sure that no
        artifact in service stays retired.
        """
        if entry:
            artifacts.keep(self.s3, self.bucket, entry["key"])
            artifacts.keep_baseline(self.s3, self.bucket, entry["key"])
        current = {entry["key"], artifacts.baseline_key(entry["key"])} if entry else set()
        found = [key for key in artifacts.keys(self.s3, self.bucket, group) if key not in current]
        retired = [key for key in found if artifacts.retire(self.s3, self.bucket, key)]
        if retired:
            serving = models_map.read(self.s3, self.bucket).entries.get(group)
            if serving and serving["key"] in retired:
                artifacts.keep(self.s3, self.bucket, serving["key"])
                artifacts.keep_baseline(self.s3, self.bucket, serving["key"])


def _outcome(before: Entry | None, entry: Entry | None) -> Outcome:
    outcome: Outcome = {"version": entry["version"] if entry else None}
    if before == entry:
        return {"action": "unchanged", **outcome}
    if before:
        outcome["previous_version"] = before["version"]
    if entry:
        outcome["key"] = entry["key"]
        if "endpoint" in entry:
            outcome["endpoint"] = entry["endpoint"]
    return {"action": "deployed" if entry else "removed", **outcome}
