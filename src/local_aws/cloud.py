"""Assembles all parts of the local AWS."""

import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from local_aws.compute.container_workers import workers
from local_aws.core.account import Account
from local_aws.core.concurrency import together
from local_aws.core.errors import not_emulated
from local_aws.core.files import disk_use
from local_aws.core.moto import Moto, published
from local_aws.core.requests.signatures import CONTROL, Signatures
from local_aws.core.requests.wire import Reply, Request, json_reply
from local_aws.core.store import Store
from local_aws.environment import Environments
from local_aws.gateway.access import Access
from local_aws.gateway.calls import Calls
from local_aws.gateway.dispatch import Dispatcher
from local_aws.gateway.handlers import (
    no_browser_pages,
    only_this_machine,
    recorded,
    refuse_unlisted,
    uncompressed,
)
from local_aws.gateway.json_operations import JsonOperations
from local_aws.gateway.limits.handler import refuse_invalid
from local_aws.gateway.operations import Operations
from local_aws.pruning import Pruning
from local_aws.services.cloudwatch.insights import Insights
from local_aws.services.cloudwatch.logs import Logs
from local_aws.services.endpoints.endpoints import Endpoints
from local_aws.services.endpoints.runtime import Runtime
from local_aws.services.events import Events
from local_aws.services.firehose.streams import Streams
from local_aws.services.functions.api import LambdaApi
from local_aws.services.functions.functions import Functions
from local_aws.services.functions.url import FunctionUrls
from local_aws.services.jobs.processing import ProcessingJobs
from local_aws.services.jobs.run import Platform
from local_aws.services.jobs.sharing import SharedFolders
from local_aws.services.jobs.training.jobs import TrainingJobs
from local_aws.services.jobs.transform import TransformJobs
from local_aws.services.jobs.tuning import TuningJobs
from local_aws.services.pipelines.callbacks import Callbacks
from local_aws.services.pipelines.pipelines import Pipelines
from local_aws.services.pipelines.steps import Services
from local_aws.services.registry import GroupPolicies, Registry
from local_aws.services.s3 import Buckets
from local_aws.services.search import Finder
from local_aws.services.tags import Tags

__all__ = ["Cloud"]


class Cloud:
    """One account's services.

    Attributes:
        answer: Answers a request to any of them.
        stop_requested: Set when a client asks the server to stop.
    """

    def __init__(self, account: Account, preload: bool = True) -> None:
        self.account = account
        moto, signatures = Moto(), Signatures(account.secret)
        self._store = Store(account.home / "records.db")
        self._workers = workers(account.home, preload)
        buckets = Buckets(account.home / "s3", moto)
        platform = self._platform = Platform(
            account, self._store, buckets, self._workers, SharedFolders(account.home)
        )
        self.functions = Functions(account, self._store)
        self._events = Events(account, self._store, self.functions)
        registry = Registry(account, self._store, self._events.announce)
        group_policies = GroupPolicies(self._store, registry)
        self._calls = Calls(account)
        access = Access(
            account,
            self._calls,
            lambda: self._environments.names(),
            lambda arn: _policy_of(arn, buckets, group_policies),
        )
        processing, training = ProcessingJobs(platform), TrainingJobs(platform, access.authorize)
        tuning = TuningJobs(platform, training)
        self._endpoints = Endpoints(account, self._store, buckets, self._workers)
        transform = TransformJobs(platform, self._endpoints)
        self._training = training
        self._jobs = (tuning, training, processing, transform)
        callbacks = Callbacks()
        services = Services(
            self._store,
            processing,
            training,
            tuning,
            transform,
            self._endpoints,
            registry,
            self.functions,
            callbacks,
            access.authorize,
        )
        self._streams = Streams(account, self._store, buckets, access.authorize)
        self._pipelines = Pipelines(account, self._store, buckets, services, self._warm_up)
        self._environments = Environments(
            account,
            self._store,
            buckets,
            self._endpoints,
            self.functions,
            self._events,
            group_policies,
            self._streams,
        )
        self._pruning = Pruning(account, self._store, buckets, platform.shared)
        self._operations = Operations()
        self.stop_requested = threading.Event()
        tags, logs = Tags(self._store), Logs(account, self._store)
        families = {
            "firehose": [self._streams],
            "logs": [logs, Insights(logs)],
            "sagemaker": [
                self._pipelines,
                callbacks,
                processing,
                training,
                tuning,
                transform,
                registry,
                group_policies,
                self._endpoints,
                tags,
                Finder(
                    self._store,
                    tags,
                    {
                        "Endpoint": self._endpoints.describe_endpoint,
                        "HyperParameterTuningJob": tuning.describe_hyper_parameter_tuning_job,
                    },
                ),
            ],
        }
        # The path of a request: each handler answers it, refuses it, or leaves it to the next.
        self.answer = Dispatcher(
            [
                only_this_machine,
                no_browser_pages,
                signatures.require,
                uncompressed,
                self._operations.name,
                self._calls.note,
                refuse_unlisted,
                access.refuse,
                refuse_invalid,
                FunctionUrls(self.functions, signatures).answer,  # before all whose signatures were checked
                Runtime(self._endpoints).answer,  # asked most often of these
                buckets.answer,
                access.simulate,
                recorded(moto),
                self._control,
                LambdaApi(self.functions, buckets.read).answer,
                JsonOperations(families, tags).answer,
            ]
        )

    def recover(self) -> None:
        """Restore the state of the last server; called once requests are answered."""
        for jobs in self._jobs:
            jobs.recover()
        self._pipelines.recover()
        self._endpoints.recover()
        self._streams.recover()
        self._environments.recover()
        threading.Thread(target=self._pruning.prune_if_large, name="prune", daemon=True).start()

    def _warm_up(self) -> None:
        threading.Thread(target=self._workers.warm_up, name="warm-up", daemon=True).start()

    def idle_seconds(self) -> float:
        """Return for how many seconds there has been no request and nothing has run."""
        if self._pipelines.running() or any(jobs.running() for jobs in self._jobs) or self._events.waiting():
            return 0.0
        return time.monotonic() - self.answer.last_request

    def close(self) -> None:
        """Stop everything that was started, and wait until it has ended."""
        self._platform.closing.set()
        self._pipelines.abandon()
        together([self._endpoints.close, *(jobs.close for jobs in self._jobs)])
        self._pipelines.close()
        together([self._events.close, self.functions.close])  # an event may wait for its function
        self._streams.close()
        self._workers.close()
        self._store.close()

    def status(self) -> dict[str, Any]:
        """Return what `python -m local_aws status` shows."""
        return {
            "endpoint_url": self.account.endpoint_url,
            "home": str(self.account.home),
            "pid": os.getpid(),
            "region": self.account.region,
            "environments": self._environments.names(),
            "disk_bytes": disk_use(self.account.home),
            "executions": self._pipelines.running(),
            "jobs": [name for jobs in self._jobs for name in jobs.running()],
            "endpoints": self._endpoints.status(),
            "deliveries": self._events.deliveries,
            "dead_letters": self._events.dead_letters(),
        }

    def _control(self, request: Request) -> Reply | None:
        """Answer requests from this package's own functions, under `/_local/`."""
        if not request.path.startswith(CONTROL):
            return None
        answers: dict[str, Callable[..., Any]] = {
            "GET health": lambda: {"pid": os.getpid(), "home": str(self.account.home)},
            "GET status": self.status,
            "GET requests": self._pipelines.requests,
            "GET calls": self._calls.list,
            "GET operations": self._operations.list,
            "GET messages": lambda: published(self.account.region),
            "POST environments": self._environments.ensure,
            "POST deliveries": self._events.set_deliveries,
            "POST endpoints": self._endpoints.set_seconds,
            "POST interruptions": self._training.interrupt,
            "POST unload": self._endpoints.unload,
            "POST streams": self._streams.deliver,
            "POST prune": self._pruning.prune,
            "POST stop": self.stop_requested.set,
        }
        answer = answers.get(f"{request.method} {request.path.removeprefix(CONTROL)}")
        if answer is None:
            raise not_emulated(str(request))
        asked = json.loads(request.body or b"{}") if request.method == "POST" else {}
        return json_reply(answer(**asked))


def _policy_of(arn: str, buckets: Buckets, group_policies: GroupPolicies) -> dict[str, Any] | None:
    """The policy of a resource that has one."""
    match arn.split(":")[2:]:
        case ["s3", _, _, name]:
            return buckets.policies.get(name.partition("/")[0])
        case ["sagemaker", *_]:
            return group_policies.of(arn)
    return None
