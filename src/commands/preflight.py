"""Look, before anything is made or started, whether AWS will let it.

Changes nothing. A line for each check: ok or NO, what was seen and, after NO, what to do.
"""

import functools
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, UnknownRegionError

from commands.deploy import PARAMETERS
from commands.terraform import Environment
from contract.names import group_prefix, load
from helpers import parameters
from helpers.data import datasets
from helpers.errors import BadInput, ExitCode, UserError, one_line
from helpers.image import ecr
from helpers.session import outputs_of

__all__ = ["Check", "Place", "checks", "report"]

DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
# A machine without a way to AWS is told so in seconds.
IMPATIENT = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 2})
# What of the parameters decides how much runs at a time, and on what.
WORKLOAD = (
    "DATASETS",
    "MAX_TUNING_JOBS",
    "MAX_TUNING_PARALLEL_JOBS",
    "PREPROCESSING_INSTANCE",
    "TRAINING_INSTANCE",
    "EVALUATION_INSTANCE",
)
SERVING = ("InService", "RollingBack", "SystemUpdating", "Updating")


@dataclass(frozen=True)
class Check:
    """What one look found: whether it is well, what was seen, and what to do if it is not."""

    name: str
    ok: bool
    seen: str
    todo: str = ""

    def __str__(self) -> str:
        line = f"{'ok' if self.ok else 'NO'}  {self.name:12}  {self.seen}"
        return f"{line}. {self.todo}" if self.todo else line


@dataclass(frozen=True)
class Place:
    """An environment, what is to run in it, and how to ask AWS about it."""

    environment: Environment
    settings: Mapping[str, Any]
    parameters: Mapping[str, Any]
    client: Callable[[str], Any]

    @functools.cached_property
    def who(self) -> str:
        """The ARN of whoever asks."""
        return self.client("sts").get_caller_identity()["Arn"]

    @functools.cached_property
    def outputs(self) -> dict[str, Any]:
        """What Terraform made; empty before the first apply.

        Raises:
            BadInput: the file of the outputs is something else.
        """
        file = self.environment.outputs_file
        return outputs_of(str(file)) if file.is_file() else {}


def report(environment: Environment, given: Mapping[str, Any]) -> int:
    """Print every check and give the exit code.

    Args:
        environment: Where to look.
        given: Parameters that the run will have, other than parameters/aws.yaml says.

    Raises:
        BadInput: a parameter that cannot be used.
    """
    values = parameters.read(PARAMETERS) | given
    parameters.check(values, parameters.PARAMETERS)
    if missing := [name for name in WORKLOAD if name not in values]:
        raise BadInput(f"{PARAMETERS} has no {', '.join(missing)}; put it back, or give it with -p.")
    failed = 0
    for check in checks(environment, values):
        print(check, flush=True)
        failed += not check.ok
    print(f"\n{'All is well.' if not failed else f'{failed} of the lines above say NO.'}")
    return ExitCode.FAILED if failed else ExitCode.DONE


def checks(
    environment: Environment,
    values: Mapping[str, Any],
    client: Callable[[str], Any] | None = None,
) -> Iterator[Check]:
    """Every check, as soon as it is made; each asks AWS by `client(service)`."""
    if shutil.which("terraform") is None:
        yield Check("terraform", False, "not on PATH", "Install Terraform 1.11 or newer, and ask again.")
        return
    try:
        settings = environment.settings()
    except UserError as error:
        yield Check("terraform", False, one_line(error), "Mend that, and ask again.")
        return
    yield Check("terraform", True, f"{shutil.which('terraform')} reads {environment.variables}")

    place = Place(environment, settings, values, client or _clients(settings["region"]))
    well = True
    for name, permission, check in CHECKS:
        for found in _guarded(name, permission, check, place):
            yield found
            well = well and found.ok
        if name == "region" and not well:
            return  # without credentials or region nothing else can be asked


def _guarded(
    name: str, permission: str, check: Callable[[Place], Iterator[Check]], place: Place
) -> Iterator[Check]:
    """A check, and a line in its place when it cannot be made."""
    try:
        yield from check(place)
    except UserError as error:
        yield Check(name, False, one_line(error), "Mend that, and ask again.")
    except ClientError as error:
        if error.response["Error"]["Code"] in DENIED:
            yield Check(name, False, "may not be asked", f"Give {place.who} the permission {permission}.")
        else:
            yield Check(name, False, one_line(error), "Mend what AWS says there, and ask again.")
    except BotoCoreError as error:
        yield Check(name, False, one_line(error), "See whether this machine reaches AWS, and ask again.")


def _clients(region: str) -> Callable[[str], Any]:
    @functools.cache
    def client(service: str) -> Any:
        return boto3.Session(region_name=region).client(service, config=IMPATIENT)

    return client


# The checks: each says what it saw, a line for each thing it looked at.


def _credentials(place: Place) -> Iterator[Check]:
    try:
        yield Check("credentials", True, place.who)
    except (BotoCoreError, ClientError) as error:
        todo = "Log in (`aws sso login` or `aws configure`), and ask again; nothing else was asked."
        yield Check("credentials", False, one_line(error), todo)


def _region(place: Place) -> Iterator[Check]:
    session, region = botocore.session.Session(), place.settings["region"]
    try:
        there = session.get_available_regions("sagemaker", session.get_partition_for_region(region))
    except UnknownRegionError:
        there = []
    if region in there:
        yield Check("region", True, f"{region}, and SageMaker is there")
    else:
        todo = f"Choose another region in {place.environment.variables}, such as eu-central-1."
        yield Check("region", False, f"there is no SageMaker in {region}", todo)


def _state(place: Place) -> Iterator[Check]:
    backend = place.environment.backend()
    bucket, file = backend["bucket"], f"environments/{place.environment.name}.s3.tfbackend"
    if not bucket:
        yield Check("state bucket", False, f"{file} names none", "Name a bucket of this account there.")
        return
    try:
        place.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        # A HEAD is answered without a body: the status is all there is.
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            region = backend["region"] or place.settings["region"]
            todo = f"Make it, versioned (docs/first-run-on-aws.md), in {region}, or name another in {file}."
            yield Check("state bucket", False, f"there is no {bucket}", todo)
        elif status == 403:
            todo = f"Give {place.who} the permission s3:ListBucket on it, or name your own bucket in {file}."
            yield Check("state bucket", False, f"{bucket} may not be listed", todo)
        else:
            raise
    else:
        yield Check("state bucket", True, bucket)


def _quotas(place: Place) -> Iterator[Check]:
    needs = _needs(place)
    found: dict[str, dict[str, Any]] = {}
    for page in (
        place.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    ):
        found |= {quota["QuotaName"]: quota for quota in page["Quotas"] if quota["QuotaName"] in needs}
        if len(found) == len(needs):
            break  # there are well over a thousand
    for name, (needed, why, less) in needs.items():
        if name not in found:
            todo = f"Choose an instance type that there is in {place.settings['region']}: {less}."
            yield Check("quota", False, f"there is none for {name}", todo)
            continue
        value, code = found[name]["Value"], found[name]["QuotaCode"]
        todo = (
            f"Ask for {needed}, `aws service-quotas request-service-quota-increase --service-code sagemaker "
            f"--quota-code {code} --desired-value {needed} --region {place.settings['region']}`, "
            f"or lower {less}."
        )
        seen = f"{name}: {value:g}, and {needed} needed ({why})"
        yield Check("quota", value >= needed, seen, todo if value < needed else "")


def _needs(place: Place) -> dict[str, tuple[int, str, str]]:
    """For each quota how much is needed, why, and what would make it less."""
    values, settings = place.parameters, place.settings
    tables = len(datasets.names(values["DATASETS"]))
    trials = min(values["MAX_TUNING_PARALLEL_JOBS"], values["MAX_TUNING_JOBS"])
    by_table = f"{tables} {'table' if tables == 1 else 'tables'}"
    file = "in parameters/aws.yaml"
    needs = {
        f"{values['TRAINING_INSTANCE']} for training job usage": (
            tables * trials,
            f"{by_table} x {trials} trials at a time",
            f"MAX_TUNING_PARALLEL_JOBS or DATASETS {file}",
        )
    }
    # An execution cleans or evaluates, never both at a time.
    for name in ("PREPROCESSING_INSTANCE", "EVALUATION_INSTANCE"):
        needs[f"{values[name]} for processing job usage"] = (tables, by_table, f"DATASETS {file}")
    if settings["endpoint_enabled"]:
        endpoint = settings["endpoint"]
        most, least = endpoint["max_instances"], endpoint["min_instances"]
        needs[f"{endpoint['instance_type']} for endpoint usage"] = (
            most + least,
            f"up to {most}, and {least} beside them while an update is made",
            f"endpoint.max_instances in {place.environment.variables}",
        )
    return needs


def _base_image(place: Place) -> Iterator[Check]:
    uri = place.outputs.get("base_image") or _base_image_of_the_sdk(place)
    if digest := ecr.digest(place.client("ecr"), uri):
        yield Check("base image", True, f"{uri} is {digest}")
    else:
        todo = f"Set base_image_tag in {place.environment.variables} to a tag that there is."
        yield Check("base image", False, f"{uri} is not there", todo)


def _base_image_of_the_sdk(place: Place) -> str:
    os.environ.setdefault("AWS_DEFAULT_REGION", place.settings["region"])  # the SDK wants one when imported
    from helpers import pipeline  # takes seconds, and only before the first apply

    return pipeline.base_image(place.settings["region"], place.settings["base_image_tag"])


def _roles(place: Place) -> Iterator[Check]:
    if not place.outputs:
        yield Check("roles", True, "none yet; the first apply makes them")
        return
    iam, first = place.client("iam"), place.outputs["job_role_arn"].removesuffix("-jobs")
    for role, calls in _calls(place.settings["pipeline_name"], place.outputs).items():
        denied = []
        try:
            for action, resource, context in calls:
                answer = iam.simulate_principal_policy(
                    PolicySourceArn=f"{first}-{role}",
                    ActionNames=[action],
                    ResourceArns=[resource],
                    ContextEntries=[
                        {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]}
                        for key, value in context.items()
                    ],
                )
                denied += [
                    f"{action} on {resource}"
                    for result in answer["EvaluationResults"]
                    if result["EvalDecision"] != "allowed"
                ]
        except iam.exceptions.NoSuchEntityException:
            todo = f"Run `many-models up --env {place.environment.name}`, which makes it."
            yield Check("role", False, f"there is no {first}-{role}", todo)
            continue
        if denied:
            todo = (
                f"Run `many-models up --env {place.environment.name}`, or ask whoever sets your "
                "organisation's policies and permission boundaries."
            )
            yield Check("role", False, f"{first}-{role} may not {', '.join(denied)}", todo)
        else:
            yield Check("role", True, f"{first}-{role} may do what was asked ({len(calls)} calls)")


def _calls(name: str, outputs: Mapping[str, Any]) -> dict[str, list[tuple[str, str, dict[str, str]]]]:
    """For each role the calls without which nothing works: action, resource, the request's condition keys."""
    region, account = outputs["region"], outputs["account_id"]
    partition = outputs["job_role_arn"].split(":")[1]
    contract, group = load(), f"{group_prefix(name)}preflight"
    bucket = f"arn:{partition}:s3:::{outputs['bucket']}"
    sagemaker = f"arn:{partition}:sagemaker:{region}:{account}"
    deployer = f"arn:{partition}:lambda:{region}:{account}:function:{outputs['deployer_function_name']}"
    repository = f"arn:{partition}:ecr:{region}:{account}:repository/{name}"
    image = ("ecr:BatchGetImage", repository, {})
    model = f"{contract.prefixes.models}{group}/1.tar.gz"
    ask = (
        "sagemaker:InvokeEndpoint",
        f"{sagemaker}:endpoint/{outputs['endpoint_name']}",
        {"sagemaker:TargetModel": f"{group}/1.tar.gz"},
    )
    read_map = ("s3:GetObject", f"{bucket}/{contract.models_map_key}", {})
    return {
        "jobs": [
            image,
            ("s3:GetObject", f"{bucket}/{contract.prefixes.raw}preflight.csv", {}),
            ("s3:PutObject", f"{bucket}/{contract.prefixes.executions}preflight", {}),
            ("sagemaker:CreateTrainingJob", f"{sagemaker}:training-job/pipelines-preflight", {}),
            ("iam:PassRole", outputs["job_role_arn"], {"iam:PassedToService": "sagemaker.amazonaws.com"}),
            (
                "sagemaker:CreateModelPackage",
                f"{sagemaker}:model-package-group/{group}",
                {"sagemaker:ModelApprovalStatus": "PendingManualApproval"},
            ),
        ],
        "endpoint": [image, ("s3:GetObject", f"{bucket}/{model}", {})],
        "deployer": [
            read_map,
            ("s3:PutObject", f"{bucket}/{model}", {}),
            ("sagemaker:ListModelPackages", "*", {}),
            ask,
        ],
        "invoker": [read_map, ask],
        "retrainer": [("sagemaker:StartPipelineExecution", f"{sagemaker}:pipeline/{name}", {})],
        "scheduler": [("lambda:InvokeFunction", deployer, {})],
        "build": [
            ("s3:GetObject", f"{bucket}/{contract.prefixes.code}preflight.zip", {}),
            ("ecr:PutImage", repository, {}),
        ],
    }


def _endpoint(place: Place) -> Iterator[Check]:
    name, deploy = place.settings["pipeline_name"], f"many-models up --env {place.environment.name}"
    try:
        described = place.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        if not place.settings["endpoint_enabled"]:
            yield Check("endpoint", True, "none: endpoint_enabled is false")
        elif not place.outputs.get("image_uri"):
            yield Check("endpoint", True, "none yet; it comes with the image")
        else:
            yield Check("endpoint", False, f"there is no {name}", f"Run `{deploy}`, which makes it.")
        return
    status = described["EndpointStatus"]
    seen = " ".join([name, "is", status, described.get("FailureReason", "")]).rstrip(" .")
    if status in SERVING:
        yield Check("endpoint", True, seen)
    elif status == "Creating":
        yield Check("endpoint", False, seen, "Wait some minutes, and ask again.")
    else:
        yield Check(
            "endpoint", False, seen, f"Mend the reason (its log is in CloudWatch), then run `{deploy}`."
        )


# Name, the permission that it takes, and how it is made; what the rest depends on comes first.
CHECKS = (
    ("credentials", "sts:GetCallerIdentity", _credentials),
    ("region", "", _region),
    ("state bucket", "s3:ListBucket", _state),
    ("quotas", "servicequotas:ListServiceQuotas", _quotas),
    ("base image", "ecr:BatchGetImage", _base_image),
    ("roles", "iam:SimulatePrincipalPolicy", _roles),
    ("endpoint", "sagemaker:DescribeEndpoint", _endpoint),
)
