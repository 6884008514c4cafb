"""All parts of this AWS, put together."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local_aws.compute.container_workers import workers
from local_aws.core.account import Account
from local_aws.core.errors import not_emulated
from local_aws.core.store import Store
from local_aws.core.wire import Reply, json_reply
from local_aws.environment import Environments
from local_aws.gateway.calls import Calls
from local_aws.gateway.dispatch import Dispatcher
from local_aws.services.cloudwatch.logs import Logs
from local_aws.services.endpoints.endpoints import Endpoints
from local_aws.services.events import Events
from local_aws.services.functions.api import LambdaApi
from local_aws.services.functions.functions import Functions
from local_aws.services.functions.url import FunctionUrls
from local_aws.services.jobs.family import Platform
from local_aws.services.jobs.processing import ProcessingJobs
from local_aws.services.jobs.training import TrainingJobs
from local_aws.services.jobs.tuning import TuningJobs
from local_aws.services.pipelines.pipelines import Pipelines
from local_aws.services.pipelines.steps import Services
from local_aws.services.registry import GroupPolicies, Registry
from local_aws.services.s3 import Buckets
from local_aws.services.tags import Tags

__all__ = ["Cloud"]


class Cloud:
    """One account's services.

    Attributes:
        application: The WSGI application that answers for all of them.
        stop_requested: Set when a client asks the server to stop.
    """

    def __init__(self, account: Account, preload: bool = True) -> None:
        self.account = account
        moto = DomainDispatcherApplication(create_backend_app)
        self._store = Store(account.home / "records.db")
        self._workers = workers(account.home, preload)
        buckets = Buckets(account.home / "s3", moto)
        platform = self._platform = Platform(account, self._store, buckets, self._workers)
        self.functions = Functions(account, self._store)
        self._events = Events(account, self._store, self.functions)
        registry = Registry(account, self._store, self._events.announce)
        processing, training = ProcessingJobs(platform), TrainingJobs(platform)
        tuning = TuningJobs(platform, training)
        self._jobs = (tuning, training, processing)
        services = Services(self._store, processing, training, tuning, registry, self.functions)
        self._pipelines = Pipelines(account, self._store, buckets, services)
        self._endpoints = Endpoints(account, self._store, buckets, self._workers)
        self._environments = Environments(
            account, self._store, buckets, self._endpoints, self.functions, self._events
        )
        self._calls = Calls(account)
        self.stop_requested = threading.Event()
        self.application = Dispatcher(
            families=[
                self._pipelines,
                processing,
                training,
                tuning,
                registry,
                GroupPolicies(self._store, registry),
                self._endpoints,
            ],
            logs=Logs(account, self._store),
            tags=Tags(self._store),
            buckets=buckets,
            endpoints=self._endpoints,
            lambda_api=LambdaApi(self.functions),
            function_urls=FunctionUrls(self.functions),
            control=self._control,
            calls=self._calls,
            moto=moto,
        )

    def recover(self) -> None:
        """Come back to where the last server was: called once requests are answered."""
        for jobs in self._jobs:
            jobs.recover()
        self._pipelines.recover()
        self._endpoints.recover()
        self._environments.recover()
        threading.Thread(target=self._workers.warm_up, name="warm-up", daemon=True).start()

    def idle_seconds(self) -> float:
        """Return for how long nobody has asked for anything and nothing has run."""
        if self._pipelines.running() or any(jobs.running() for jobs in self._jobs) or self._events.waiting():
            return 0.0
        return time.monotonic() - self.application.last_request

    def close(self) -> None:
        """End everything that was started, and wait for it."""
        self._platform.closing.set()
        self._pipelines.close()
        for jobs in self._jobs:
            jobs.close()
        self._events.close()
        self._endpoints.close()
        self.functions.close()
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
            "disk_bytes": _size(self.account.home),
            "executions": self._pipelines.running(),
            "jobs": [name for jobs in self._jobs for name in jobs.running()],
            "endpoints": self._endpoints.status(),
            "deliveries": self._events.deliveries,
            "dead_letters": self._events.dead_letters(),
        }

    def _control(self, environ: dict[str, Any]) -> Reply:
        """Answer the requests of this package's own functions, under `/_local/`."""
        request = (environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix("/_local/"))
        if request == ("GET", "health"):
            return json_reply({"pid": os.getpid(), "home": str(self.account.home)})
        if request == ("GET", "status"):
            return json_reply(self.status())
        if request == ("GET", "requests"):
            return json_reply(self._pipelines.requests())
        if request == ("GET", "calls"):
            return json_reply(self._calls.list())
        if request == ("GET", "operations"):
            return json_reply(self.application.operations())
        if request == ("POST", "environments"):
            asked = json.loads(environ["wsgi.input"].read())
            return json_reply(self._environments.ensure(**asked))
        if request == ("POST", "deliveries"):
            self._events.set_deliveries(**json.loads(environ["wsgi.input"].read()))
            return json_reply(self._events.deliveries)
        if request == ("POST", "stop"):
            self.stop_requested.set()
            return json_reply({})
        raise not_emulated(f"{request[0]} {environ['PATH_INFO']}")


def _size(folder: Path) -> int:
    """Return how many bytes the files of a folder have; some may vanish while they are counted."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
