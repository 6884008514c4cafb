"""What is behind an endpoint: its container and models, and during an update those that replace them."""

import os
import shutil
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from local_aws.compute.workers import Workers
from local_aws.core.account import Account
from local_aws.core.concurrency import together
from local_aws.core.errors import AwsError
from local_aws.core.faults import fault, log_exception
from local_aws.core.store import Document, Store
from local_aws.services.cloudwatch.metrics import EndpointMetrics
from local_aws.services.endpoints.guardrails import Shift
from local_aws.services.endpoints.hosting import Host
from local_aws.services.endpoints.records import ENDPOINT, MADE_OF, Records
from local_aws.services.endpoints.serve_process import Container
from local_aws.services.jobs.run import REASON_LENGTH
from local_aws.services.s3 import Buckets

__all__ = ["Instance", "Instances"]

_PAUSE = 0.05  # seconds


@dataclass
class Instance:
    """An endpoint's container and its models. While an update moves the traffic, there are two.

    Attributes:
        container: The container.
        host: The models in it.
        variant: The name of the variant that it is an instance of.
        configuration: The name of the configuration with that variant.
        shift: The move of the traffic to it, if it replaces another one.
        in_service: Whether it takes requests.
    """

    container: Container
    host: Host
    variant: str
    configuration: str
    shift: Shift | None
    in_service: bool = False


@dataclass
class _Start:
    """A container that is being started, or an update under way.

    Attributes:
        shift: The move of the traffic.
        ended: Set when the endpoint is deleted, or the server stops.
        thread: Where it happens.
    """

    shift: Shift | None
    ended: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread = field(default_factory=threading.Thread)

    def end(self) -> None:
        """Let it end soon."""
        self.ended.set()
        if self.shift is not None:
            self.shift.end()


class Instances:
    """The instances of all endpoints, by the endpoint's name.

    Attributes:
        seconds: How long creating or updating an endpoint takes at least.
    """

    def __init__(
        self, account: Account, store: Store, records: Records, buckets: Buckets, workers: Workers
    ) -> None:
        self._account, self._store, self._records = account, store, records
        self._buckets, self._workers = buckets, workers
        self._current: dict[str, Instance] = {}
        self._newer: dict[str, Instance] = {}
        self._starts: dict[str, _Start] = {}
        self._lock = threading.RLock()
        self._closed = False
        self.seconds = 0.0

    def next(self, name: str) -> Instance | None:
        """Return the instance of an endpoint that gets the next request."""
        newer = self._newer.get(name)
        if newer is not None and newer.shift is not None and newer.shift.takes_next():
            return newer
        return self._current.get(name)

    def newer(self, name: str) -> Instance | None:
        """Return the instance that an update is about to put in place of the current one."""
        return self._newer.get(name)

    def status(self, name: str) -> dict[str, Any]:
        """Return an endpoint's counters, and those of its newer instance."""
        about: dict[str, Any] = {}
        if current := self._current.get(name):
            about |= current.host.status()
        if newer := self._newer.get(name):
            about["update"] = newer.host.status()
        return about

    def unload(self) -> int:
        """Unload all models, and return how many there were."""
        return sum(instance.host.unload() for instance in list(self._current.values()))

    def start(self, name: str, update: str | None = None, shift: Shift | None = None) -> None:
        """Start an endpoint's container in a thread: its first one, or that of an update's configuration."""
        with self._lock:
            if self._closed or name in self._starts:
                return
            status = "Updating" if update else "Creating"
            self._store.update("endpoint", name, EndpointStatus=status, FailureReason=None)
            start = self._starts[name] = _Start(shift)
            start.thread = threading.Thread(
                target=self._bring_up, args=(name, update, start), name=f"start-{name}"
            )
            start.thread.start()

    def stop(self, name: str) -> None:
        """End everything that is behind an endpoint, also what is just being started."""
        with self._lock:
            start = self._starts.get(name)
            if start is not None:
                start.end()  # from now on, its thread puts nothing in place
        self._close(name)
        if start is not None:
            start.thread.join()

    def close(self) -> None:
        """Stop all containers."""
        with self._lock:
            self._closed = True
        together(partial(self.stop, name) for name in {*self._current, *self._starts})

    def _bring_up(self, name: str, update: str | None, start: _Start) -> None:
        place = self._newer if update else self._current
        try:
            endpoint = self._records.find(ENDPOINT, name)
            configuration = update or endpoint["EndpointConfigName"]
            made_of = None if update else endpoint.get(MADE_OF)
            made_of = made_of or self._records.made_of(configuration)
            instance = self._instance(name, configuration, made_of, start.shift)
            with self._lock:
                _require_going_on(start)
                place[name] = instance
            self._take_time(start)
            _require_going_on(start)
            instance.container.start()
            instance.in_service = True
            fields = {"EndpointStatus": "InService", MADE_OF: made_of}
            if start.shift is not None:
                start.shift.run()
                self._replace(name, start)
                fields["EndpointConfigName"] = instance.configuration
        except Exception as error:
            if not isinstance(error, AwsError):
                log_exception()
            reason = (error if isinstance(error, AwsError) else fault(error)).message
            if failed := place.pop(name, None):
                if update:
                    self._note(name, EndpointStatus="RollingBack")
                failed.container.close()
            # An update that fails leaves the endpoint as it was.
            status = "InService" if update and name in self._current else "Failed"
            fields = {"EndpointStatus": status, "FailureReason": reason[:REASON_LENGTH]}
        with self._lock:
            self._starts.pop(name, None)
            self._note(name, LastModifiedTime=time.time(), **fields)

    def _take_time(self, start: _Start) -> None:
        """Wait as long as was asked for, unless this ends."""
        begin = time.monotonic()
        while time.monotonic() - begin < self.seconds and not start.ended.wait(_PAUSE):
            continue

    def _note(self, name: str, **fields: Any) -> None:
        """Record what has become of an endpoint, unless it or this server ends."""
        with self._lock:
            if not self._closed and self._store.find("endpoint", name):
                self._store.note("endpoint", name, **fields)

    def _instance(self, name: str, configuration: str, made_of: Document, shift: Shift | None) -> Instance:
        """Return a container as on a new instance, without any models on its disk."""
        place = self._account.home / "endpoints" / name
        folder = place / f"update-{uuid4().hex[:8]}" if name in self._current else place
        shutil.rmtree(folder / "ml", ignore_errors=True)
        variant, model = made_of["Variant"], made_of["Model"]
        definition = model["PrimaryContainer"]
        # On AWS, Terraform sets this variable of the model; on a laptop, it comes from the environment.
        pickles = {name: os.environ[name] for name in ("SERVE_PICKLES",) if name in os.environ}
        variables = pickles | definition.get("Environment", {})
        container = Container(self._account, self._workers, folder, model["ExecutionRoleArn"], variables)
        log_arn = self._account.arn("logs", f"log-group:/aws/sagemaker/Endpoints/{name}")
        cached = definition.get("MultiModelConfig", {}).get("ModelCacheSetting") != "Disabled"
        metrics = EndpointMetrics(self._account.region, name, variant["VariantName"])
        host = Host(container, self._buckets, folder, definition["ModelDataUrl"], log_arn, cached, metrics)
        return Instance(container, host, variant["VariantName"], configuration, shift)

    def _replace(self, name: str, start: _Start) -> None:
        """Let an endpoint's newer instance take over from its current one."""
        with self._lock:
            _require_going_on(start)
            former = self._current.get(name)
            self._current[name] = self._newer.pop(name)
        if former is not None:
            former.container.close()
            shutil.rmtree(former.container.folder / "ml", ignore_errors=True)

    def _close(self, name: str) -> None:
        for instances in (self._current, self._newer):
            if instance := instances.pop(name, None):
                instance.container.close()


def _require_going_on(start: _Start) -> None:
    if start.ended.is_set():
        raise AwsError("Ended", "The endpoint was deleted, or the server stopped, while it was starting.")
