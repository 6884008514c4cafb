"""Models, endpoint configurations and endpoints: the records, and the hosts behind them."""

import os
import re
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from local_aws.compute.workers import Workers
from local_aws.core.account import Account
from local_aws.core.errors import AwsError, invalid, not_emulated
from local_aws.core.faults import fault, log_exception
from local_aws.core.listing import listing
from local_aws.core.moto import alarm_state
from local_aws.core.store import Document, Store
from local_aws.services.cloudwatch.metrics import EndpointMetrics
from local_aws.services.endpoints.guardrails import Guardrails, Shift, guardrails
from local_aws.services.endpoints.hosting import Host
from local_aws.services.endpoints.serve_process import Answer, Container
from local_aws.services.jobs.family import REASON_LENGTH
from local_aws.services.s3 import Buckets, split_uri

__all__ = ["BODY_LIMIT", "Endpoints"]

BODY_LIMIT = 6_291_456
_PAUSE = 0.05  # seconds
_TARGET = re.compile(r"\S[ -~]{0,1023}")
_UNEMULATED_CONFIG = (
    "AsyncInferenceConfig",
    "DataCaptureConfig",
    "ExplainerConfig",
    "ShadowProductionVariants",
)
_UNEMULATED_CONTAINER = ("AdditionalModelDataSources", "ModelDataSource", "ModelPackageName")
_UNEMULATED_VARIANT = ("ServerlessConfig", "InferenceAmiVersion", "CoreDumpConfig")


@dataclass
class _Hosted:
    """An endpoint's container and its models. While an update moves the traffic, there are two."""

    container: Container
    host: Host
    variant: str
    configuration: str
    shift: Shift | None  # to the newer of two
    in_service: bool = False


class Endpoints:
    """The operations on models, configurations and endpoints, and InvokeEndpoint."""

    def __init__(self, account: Account, store: Store, buckets: Buckets, workers: Workers) -> None:
        self._account, self._store, self._buckets, self._workers = account, store, buckets, workers
        self._hosts: dict[str, _Hosted] = {}
        self._replacements: dict[str, _Hosted] = {}
        self._starting: dict[str, tuple[threading.Thread, Shift | None]] = {}
        self._lock = threading.RLock()
        self._closed = False
        self.seconds = 0.0  # how long creating or updating an endpoint takes at least

    # Models

    def create_model(self, request: Document) -> Document:
        """Record a model: a multi-model one for endpoints, or a single one for transform jobs."""
        container = request.get("PrimaryContainer")
        if container is None or request.get("Containers"):
            raise not_emulated("models without PrimaryContainer")
        for field in _UNEMULATED_CONTAINER:
            if container.get(field):
                raise not_emulated(f"{field} of a model's container")
        if not container.get("Image"):
            raise invalid("The container of a model needs an Image.")
        if not request.get("ExecutionRoleArn"):
            raise invalid("A model needs an ExecutionRoleArn.")
        if container.get("Mode") == "MultiModel" and not container.get("ModelDataUrl"):
            raise invalid("A multi-model container needs a ModelDataUrl.")
        if uri := container.get("ModelDataUrl"):
            split_uri(uri)
        return self._create("model", "Model", request)

    def describe_model(self, request: Document) -> Document:
        """Return a model's record."""
        return self._find("model", "Model", request["ModelName"])

    def list_models(self, request: Document) -> Document:
        """List models."""
        return self._list("model", "Model", "Models", request)

    def delete_model(self, request: Document) -> Document:
        """Delete a model's record."""
        return self._delete("model", "Model", request["ModelName"])

    # Configurations

    def create_endpoint_config(self, request: Document) -> Document:
        """Record a configuration with one variant."""
        variants = request["ProductionVariants"]
        if len(variants) != 1:
            raise not_emulated("endpoint configurations without exactly one production variant")
        for field in _UNEMULATED_CONFIG:
            if request.get(field):
                raise not_emulated(f"{field} of an endpoint configuration")
        for field in _UNEMULATED_VARIANT:
            if variants[0].get(field):
                raise not_emulated(f"{field} of a production variant")
        if not variants[0].get("ModelName"):
            raise not_emulated("production variants without ModelName (inference components)")
        model = self._find("model", "Model", variants[0]["ModelName"])
        if model["PrimaryContainer"].get("Mode") != "MultiModel":
            raise not_emulated("endpoints of a model that is not Mode MultiModel")
        return self._create("endpoint-config", "EndpointConfig", request)

    def describe_endpoint_config(self, request: Document) -> Document:
        """Return a configuration's record."""
        return self._find("endpoint-config", "EndpointConfig", request["EndpointConfigName"])

    def list_endpoint_configs(self, request: Document) -> Document:
        """List configurations."""
        return self._list("endpoint-config", "EndpointConfig", "EndpointConfigs", request)

    def delete_endpoint_config(self, request: Document) -> Document:
        """Delete a configuration's record."""
        return self._delete("endpoint-config", "EndpointConfig", request["EndpointConfigName"])

    # Endpoints

    def create_endpoint(self, request: Document) -> Document:
        """Record an endpoint and start its container; a deployment configuration is for later updates."""
        self._find("endpoint-config", "EndpointConfig", request["EndpointConfigName"])
        deployment = request.get("DeploymentConfig")
        self._guardrails(deployment, request["EndpointConfigName"])
        recorded = {} if deployment is None else {"LastDeploymentConfig": deployment}
        answer = self._create("endpoint", "Endpoint", request, EndpointStatus="Creating", **recorded)
        self._start(request["EndpointName"])
        return answer

    def describe_endpoint(self, request: Document) -> Document:
        """Return an endpoint's record."""
        endpoint = self._find("endpoint", "Endpoint", request["EndpointName"])
        described = {**endpoint, "ProductionVariants": [self._summary(endpoint)]}
        newer = self._replacements.get(request["EndpointName"])
        if newer is not None and newer.shift is not None:
            pending = {**endpoint, "EndpointConfigName": newer.configuration}
            described["PendingDeploymentSummary"] = {
                "EndpointConfigName": newer.configuration,
                "ProductionVariants": [{**self._summary(pending), "VariantStatus": [newer.shift.stage]}],
                "StartTime": newer.shift.started,
            }
        return described

    def update_endpoint(self, request: Document) -> Document:
        """Change an endpoint's configuration: the new container is started first, then takes over.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
        """
        if request.get("ExcludeRetainedVariantProperties"):
            raise not_emulated("ExcludeRetainedVariantProperties of UpdateEndpoint")
        name, configuration = request["EndpointName"], request["EndpointConfigName"]
        with self._lock:
            endpoint = self._find("endpoint", "Endpoint", name)
            self._find("endpoint-config", "EndpointConfig", configuration)
            if endpoint["EndpointStatus"] not in ("InService", "Failed"):
                raise invalid(f"Cannot update in-progress endpoint {endpoint['EndpointArn']!r}.")
            deployment = request.get("DeploymentConfig")
            if request.get("RetainDeploymentConfig"):
                deployment = deployment or endpoint.get("LastDeploymentConfig")
            rules = self._guardrails(deployment, configuration, endpoint["EndpointConfigName"])
            self._store.update("endpoint", name, LastDeploymentConfig=deployment)
            self._start(name, configuration, Shift(rules, self._alarm_state))
        return {"EndpointArn": endpoint["EndpointArn"]}

    def list_endpoints(self, request: Document) -> Document:
        """List endpoints."""
        return self._list("endpoint", "Endpoint", "Endpoints", request)

    def delete_endpoint(self, request: Document) -> Document:
        """Stop an endpoint's container and delete its record."""
        name = request["EndpointName"]
        self._find("endpoint", "Endpoint", name)
        self._stop(name)
        self._delete("endpoint", "Endpoint", name)
        shutil.rmtree(self._account.home / "endpoints" / name, ignore_errors=True)
        return {}

    # The runtime

    def invoke(self, name: str, body: bytes, headers: Mapping[str, str]) -> tuple[Answer, str]:
        """Invoke a model of an endpoint.

        Args:
            name: The endpoint's name.
            body: The request body for the model.
            headers: The headers, with names in lower case; `x-amzn-sagemaker-target-model` names the model.

        Returns:
            The container's answer, and the name of the variant that answered.

        Raises:
            AwsError: As the runtime API reports it.
        """
        if len(body) > BODY_LIMIT:
            raise AwsError(
                "ValidationError", f"The body has {len(body)} bytes; at most {BODY_LIMIT} are allowed."
            )
        target = headers.get("x-amzn-sagemaker-target-model")
        hosted = self._next(name)
        if hosted is None or not hosted.in_service:
            endpoint = self._store.find("endpoint", name)
            if endpoint is None:
                raise AwsError(
                    "ValidationError", f"Endpoint {name} of account {self._account.account_id} not found."
                )
            status = endpoint["EndpointStatus"]
            raise AwsError("ValidationError", f"Endpoint {name} is in status {status}, not InService.")
        if not target:
            raise AwsError(
                "ValidationError", f"Endpoint {name} is a multi-model endpoint: TargetModel is needed."
            )
        if not _TARGET.fullmatch(target):
            raise AwsError("ValidationError", "TargetModel must have 1 to 1024 printable characters.")
        return hosted.host.invoke(target, body, headers), hosted.variant

    # For the server

    def recover(self) -> None:
        """Restart the containers of all endpoints."""
        for endpoint in self._store.list("endpoint"):
            self._start(endpoint["EndpointName"])

    def set_seconds(self, seconds: float = 0.0) -> Document:
        """Let creating or updating an endpoint take at least this long, as on AWS, also if it is under way.

        Raises:
            AwsError: The number is negative.
        """
        if seconds < 0:
            raise invalid(f"seconds is {seconds}; it must be 0 or more.")
        self.seconds = seconds
        return {"seconds": seconds}

    def restart_if_failed(self, name: str) -> None:
        """Restart an endpoint's container if it has failed."""
        if self._find("endpoint", "Endpoint", name)["EndpointStatus"] == "Failed":
            self._start(name)

    def status(self) -> dict[str, Any]:
        """Return each endpoint's status and counters, and those of the new container in an update."""
        described = {}
        for endpoint in self._store.list("endpoint"):
            name = endpoint["EndpointName"]
            about = {"status": endpoint["EndpointStatus"], "reason": endpoint.get("FailureReason")}
            if hosted := self._hosts.get(name):
                about |= hosted.host.status()
            if newer := self._replacements.get(name):
                about["update"] = newer.host.status()
            described[name] = about
        return described

    def close(self) -> None:
        """Stop all containers; the next server restarts their endpoints."""
        with self._lock:
            self._closed = True
        for name in {*self._hosts, *self._starting}:
            self._stop(name)

    # Inside

    def _start(self, name: str, update: str | None = None, shift: Shift | None = None) -> None:
        """Start an endpoint's container in a thread: its first one, or the one for an update."""
        with self._lock:
            if self._closed or name in self._starting:
                return
            status = "Updating" if update else "Creating"
            self._store.update("endpoint", name, EndpointStatus=status, FailureReason=None)
            thread = threading.Thread(target=self._bring_up, args=(name, update, shift), name=f"start-{name}")
            self._starting[name] = (thread, shift)
            thread.start()

    def _bring_up(self, name: str, update: str | None, shift: Shift | None) -> None:
        hosts = self._replacements if update else self._hosts
        try:
            endpoint = self._find("endpoint", "Endpoint", name)
            hosted = self._host({**endpoint, "EndpointConfigName": update} if update else endpoint, shift)
            hosts[name] = hosted
            self._take_time(name, hosts)
            hosted.container.start()
            hosted.in_service = True
            fields = {"EndpointStatus": "InService"}
            if shift is not None:
                shift.run()
                self._replace(name)
                fields["EndpointConfigName"] = update
        except Exception as error:
            if not isinstance(error, AwsError):
                log_exception()
            reason = (error if isinstance(error, AwsError) else fault(error)).message
            if failed := hosts.pop(name, None):
                if update:
                    self._note(name, EndpointStatus="RollingBack")
                failed.container.close()
            # An update that fails leaves the endpoint as it was.
            status = "InService" if update and name in self._hosts else "Failed"
            fields = {"EndpointStatus": status, "FailureReason": reason[:REASON_LENGTH]}
        with self._lock:
            self._starting.pop(name, None)
            self._note(name, LastModifiedTime=time.time(), **fields)

    def _take_time(self, name: str, hosts: Mapping[str, _Hosted]) -> None:
        """Wait as long as was asked for, unless this ends or the endpoint is deleted meanwhile."""
        begin = time.monotonic()
        while time.monotonic() - begin < self.seconds and name in hosts and not self._closed:
            time.sleep(_PAUSE)

    def _note(self, name: str, **fields: Any) -> None:
        """Record what has become of an endpoint, unless it or this server ends."""
        with self._lock:
            if not self._closed and self._store.find("endpoint", name):
                self._store.note("endpoint", name, **fields)

    def _host(self, endpoint: Document, shift: Shift | None) -> _Hosted:
        """Return a container as on a new instance, without any models on its disk."""
        name = endpoint["EndpointName"]
        place = self._account.home / "endpoints" / name
        folder = place / f"update-{uuid4().hex[:8]}" if name in self._hosts else place
        shutil.rmtree(folder / "ml", ignore_errors=True)
        variant, model = self._variant(endpoint)
        definition = model["PrimaryContainer"]
        # On AWS, Terraform sets this variable of the model; on a laptop, it comes from the environment.
        pickles = {name: os.environ[name] for name in ("SERVE_PICKLES",) if name in os.environ}
        variables = pickles | definition.get("Environment", {})
        container = Container(self._account, self._workers, folder, model["ExecutionRoleArn"], variables)
        log_arn = self._account.arn("logs", f"log-group:/aws/sagemaker/Endpoints/{name}")
        cached = definition.get("MultiModelConfig", {}).get("ModelCacheSetting") != "Disabled"
        metrics = EndpointMetrics(self._account.region, name, variant["VariantName"])
        host = Host(container, self._buckets, folder, definition["ModelDataUrl"], log_arn, cached, metrics)
        return _Hosted(container, host, variant["VariantName"], endpoint["EndpointConfigName"], shift)

    def _guardrails(
        self, deployment: Document | None, configuration: str, former: str | None = None
    ) -> Guardrails:
        """Return what a deployment configuration asks of an update to a configuration.

        Raises:
            AwsError: It cannot be used.
        """
        if deployment is None:
            return Guardrails()
        variant = self._configured(configuration)
        found = guardrails(deployment, variant.get("InitialInstanceCount", 1))
        new, old = variant["VariantName"], self._configured(former or configuration)["VariantName"]
        if new != old:
            raise invalid(
                f"With DeploymentConfig, the variant {new!r} must have the old one's name, {old!r}."
            )
        for name in found.alarms:
            if self._alarm_state(name) is None:
                raise invalid(f"AutoRollbackConfiguration names the alarm {name!r}, which does not exist.")
        return found

    def _alarm_state(self, name: str) -> str | None:
        return alarm_state(self._account.region, name)

    def _next(self, name: str) -> _Hosted | None:
        """Return the container of an endpoint that gets the next request."""
        newer = self._replacements.get(name)
        if newer is not None and newer.shift is not None and newer.shift.takes_next():
            return newer
        return self._hosts.get(name)

    def _replace(self, name: str) -> None:
        """Let an endpoint's new container take over from its old one."""
        former = self._hosts.get(name)
        self._hosts[name] = self._replacements.pop(name)
        if former is not None:
            former.container.close()
            shutil.rmtree(former.container.folder / "ml", ignore_errors=True)

    def _stop(self, name: str) -> None:
        thread, shift = self._starting.get(name, (None, None))
        if shift is not None:
            shift.end()
        self._close_host(name)
        if thread is not None:
            thread.join()
            self._close_host(name)  # the thread may just have created one

    def _close_host(self, name: str) -> None:
        for hosts in (self._hosts, self._replacements):
            if hosted := hosts.pop(name, None):
                hosted.container.close()

    def _summary(self, endpoint: Document) -> Document:
        """Return what is described of an endpoint's variant."""
        variant, model = self._variant(endpoint)
        image = model["PrimaryContainer"].get("Image", "")
        count = variant.get("InitialInstanceCount", 1)
        return {
            "VariantName": variant["VariantName"],
            "DeployedImages": [
                {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": endpoint["CreationTime"]}
            ],
            "CurrentWeight": 1.0,
            "DesiredWeight": 1.0,
            "CurrentInstanceCount": count,
            "DesiredInstanceCount": count,
        }

    def _configured(self, configuration: str) -> Document:
        """Return the variant of a configuration."""
        return self._find("endpoint-config", "EndpointConfig", configuration)["ProductionVariants"][0]

    def _variant(self, endpoint: Document) -> tuple[Document, Document]:
        variant = self._configured(endpoint["EndpointConfigName"])
        return variant, self._find("model", "Model", variant["ModelName"])

    def _create(self, kind: str, noun: str, request: Document, **fields: Any) -> Document:
        name, now = request[f"{noun}Name"], time.time()
        arn = self._account.arn("sagemaker", f"{kind}/{name.lower()}")
        document = {**request, f"{noun}Arn": arn, "CreationTime": now, "LastModifiedTime": now, **fields}
        if not self._store.add(kind, name, document):
            raise invalid(f"Cannot create already existing {kind} {arn!r}.")
        return {f"{noun}Arn": arn}

    def _find(self, kind: str, noun: str, name: str) -> Document:
        document = self._store.find(kind, name)
        if document is None:
            arn = self._account.arn("sagemaker", f"{kind}/{name.lower()}")
            raise invalid(f"Could not find {noun[0].lower()}{noun[1:]} {arn!r}.")
        return document

    def _delete(self, kind: str, noun: str, name: str) -> Document:
        self._find(kind, noun, name)
        self._store.delete(kind, name)
        return {}

    def _list(self, kind: str, noun: str, key: str, request: Document) -> Document:
        items = self._store.list(kind)
        chosen, following = listing(items, request, name=f"{noun}Name", status=f"{noun}Status")
        return {key: chosen, **following}
