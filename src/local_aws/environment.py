"""Creates what Terraform creates on AWS: everything that one pipeline name needs."""

import functools
import json
import os
import threading
from importlib import resources
from typing import Any

import boto3
from botocore.config import Config

from contract.endpoints import MOST, endpoint_names
from contract.names import LONGEST_PIPELINE, RESERVED, Contract, group_name, is_pipeline_name, load
from local_aws.core.account import Account
from local_aws.core.errors import invalid
from local_aws.core.requests.validation import models, validate
from local_aws.core.store import Document, Store
from local_aws.services.endpoints.endpoints import Endpoints
from local_aws.services.events import Events
from local_aws.services.firehose.streams import Streams
from local_aws.services.functions.functions import Functions
from local_aws.services.registry import GroupPolicies
from local_aws.services.s3 import Buckets

__all__ = ["Environments", "metrics_by_model"]

_ROLES = {
    "jobs": ("sagemaker.amazonaws.com", "scheduler.amazonaws.com"),
    "endpoint": ("sagemaker.amazonaws.com",),
    "monitor": ("sagemaker.amazonaws.com",),
    "deployer": ("lambda.amazonaws.com",),
    "invoker": ("lambda.amazonaws.com",),
    "retrainer": ("lambda.amazonaws.com",),
    "capture": ("firehose.amazonaws.com",),
}
# What an environment that takes models over from another does not have.
_TRAINING = ("jobs", "retrainer")
_INSTANCE_TYPE = "ml.m5.large"


class Environments:
    """All environments, by pipeline name."""

    def __init__(
        self,
        account: Account,
        store: Store,
        buckets: Buckets,
        endpoints: Endpoints,
        functions: Functions,
        events: Events,
        group_policies: GroupPolicies,
        streams: Streams,
    ) -> None:
        self._account, self._store, self._lock = account, store, threading.Lock()
        self._buckets, self._endpoints, self._functions, self._events = buckets, endpoints, functions, events
        self._group_policies, self._streams = group_policies, streams

    def ensure(
        self,
        pipeline_name: str,
        invoker_url_auth: str = "AWS_IAM",
        promote_to: Document | None = None,
        promote_from: Document | None = None,
        endpoints: int | None = None,
        capture_rate: float | None = None,
        capture_leaves_out: Document | None = None,
    ) -> Document:
        """Create the missing parts of an environment and return what Terraform would output.

        Without `endpoints`, it keeps as many as it has. One too many is deleted once it serves no model.
        """
        if invoker_url_auth not in ("AWS_IAM", "NONE"):
            raise invalid(f"invoker_url_auth is {invoker_url_auth!r}; it must be AWS_IAM or NONE.")
        with self._lock:
            before = self._store.find("environment", pipeline_name) or {}
            if not before and not is_pipeline_name(pipeline_name):
                raise invalid(
                    f"pipeline_name is {pipeline_name!r}; it must be 2 to {LONGEST_PIPELINE} lower-case "
                    "letters and digits in words joined by single hyphens, which do not begin with any of "
                    f"{', '.join(RESERVED)}."
                )
            source = self._source(promote_from) if promote_from else before.get("promote_from")
            number = before.get("endpoints", 1) if endpoints is None else endpoints
            if not 1 <= number <= MOST:
                raise invalid(f"endpoints is {number}; it must be a whole number from 1 to {MOST}.")
            capture = self._capture(pipeline_name, capture_rate, capture_leaves_out)
            outputs = self._ensure(pipeline_name, invoker_url_auth, source, number, capture)
            if promote_to:
                self._open(pipeline_name, **promote_to)
            return outputs

    def _source(self, promote_from: Document) -> Document:
        account_id, pipeline = promote_from["account_id"], promote_from["pipeline_name"]
        region = self._account.region
        return {**promote_from, "region": region, "bucket": f"{pipeline}-{account_id}-{region}"}

    def _capture(self, pipeline: str, rate: float | None, leaves_out: Document | None) -> Document:
        """Return what is captured of requests; what is not said stays as it was, and is nothing at first."""
        before = self._store.find("capture", pipeline) or {"rate": 0, "leaves_out": {}}
        rate = before["rate"] if rate is None else rate
        leaves_out = before["leaves_out"] if leaves_out is None else leaves_out
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise invalid(f"capture_rate is {rate!r}; it must be a share of the requests from 0 to 1.")
        if not isinstance(leaves_out, dict) or not all(map(_is_names, leaves_out.values())):
            raise invalid(
                "capture_leaves_out must name data sets, or *, and lists of their columns, such as "
                '{"*": ["name"], "churn": ["email"]}.'
            )
        capture = {"rate": rate, "leaves_out": leaves_out}
        self._store.put("capture", pipeline, capture)
        return capture

    def _ensure(
        self,
        pipeline: str,
        invoker_url_auth: str,
        source: Document | None,
        endpoints: int,
        capture: Document,
    ) -> Document:
        validate("sagemaker", "CreateEndpoint", {"EndpointName": pipeline, "EndpointConfigName": pipeline})
        account = self._account
        contract = load(pipeline)
        bucket = f"{pipeline}-{account.account_id}-{account.region}"
        trained = source or {"account_id": account.account_id, "pipeline_name": pipeline}
        registry = f"{trained['account_id']}.dkr.ecr.{account.region}.amazonaws.com"
        outputs = {
            "account_id": account.account_id,
            "region": account.region,
            "bucket": bucket,
            "job_role_arn": None if source else account.arn("iam", f"role/{pipeline}-jobs"),
            "image_uri": f"{registry}/{trained['pipeline_name']}:local",
            "endpoint_name": pipeline,
            "endpoints": endpoints,
            "deployer_function_name": contract.functions["deployer"].name,
            "invoker_function_name": contract.functions["invoker"].name,
            "invoker_url": self._functions.url(contract.functions["invoker"].name),
            "pipeline_name": pipeline,
            "monitor_role_arn": account.arn("iam", f"role/{pipeline}-monitor"),
            "promote_from": source,
        }
        self._buckets.create(bucket, account.region)
        self._make_records(pipeline, trains=source is None)
        self._make_endpoints(pipeline, outputs, contract)
        self._make_stream(outputs, contract, wanted=capture["rate"] > 0)
        self._make_functions(pipeline, outputs, contract, invoker_url_auth, capture)
        self._events.put_rule(
            f"{pipeline}-model-package-state", contract.event_pattern, outputs["deployer_function_name"]
        )
        self._store.put("environment", pipeline, outputs)
        return outputs

    def names(self) -> list[str]:
        """Return the pipeline names of all environments."""
        return [environment["pipeline_name"] for environment in self._store.list("environment")]

    def recover(self) -> None:
        """Create again what the last server kept only in memory."""
        for environment in self._store.list("environment"):
            pipeline = environment["pipeline_name"]
            self._make_records(pipeline, trains=not environment.get("promote_from"))
            if promotion := self._store.find("promotion", pipeline):
                self._open_bucket(pipeline, promotion["account_ids"])

    def _open(self, pipeline: str, account_ids: list[str], datasets: list[str]) -> None:
        """Let other accounts read models and evaluations, and the versions of some data sets."""
        for dataset in datasets:
            policy = self._policy("group", account_ids, pipeline_name=pipeline, dataset=dataset)
            group = group_name(pipeline, dataset)
            self._group_policies.put_model_package_group_policy(
                {"ModelPackageGroupName": group, "ResourcePolicy": json.dumps(policy)}
            )
        self._open_bucket(pipeline, account_ids)
        self._store.put("promotion", pipeline, {"account_ids": account_ids})

    def _open_bucket(self, pipeline: str, account_ids: list[str]) -> None:
        bucket = f"{pipeline}-{self._account.account_id}-{self._account.region}"
        self._buckets.policies[bucket] = self._policy("bucket", account_ids, pipeline_name=pipeline)

    def _policy(self, kind: str, account_ids: list[str], **names: str) -> Document:
        """The policy of a resource as Terraform plans it: tests/terraform compares the file with the plan."""
        principals = [f"arn:aws:iam::{account_id}:root" for account_id in account_ids]
        text = (resources.files("local_aws.gateway") / "resource_policies.json").read_text()
        here = {"region": self._account.region, "account_id": self._account.account_id}
        for name, value in {**names, **here}.items():
            text = text.replace(f"${{{name}}}", value)
        policy = json.loads(text)[kind]
        for statement in policy["Statement"]:
            if statement["Effect"] == "Allow":
                statement["Principal"] = {"AWS": principals}
        return policy

    @functools.cached_property
    def _session(self) -> boto3.session.Session:
        """One for all clients: with what it has read, another client takes a tenth of the time."""
        account = self._account
        return boto3.session.Session("terraform", account.secret, None, account.region, models())

    def _clients(self, *services: str) -> list[Any]:
        """Clients as Terraform's."""
        config = Config(retries={"max_attempts": 1}, proxies={})
        where = {"endpoint_url": self._account.endpoint_url, "config": config}
        return [self._session.client(service, **where) for service in services]

    def _make_records(self, pipeline: str, *, trains: bool) -> None:
        """Create the roles, the alarms' topic and the repository, which moto keeps in memory."""
        iam, ecr, sns = self._clients("iam", "ecr", "sns")
        sns.create_topic(Name=f"{pipeline}-alarms")
        for role, services in _ROLES.items():
            if role in _TRAINING and not trains:
                continue
            trust = {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
                ],
            }
            try:
                iam.create_role(RoleName=f"{pipeline}-{role}", AssumeRolePolicyDocument=json.dumps(trust))
            except iam.exceptions.EntityAlreadyExistsException:
                continue
        if not trains:
            return
        try:
            ecr.create_repository(repositoryName=pipeline)
        except ecr.exceptions.RepositoryAlreadyExistsException:
            return

    def _make_endpoints(self, pipeline: str, outputs: Document, contract: Contract) -> None:
        if self._store.find("model", pipeline) is None:
            models = f"s3://{outputs['bucket']}/{contract.prefixes.models}"
            self._create(
                "CreateModel",
                {
                    "ModelName": pipeline,
                    "ExecutionRoleArn": self._account.arn("iam", f"role/{pipeline}-endpoint"),
                    "PrimaryContainer": {
                        "Image": outputs["image_uri"],
                        "Mode": "MultiModel",
                        "ModelDataUrl": models,
                    },
                },
            )
        if self._store.find("endpoint-config", pipeline) is None:
            variant = {
                "VariantName": "AllTraffic",
                "ModelName": pipeline,
                "InstanceType": _INSTANCE_TYPE,
                "InitialInstanceCount": 1,
            }
            self._create(
                "CreateEndpointConfig", {"EndpointConfigName": pipeline, "ProductionVariants": [variant]}
            )
        names = endpoint_names(pipeline, outputs["endpoints"])
        for name in names:
            if self._store.find("endpoint", name) is None:
                self._create("CreateEndpoint", {"EndpointName": name, "EndpointConfigName": pipeline})
            else:
                self._endpoints.restart_if_failed(name)
        serving = {*names, *self._endpoints_in_use(outputs["bucket"], contract)}
        for endpoint in self._store.list("endpoint"):
            name = endpoint["EndpointName"]
            if name.startswith(f"{pipeline}--") and name not in serving:
                self._endpoints.remove(name)

    def _endpoints_in_use(self, bucket: str, contract: Contract) -> list[str]:
        """The endpoints that the models map names."""
        if contract.models_map_key not in self._buckets.keys(bucket, contract.models_map_key):
            return []
        entries = json.loads(self._buckets.read(f"s3://{bucket}/{contract.models_map_key}"))
        return [entry["endpoint"] for entry in entries.values() if "endpoint" in entry]

    def _create(self, operation: str, request: Document) -> None:
        validate("sagemaker", operation, request)
        create = {
            "CreateModel": self._endpoints.create_model,
            "CreateEndpointConfig": self._endpoints.create_endpoint_config,
            "CreateEndpoint": self._endpoints.create_endpoint,
        }[operation]
        create(request)

    def _make_stream(self, outputs: Document, contract: Contract, *, wanted: bool) -> None:
        """Create the stream of captured requests, or delete it if nothing is captured."""
        capture = contract.capture
        is_there = capture.stream in self._streams.names()
        if is_there and not wanted:
            self._streams.delete_delivery_stream({"DeliveryStreamName": capture.stream})
        if is_there or not wanted:
            return
        query = [
            {"ParameterName": "MetadataExtractionQuery", "ParameterValue": capture.partition_keys},
            {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
        ]
        hints = {"IntervalInSeconds": capture.buffer_seconds, "SizeInMBs": capture.buffer_mb}
        processing = {
            "Enabled": True,
            "Processors": [{"Type": "MetadataExtraction", "Parameters": query}],
        }
        request = {
            "DeliveryStreamName": capture.stream,
            "ExtendedS3DestinationConfiguration": {
                "RoleARN": self._account.arn("iam", f"role/{capture.stream}"),
                "BucketARN": f"arn:aws:s3:::{outputs['bucket']}",
                "Prefix": capture.prefix,
                "ErrorOutputPrefix": capture.error_prefix,
                "FileExtension": capture.file_extension,
                "CompressionFormat": "GZIP",
                "BufferingHints": hints,
                "DynamicPartitioningConfiguration": {"Enabled": True},
                "ProcessingConfiguration": processing,
            },
        }
        validate("firehose", "CreateDeliveryStream", request)
        self._streams.create_delivery_stream(request)

    def _make_functions(
        self,
        pipeline: str,
        outputs: Document,
        contract: Contract,
        invoker_url_auth: str,
        capture: Document,
    ) -> None:
        values = {
            "BUCKET": outputs["bucket"],
            "PIPELINE_NAME": pipeline,
            "ENDPOINT_NAME": outputs["endpoint_name"],
            "ENDPOINTS": str(outputs["endpoints"]),
            "METRICS_BY_MODEL": metrics_by_model(),
            "CAPTURE_RATE": str(capture["rate"]),
            "CAPTURE_LEAVES_OUT": json.dumps(capture["leaves_out"]),
        }
        for role, function in contract.functions.items():
            if role in _TRAINING and outputs["promote_from"]:
                continue
            if unknown := sorted(set(function.environment) - set(values)):
                raise invalid(
                    f"contract.json: function {role} needs {unknown}; only {sorted(values)} are available."
                )
            self._functions.put(
                function.name,
                function.handler,
                {name: values[name] for name in function.environment},
                function.timeout_seconds,
                function.memory_mb,
                self._account.arn("iam", f"role/{pipeline}-{role}"),
                invoker_url_auth if role == "invoker" else "NONE",
            )


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name.strip() for name in value)


def metrics_by_model() -> str:
    """Return METRICS_BY_MODEL, which on AWS comes from Terraform's variable, of this process's environment.

    Raises:
        AwsError: It is neither true nor false.
    """
    value = os.environ.get("METRICS_BY_MODEL", "false")
    if value not in ("true", "false"):
        raise invalid(f"METRICS_BY_MODEL is {value!r}; it must be true or false.")
    return value
