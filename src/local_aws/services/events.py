"""The part of EventBridge that the contract needs: rules with patterns, delivery, and dead letters."""

import queue
import random
import threading
import time
from typing import Any
from uuid import uuid4

from local_aws.core.account import Account
from local_aws.core.errors import AwsError, invalid
from local_aws.core.faults import log_exception
from local_aws.core.store import Document, Store
from local_aws.services.functions.functions import Functions

__all__ = ["Events", "check_pattern", "matches"]

_RETRY_SECONDS = (0.5, 1.0, 2.0)
_SIDE_BY_SIDE = 8  # deliveries; each waits for a function
_OPERATORS = ("prefix", "suffix", "equals-ignore-case", "anything-but", "exists")


class Events:
    """Rules, and the threads that deliver what matches them, side by side and in no order, as EventBridge."""

    def __init__(self, account: Account, store: Store, functions: Functions) -> None:
        self._account, self._store, self._functions = account, store, functions
        self._queue: queue.Queue[tuple[Document, Document] | None] = queue.Queue()
        self._closing = threading.Event()
        self._faults(store.find("setting", "deliveries") or {"lost": 0.0, "duplicated": 0.0, "seed": 0})
        self._threads = [
            threading.Thread(target=self._deliver_all, name=f"events-{number}", daemon=True)
            for number in range(_SIDE_BY_SIDE)
        ]
        for thread in self._threads:
            thread.start()

    def put_rule(self, name: str, pattern: dict[str, Any], function: str) -> None:
        """Create or change a rule that sends matching events to a function."""
        check_pattern(pattern)
        self._store.put("rule", name, {"Name": name, "EventPattern": pattern, "Function": function})

    def set_deliveries(self, lost: float = 0.0, duplicated: float = 0.0, seed: int = 0) -> Document:
        """Lose or duplicate a fraction of all deliveries, as SageMaker's best-effort delivery may.

        Raises:
            AwsError: The values are not fractions of 1.
        """
        if lost < 0 or duplicated < 0 or lost + duplicated > 1:
            raise invalid(
                f"lost ({lost}) and duplicated ({duplicated}) must be fractions, and at most 1 together."
            )
        settings = {"lost": lost, "duplicated": duplicated, "seed": seed}
        self._store.put("setting", "deliveries", settings)
        self._faults(settings)
        return settings

    def _faults(self, settings: Document) -> None:
        self.deliveries = settings
        self._random = random.Random(settings["seed"])  # noqa: S311 - the same faults with the same seed

    def _copies(self) -> int:
        """Return how many times to make a delivery."""
        drawn, lost = self._random.random(), self.deliveries["lost"]
        if drawn < lost:
            return 0
        return 2 if drawn < lost + self.deliveries["duplicated"] else 1

    def announce(self, event: Document) -> None:
        """Queue an event for every rule it matches."""
        event = {
            "version": "0",
            "id": str(uuid4()),
            "account": self._account.account_id,
            "region": self._account.region,
            **event,
        }
        for rule in self._store.list("rule"):
            if matches(rule["EventPattern"], event):
                for _ in range(self._copies()):
                    self._queue.put((rule, event))

    def dead_letters(self) -> list[Document]:
        """Return the events that could not be delivered."""
        return self._store.list("dead-letter")

    def waiting(self) -> int:
        """Return how many deliveries are still pending."""
        return self._queue.unfinished_tasks

    def close(self) -> None:
        """Stop deliveries. An event is only a hint, because consumers reconcile with the registry."""
        self._closing.set()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _deliver_all(self) -> None:
        while delivery := self._queue.get():
            try:
                if not self._closing.is_set():
                    self._deliver(*delivery)
            except Exception:
                log_exception()
            finally:
                self._queue.task_done()

    def _deliver(self, rule: Document, event: Document) -> None:
        reason = ""
        for pause in (*_RETRY_SECONDS, None):
            try:
                invocation = self._functions.invoke(rule["Function"], event)
                if not invocation.error:
                    return
                reason = invocation.payload
            except AwsError as error:
                reason = str(error)
            if pause is None or self._closing.wait(pause):
                break
        letter = {"Rule": rule["Name"], "Function": rule["Function"], "Event": event, "Reason": reason}
        self._store.put("dead-letter", event["id"], {**letter, "Time": time.time()})


def matches(pattern: dict[str, Any], event: Any) -> bool:
    """Return whether an event has one of the listed values for every field of a pattern.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    """
    if not isinstance(event, dict):
        return False
    return all(_field_matches(wanted, event.get(field, _MISSING)) for field, wanted in pattern.items())


_MISSING = object()


def _field_matches(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, dict):
        return matches(wanted, value)
    values = value if isinstance(value, list) else [value]
    return any(_value_matches(rule, each) for rule in wanted for each in values)


def _value_matches(rule: Any, value: Any) -> bool:
    if not isinstance(rule, dict):
        return value is not _MISSING and rule == value
    ((operator, operand),) = rule.items()
    if operator == "exists":
        return (value is not _MISSING) == operand
    if value is _MISSING:
        return False
    if operator == "anything-but":
        return value not in (operand if isinstance(operand, list) else [operand])
    if not isinstance(value, str):
        return False
    if operator == "prefix":
        return value.startswith(operand)
    if operator == "suffix":
        return value.endswith(operand)
    return value.lower() == operand.lower()


def check_pattern(pattern: Any, path: str = "event pattern") -> None:
    """Refuse what EventBridge refuses, and what is not emulated.

    Raises:
        AwsError: The pattern is refused; the message names the place in it.
    """
    if isinstance(pattern, dict):
        for field, inside in pattern.items():
            check_pattern(inside, f"{path}.{field}")
        return
    if not isinstance(pattern, list) or not pattern:
        raise AwsError("InvalidEventPatternException", f"{path} must be a list of values or an object")
    for rule in pattern:
        if isinstance(rule, dict) and (len(rule) != 1 or next(iter(rule)) not in _OPERATORS):
            raise AwsError("InvalidEventPatternException", f"{path}: {rule} is not one of {_OPERATORS}")
