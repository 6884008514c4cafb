"""The operations on models, endpoint configurations and endpoints."""

import contextlib
import re
import shutil
import threading
from collections.abc import Mapping
from typing import Any

from local_aws.compute.workers import Workers
from local_aws.core.account import Account
from local_aws.core.errors import AwsError, invalid, not_emulated
from local_aws.core.moto import alarm_state
from local_aws.core.store import Document, Store
from local_aws.services.endpoints.guardrails import Guardrails, Shift, guardrails
from local_aws.services.endpoints.instances import Instances
from local_aws.services.endpoints.records import CONFIGURATION, ENDPOINT, MADE_OF, MODEL, Records
from local_aws.services.endpoints.serve_process import Answer
from local_aws.services.s3 import Buckets, split_uri

__all__ = ["BODY_LIMIT", "Endpoints"]

BODY_LIMIT = 6_291_456
_TARGET = re.compile(r"\S[ -~]{0,1023}")
_UNEMULATED_CONFIG = (
    "AsyncInferenceConfig",
    "DataCaptureConfig",
    "ExplainerConfig",
    "ShadowProductionVariants",
)
_UNEMULATED_CONTAINER = ("AdditionalModelDataSources", "ModelDataSource", "ModelPackageName")
_UNEMULATED_VARIANT = ("ServerlessConfig", "InferenceAmiVersion", "CoreDumpConfig")
_MOST_ENVIRONMENT = 32 * 1024  # bytes of all keys and values together
_UNDER_WAY = ("Creating", "Updating", "RollingBack", "Deleting")


class Endpoints:
    """The operations on models, configurations and endpoints, and InvokeEndpoint."""

    def __init__(self, account: Account, store: Store, buckets: Buckets, workers: Workers) -> None:
        self._account, self._store, self._buckets = account, store, buckets
        self._records = Records(account, store)
        self._instances = Instances(account, store, self._records, buckets, workers)
        self._updating = threading.Lock()

    # Models

    def create_model(self, request: Document) -> Document:
        """Record a model: a multi-model one for endpoints, or a single one for transform jobs.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
        """
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
            if container.get("Mode") != "MultiModel":  # whose folder may be empty as yet
                self._check_artifact(uri)
        size = sum(len(text.encode()) for pair in container.get("Environment", {}).items() for text in pair)
        if size > _MOST_ENVIRONMENT:
            raise invalid(
                f"The keys and values of Environment have {size} bytes together; "
                f"at most {_MOST_ENVIRONMENT} are allowed."
            )
        return self._records.create(MODEL, request)

    def describe_model(self, request: Document) -> Document:
        """Return a model's record."""
        return self._records.find(MODEL, request["ModelName"])

    def list_models(self, request: Document) -> Document:
        """List models."""
        return self._records.listed(MODEL, "Models", request)

    def delete_model(self, request: Document) -> Document:
        """Delete a model's record."""
        return self._records.delete(MODEL, request["ModelName"])

    # Configurations

    def create_endpoint_config(self, request: Document) -> Document:
        """Record a configuration with one variant.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
        """
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
        model = self._records.find(MODEL, variants[0]["ModelName"])
        if model["PrimaryContainer"].get("Mode") != "MultiModel":
            raise not_emulated("endpoints of a model that is not Mode MultiModel")
        for field in ("InstanceType", "InitialInstanceCount"):
            if not variants[0].get(field):
                raise invalid(f"A production variant of a model on instances needs {field}.")
        return self._records.create(CONFIGURATION, request)

    def describe_endpoint_config(self, request: Document) -> Document:
        """Return a configuration's record."""
        return self._records.find(CONFIGURATION, request["EndpointConfigName"])

    def list_endpoint_configs(self, request: Document) -> Document:
        """List configurations."""
        return self._records.listed(CONFIGURATION, "EndpointConfigs", request)

    def delete_endpoint_config(self, request: Document) -> Document:
        """Delete a configuration's record."""
        return self._records.delete(CONFIGURATION, request["EndpointConfigName"])

    # Endpoints

    def create_endpoint(self, request: Document) -> Document:
        """Record an endpoint and start its container; a deployment configuration is for later updates.

        Its name must differ from others by more than upper and lower case.
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
        """
        self._records.find(CONFIGURATION, request["EndpointConfigName"])
        lower = request["EndpointName"].lower()
        if any(other["EndpointName"].lower() == lower for other in self._store.list("endpoint")):
            raise invalid(f"Cannot create already existing endpoint {self._records.arn(ENDPOINT, lower)!r}.")
        deployment = request.get("DeploymentConfig")
        self._guardrails(deployment, request["EndpointConfigName"])
        recorded = {} if deployment is None else {"LastDeploymentConfig": deployment}
        answer = self._records.create(ENDPOINT, request, EndpointStatus="Creating", **recorded)
        self._instances.start(request["EndpointName"])
        return answer

    def describe_endpoint(self, request: Document) -> Document:
        """Return an endpoint's record, without its variant if its configuration was deleted.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteEndpointConfig.html
        """
        endpoint = self._records.find(ENDPOINT, request["EndpointName"])
        described = _public(endpoint)
        with contextlib.suppress(AwsError):  # its configuration or model was deleted, but it serves
            described["ProductionVariants"] = [self._summary(endpoint)]
        newer = self._instances.newer(request["EndpointName"])
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

        Of one that has failed, nothing but DeleteEndpoint is possible, and one whose present configuration
        was deleted cannot be updated (hashicorp/terraform-provider-aws #40048).

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
        """
        if request.get("ExcludeRetainedVariantProperties"):
            raise not_emulated("ExcludeRetainedVariantProperties of UpdateEndpoint")
        name, configuration = request["EndpointName"], request["EndpointConfigName"]
        with self._updating:
            endpoint = self._records.find(ENDPOINT, name)
            self._records.find(CONFIGURATION, configuration)
            self._require_rest(endpoint)
            if endpoint["EndpointStatus"] == "Failed":
                raise invalid(f"Cannot update failed endpoint {endpoint['EndpointArn']!r}; delete it.")
            self._records.find(CONFIGURATION, endpoint["EndpointConfigName"])
            deployment = request.get("DeploymentConfig")
            if request.get("RetainDeploymentConfig"):
                deployment = deployment or endpoint.get("LastDeploymentConfig")
            rules = self._guardrails(deployment, configuration, endpoint["EndpointConfigName"])
            self._store.update("endpoint", name, LastDeploymentConfig=deployment)
            self._instances.start(name, configuration, Shift(rules, self._alarm_state))
        return {"EndpointArn": endpoint["EndpointArn"]}

    def list_endpoints(self, request: Document) -> Document:
        """List endpoints."""
        listed = self._records.listed(ENDPOINT, "Endpoints", request)
        return {**listed, "Endpoints": [_public(endpoint) for endpoint in listed["Endpoints"]]}

    def delete_endpoint(self, request: Document) -> Document:
        """Stop an endpoint's container and delete its record, unless it is just being created or updated.

        aws/amazon-sagemaker-examples #3432, hashicorp/terraform-provider-aws #39152
        """
        name = request["EndpointName"]
        self._require_rest(self._records.find(ENDPOINT, name))
        self.remove(name)
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
        instance = self._instances.next(name)
        if instance is None or not instance.in_service:
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
        return instance.host.invoke(target, body, headers), instance.variant

    # For the server

    def recover(self) -> None:
        """Restart the containers of all endpoints, also of those whose configuration was deleted."""
        for endpoint in self._store.list("endpoint"):
            self._instances.start(endpoint["EndpointName"])

    def remove(self, name: str) -> None:
        """Stop an endpoint's container and delete its record, whatever is under way."""
        self._instances.stop(name)
        self._records.delete(ENDPOINT, name)
        shutil.rmtree(self._account.home / "endpoints" / name, ignore_errors=True)

    def set_seconds(self, seconds: float = 0.0) -> Document:
        """Let creating or updating an endpoint take at least this long, as on AWS, also if it is under way.

        Raises:
            AwsError: The number is negative.
        """
        if seconds < 0:
            raise invalid(f"seconds is {seconds}; it must be 0 or more.")
        self._instances.seconds = seconds
        return {"seconds": seconds}

    def unload(self) -> Document:
        """Unload the models of all endpoints, and count them."""
        return {"unloaded": self._instances.unload()}

    def restart_if_failed(self, name: str) -> None:
        """Restart an endpoint's container if it has failed."""
        if self._records.find(ENDPOINT, name)["EndpointStatus"] == "Failed":
            self._instances.start(name)

    def status(self) -> dict[str, Any]:
        """Return each endpoint's status and counters, and those of the new container in an update."""
        described = {}
        for endpoint in self._store.list("endpoint"):
            name = endpoint["EndpointName"]
            about = {"status": endpoint["EndpointStatus"], "reason": endpoint.get("FailureReason")}
            about |= self._instances.status(name)
            described[name] = about
        return described

    def close(self) -> None:
        """Stop all containers; the next server restarts their endpoints."""
        self._instances.close()

    # Inside

    def _check_artifact(self, uri: str) -> None:
        """Refuse an address at which there is no model: SageMaker looks when a model is created."""
        bucket, key = split_uri(uri)
        if not key.endswith(".tar.gz"):
            raise invalid(f"ModelDataUrl {uri!r} must point to a gzip-compressed tar archive (.tar.gz).")
        if key not in self._buckets.keys(bucket, key):
            raise invalid(
                f"Could not access model data at {uri}. Please ensure that the role can read the object, and "
                f"that it is located in {self._account.region}."
            )

    @staticmethod
    def _require_rest(endpoint: Document) -> None:
        if endpoint["EndpointStatus"] in _UNDER_WAY:
            raise invalid(f"Cannot update in-progress endpoint {endpoint['EndpointArn']!r}.")

    def _guardrails(
        self, deployment: Document | None, configuration: str, former: str | None = None
    ) -> Guardrails:
        """Return what a deployment configuration asks of an update to a configuration.

        Raises:
            AwsError: It cannot be used.
        """
        if deployment is None:
            return Guardrails()
        variant = self._records.variant(configuration)
        found = guardrails(deployment, variant.get("InitialInstanceCount", 1))
        new, old = variant["VariantName"], self._records.variant(former or configuration)["VariantName"]
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

    def _summary(self, endpoint: Document) -> Document:
        """Return what is described of an endpoint's variant."""
        configuration = endpoint["EndpointConfigName"]
        variant, model = self._records.variant(configuration), self._records.model(configuration)
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


def _public(endpoint: Document) -> Document:
    """Return an endpoint's record without what only this server needs to know."""
    return {field: value for field, value in endpoint.items() if field != MADE_OF}
