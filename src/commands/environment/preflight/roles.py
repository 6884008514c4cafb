"""Checks the roles' permissions, including the organisation's policies and permission boundaries."""

from collections.abc import Iterator, Mapping
from typing import Any

from commands.environment.preflight.check import Check, Place
from contract.names import group_prefix, load

__all__ = ["calls", "roles"]

# What an environment that takes models over does not have.
_TRAINING = ("jobs", "retrainer", "build")


def roles(place: Place) -> Iterator[Check]:
    """A line for each role; AWS only simulates the calls.

    Follows https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    if not place.outputs:
        yield Check("roles", True, "none yet; the first apply creates them")
        return
    iam, first = place.client("iam"), _role_arn(place.outputs).rpartition("-")[0]
    for role, needed in calls(place.settings["pipeline_name"], place.outputs).items():
        denied = []
        try:
            for action, resource, context in needed:
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
            todo = f"Run `many-models up --env {place.environment.name}`, which creates it."
            yield Check("role", False, f"there is no {first}-{role}", todo)
            continue
        if denied:
            todo = (
                f"Run `many-models up --env {place.environment.name}`, or ask whoever sets your "
                "organisation's policies and permission boundaries."
            )
            yield Check("role", False, f"{first}-{role} may not {', '.join(denied)}", todo)
        else:
            yield Check("role", True, f"{first}-{role} has the permissions it needs ({len(needed)} calls)")


def calls(name: str, outputs: Mapping[str, Any]) -> dict[str, list[tuple[str, str, dict[str, str]]]]:
    """For each role, the calls without which nothing works: action, resource, and condition keys."""
    region, account = outputs["region"], outputs["account_id"]
    partition = _role_arn(outputs).split(":")[1]
    source = outputs.get("promote_from") or {"account_id": account, "pipeline_name": name}
    contract, group = load(), f"{group_prefix(name)}preflight"
    bucket = f"arn:{partition}:s3:::{outputs['bucket']}"
    sagemaker = f"arn:{partition}:sagemaker:{region}:{account}"
    deployer = f"arn:{partition}:lambda:{region}:{account}:function:{outputs['deployer_function_name']}"
    registry = f"arn:{partition}:ecr:{region}:{source['account_id']}"
    repository = f"{registry}:repository/{source['pipeline_name']}"
    image = ("ecr:BatchGetImage", repository, {})
    model = f"{contract.prefixes.models}{group}/1.tar.gz"
    ask = (
        "sagemaker:InvokeEndpoint",
        f"{sagemaker}:endpoint/{outputs['endpoint_name']}",
        {"sagemaker:TargetModel": f"{group}/1.tar.gz"},
    )
    alarm = f"arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}-new-fleet-5xx"
    read_map = ("s3:GetObject", f"{bucket}/{contract.models_map_key}", {})
    needed = {
        "jobs": [
            image,
            ("s3:GetObject", f"{bucket}/{contract.prefixes.raw}preflight.csv", {}),
            ("s3:PutObject", f"{bucket}/{contract.prefixes.executions}preflight", {}),
            ("sagemaker:CreateTrainingJob", f"{sagemaker}:training-job/pipelines-preflight", {}),
            ("iam:PassRole", outputs.get("job_role_arn"), {"iam:PassedToService": "sagemaker.amazonaws.com"}),
            (
                "sagemaker:CreateModelPackage",
                f"{sagemaker}:model-package-group/{group}",
                {"sagemaker:ModelApprovalStatus": "PendingManualApproval"},
            ),
        ],
        "endpoint": [
            image,
            ("s3:GetObject", f"{bucket}/{model}", {}),
            ("cloudwatch:DescribeAlarms", alarm, {}),
        ],
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
    return {
        role: asked
        for role, asked in needed.items()
        if role not in _TRAINING or not outputs.get("promote_from")
    }


def _role_arn(outputs: Mapping[str, Any]) -> str:
    """The ARN of a role that the environment has in any case."""
    return outputs.get("job_role_arn") or outputs["endpoint_role_arn"]
