"""Delete an environment on AWS: list what will be deleted and what would still cost money, ask, delete."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from tabular.spec.errors import amount

from commands.environment.terraform import NOTHING_BUILT, Environment, announce, same_environment
from contract.names import group_prefix
from helpers.errors import UserError
from helpers.runs import RUNNING

__all__ = ["Contents", "down"]

# What cannot be deleted unless it is empty, and the attribute that allows it.
HOLDERS = {"aws_s3_bucket.this": "force_destroy", "aws_ecr_repository.this[0]": "force_delete"}
# SageMaker deletes an endpoint in no other state. Terraform takes the refusal for a deletion, so the endpoint
# would stay and be billed (hashicorp/terraform-provider-aws #39152).
AT_REST = ("InService", "OutOfService", "Failed", "UpdateRollbackFailed")


@dataclass(frozen=True)
class Contents:
    """What an environment contains that Terraform did not create, and its endpoints that are not at rest.

    Attributes:
        objects: The versions of objects.
        size: Their bytes.
        groups: The versions in the registry, by model package group.
        pipelines: The names of the pipelines.
        executions: The ARNs of the executions that are running.
        restless: The status of each endpoint that is not at rest, by its name.
    """

    objects: int
    size: int
    groups: dict[str, list[dict[str, Any]]]
    pipelines: list[str]
    executions: list[str]
    restless: dict[str, str]

    def rest(self) -> str:
        """Say what to wait for: an endpoint that is being deleted will be gone, any other at rest."""
        gone = [name for name, status in self.restless.items() if status == "Deleting"]
        others = [name for name in self.restless if name not in gone]
        said = [(gone, "gone"), (others, "InService or Failed")]
        return " and ".join(
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {end}" for names, end in said if names
        )


def down(environment: Environment, *, yes: bool = False) -> None:
    """Delete the environment: list what will be deleted and what stays, ask, delete, and list what is left.

    Raises:
        BadInput: the environment was created under another name than its variables say.
        UserError: it was not confirmed, executions are still running, an endpoint is being created or
            updated, or a step failed.
    """
    settings = environment.settings()
    announce(1, "terraform init", "finds the state of this environment")
    environment.init()
    outputs, _ = environment.state()
    same_environment(environment, settings, outputs)  # or another environment's registry would be emptied

    announce(2, "list", "nothing is deleted before you have seen it")
    resources = environment.deletions()
    name = settings["pipeline_name"]
    boto = boto3.Session(region_name=settings["region"])
    held = _contents(boto, name, resources)
    if not (resources or held.groups or held.pipelines):
        print(f"{environment.name} has nothing to delete.")
        _show_what_stays(environment)
        return
    _show_what_goes(resources, held)
    _show_what_stays(environment)
    if held.executions:
        raise UserError(
            f"Nothing was deleted, because executions are still running: {', '.join(held.executions)}. Wait "
            "for them to end, or stop each with "
            "`aws sagemaker stop-pipeline-execution --pipeline-execution-arn ...`."
        )
    if held.restless:
        raise UserError(
            "Nothing was deleted, because SageMaker deletes no endpoint in such a state: "
            f"{', '.join(f'{name} is {status}' for name, status in held.restless.items())}. "
            f"Wait until {held.rest()}, at most an hour, and run this again."
        )
    _confirm(environment, yes=yes)

    refusing = [address for address, flag in HOLDERS.items() if resources.get(address, {}).get(flag) is False]
    if resources:
        announce(
            3,
            "terraform destroy",
            "deletes what Terraform created, which ends the endpoint's bill",
        )
        if refusing:
            print(
                "force_destroy is not applied yet, and without it, a bucket or repository that is not empty "
                "cannot be deleted; you have confirmed the deletion, so it is set first, by an apply of only "
                f"{' and '.join(refusing)}."
            )
            targets = [f"-target={address}" for address in refusing]
            environment.apply({**NOTHING_BUILT, "force_destroy": True}, *targets, yes=True)
        environment.apply(NOTHING_BUILT, "-destroy", yes=True)
    announce(
        4, "registry and pipelines", "Terraform does not own what pipelines registered and developers created"
    )
    # After the deployer is gone: it follows the registry, and would write to a bucket that is being emptied.
    _delete(boto, held)
    environment.outputs_file.unlink(missing_ok=True)

    print(f"\n{environment.name} is gone.")
    if any(settings[name] for name in NOTHING_BUILT):
        print(
            f"{environment.variables} still names an image or a definition, which are of no use to the next "
            "`many-models up`: remove these lines."
        )
    _show_what_stays(environment)


def _contents(boto: boto3.Session, name: str, resources: Mapping[str, Mapping[str, Any]]) -> Contents:
    sagemaker = boto.client("sagemaker")
    objects, size = 0, 0
    if bucket := resources.get("aws_s3_bucket.this"):
        for version in _versions(boto.client("s3"), bucket["bucket"]):
            objects, size = objects + 1, size + version.get("Size", 0)
    groups = {}
    prefix = group_prefix(name)
    for summary in _pages(sagemaker, "list_model_package_groups", NameContains=prefix):
        group = summary["ModelPackageGroupName"]
        if group.startswith(prefix):  # not another environment's, whose name may contain this one's
            groups[group] = list(_pages(sagemaker, "list_model_packages", ModelPackageGroupName=group))
    # All pipelines have the role of this environment's jobs, whoever created them.
    pipelines = [
        summary["PipelineName"]
        for summary in _pages(sagemaker, "list_pipelines", PipelineNamePrefix=name)
        if summary.get("RoleArn", "").rpartition("/")[2] == f"{name}-jobs"  # under any path
    ]
    executions = [
        summary["PipelineExecutionArn"]
        for pipeline in pipelines
        for summary in sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]
        if summary["PipelineExecutionStatus"] in RUNNING
    ]
    terraforms = {
        before["pipeline_name"]
        for address, before in resources.items()
        if address.startswith("aws_sagemaker_pipeline.")
    }
    endpoints = {
        before["name"]
        for address, before in resources.items()
        if address.startswith("aws_sagemaker_endpoint.")
    }
    restless = {
        summary["EndpointName"]: summary["EndpointStatus"]
        for summary in (_pages(sagemaker, "list_endpoints", NameContains=name) if endpoints else ())
        if summary["EndpointName"] in endpoints and summary["EndpointStatus"] not in AT_REST
    }
    own = [it for it in pipelines if it not in terraforms]
    return Contents(objects, size, groups, own, executions, restless)


def _versions(s3: Any, bucket: str) -> Iterator[dict[str, Any]]:
    """Every version of every object, and every delete marker; all of them will be deleted."""
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            yield from (*page.get("Versions", []), *page.get("DeleteMarkers", []))
    except s3.exceptions.NoSuchBucket:
        return


def _pages(client: Any, operation: str, **request: Any) -> Iterable[dict[str, Any]]:
    """The items on all pages of a listing."""
    for page in client.get_paginator(operation).paginate(**request):
        yield from next((value for value in page.values() if isinstance(value, list)), ())


def _show_what_goes(resources: Mapping[str, Any], held: Contents) -> None:
    print(f"This will be deleted: {len(resources)} resources that Terraform owns")
    for kind, count in sorted(Counter(address.split(".")[0] for address in resources).items()):
        print(f"  {count:4} {kind}")
    print(f"and with them, permanently:\n  {held.objects:4} versions of objects, {held.size:,} bytes")
    if "aws_ecr_repository.this[0]" in resources:
        print("       all images in the repository")
    print(f"  {len(held.groups):4} model package groups")
    for group, packages in held.groups.items():
        statuses = Counter(package["ModelApprovalStatus"] for package in packages).items()
        print(f"       {group}: {', '.join(f'{count} {status}' for status, count in statuses) or 'empty'}")
    print(f"  {len(held.pipelines):4} developers' pipelines")
    for name in held.pipelines:
        print(f"       {name}")


def _show_what_stays(environment: Environment) -> None:
    bucket = environment.backend()["bucket"]
    print("This stays, and costs a few cents a month:")
    print(
        f"  the state, in the bucket {bucket}, which contains other environments' too"
        if bucket
        else "  the state"
    )
    print(
        "  the logs of jobs, /aws/sagemaker/ProcessingJobs and TrainingJobs, which the whole account shares"
    )
    print(
        "and free of charge: the records of executions and jobs, and CloudWatch's metrics until they expire."
    )


def _confirm(environment: Environment, *, yes: bool) -> None:
    if yes:
        return
    try:
        typed = input(f"\nType {environment.name} to delete all this: ")
    except EOFError:
        typed = ""
    if typed.strip() != environment.name:
        raise UserError(
            f"Nothing was deleted: {environment.name} was not typed in. If nobody can type it, add --yes."
        )


def _delete(boto: boto3.Session, held: Contents) -> None:
    sagemaker = boto.client("sagemaker")
    for name in held.pipelines:
        sagemaker.delete_pipeline(PipelineName=name)
        print(f"Deleted the pipeline {name}.")
    for group, packages in held.groups.items():
        for package in packages:
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
        print(f"Deleted {group} with {amount(len(packages), 'version')}.")
