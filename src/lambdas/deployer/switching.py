"""The switch: the one map is changed for all groups of a process that wait, by whichever comes first.

Each write contains the whole map, and only one deployer's write holds. Eight groups that are deployed side by
side would otherwise lose to each other again and again.
"""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from botocore.client import BaseClient

from lambdas import models_map
from lambdas.errors import SupersededError
from lambdas.models_map import Entry, ModelsMap, Snapshot

__all__ = ["Switches"]


@dataclass(eq=False)
class _Switch:
    """What a group should have in the map, None for nothing, and who knows whether it still should."""

    group: str
    entry: Entry | None
    is_current: Callable[[], bool]
    done: Future[Entry | None] = field(default_factory=Future)
    before: Entry | None = None
    checked: bool = False
    superseded: bool = False

    def decide(self, before: Entry | None) -> bool:
        """Return whether to change the map, in which the group has the entry `before`.

        The registry is asked after the map was read. If it has changed, another deployer may have acted on
        the change already, and a slower deployer must not switch the map back. As long as the group keeps its
        entry, nobody has acted, so a write that was lost to another group's needs no other question.
        """
        asked, self.before = self.checked and before == self.before, before
        if before == self.entry:
            return False
        if not asked:
            self.superseded, self.checked = not self.is_current(), True
        return not self.superseded


class Switches:
    """The switches of one process; any thread may ask for one."""

    def __init__(self, s3: BaseClient, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket
        self._waiting: list[_Switch] = []
        self._adding, self._writing = threading.Lock(), threading.Lock()
        self._snapshot: Snapshot | None = None

    def current(self, group: str) -> Entry | None:
        """Return the group's entry in the map, which is fetched again only if it has changed."""
        self._snapshot = snapshot = models_map.read(self._s3, self._bucket, self._snapshot)
        return snapshot.entries.get(group)

    def switch(self, group: str, entry: Entry | None, is_current: Callable[[], bool]) -> Entry | None:
        """Put the entry into the map, or remove the group from it, and return the previous entry.

        Args:
            group: whose entry it is.
            entry: what it should be.
            is_current: whether that is still what the registry says; asked only if the map must change.

        Raises:
            SupersededError: it is not.
        """
        wanted = _Switch(group, entry, is_current)
        with self._adding:
            self._waiting.append(wanted)
        with self._writing:
            if not wanted.done.done():
                self._write_all()
        return wanted.done.result()

    def _write_all(self) -> None:
        with self._adding:
            batch, self._waiting = self._waiting, []
        try:
            edit = functools.partial(_edited, batch=batch)
            models_map.change(self._s3, self._bucket, edit, self._snapshot)
        except Exception as error:
            for wanted in batch:
                wanted.done.set_exception(error)
            return
        for wanted in batch:
            if wanted.superseded:
                wanted.done.set_exception(SupersededError(wanted.group))
            else:
                wanted.done.set_result(wanted.before)


def _edited(entries: ModelsMap, batch: list[_Switch]) -> ModelsMap:
    changed = [wanted for wanted in batch if wanted.decide(entries.get(wanted.group))]
    if not changed:
        return entries
    edited = {**entries, **{wanted.group: wanted.entry for wanted in changed}}
    return {group: entry for group, entry in edited.items() if entry is not None}
