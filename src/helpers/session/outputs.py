"""What Terraform created in an environment: from a file, from S3 or from Parameter Store."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from helpers.errors import BadInput, one_line

__all__ = ["OPTIONAL", "OUTPUTS", "is_file", "outputs_of"]

# Outputs of both Terraform and local_aws; `image_uri` is empty until notebook 01 has built an image.
OUTPUTS = (
    "account_id",
    "region",
    "bucket",
    "job_role_arn",
    "image_uri",
    "endpoint_name",
    "deployer_function_name",
    "invoker_function_name",
    "invoker_url",
)
OPTIONAL = ("endpoint_instance_type", "kms_key_arn", "mlflow_tracking_server_arn", "monitor_role_arn")
_OBJECT = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)")
_PARAMETER = re.compile(r"ssm:(?P<name>/.+)")
_ABSENT = {"NoSuchKey", "NoSuchBucket", "ParameterNotFound"}
_DENIED = {"AccessDenied", "AccessDeniedException"}


def is_file(place: str) -> bool:
    """Whether this names a file, and not an object of S3 or a parameter of Parameter Store."""
    return not place.startswith(("s3:", "ssm:"))


def outputs_of(place: str) -> dict[str, Any]:
    """What Terraform created, from the file of `terraform output -json` or from where Terraform wrote it.

    Args:
        place: a path, `s3://<bucket>/deployments/outputs.json` or `ssm:/<pipeline name>/outputs`.

    Raises:
        BadInput: there is nothing, the credentials may not read it, it is something else, or it has no value
            for an output.
    """
    text, again = (_read(place), "write it again") if is_file(place) else (_fetched(place), "apply Terraform")
    try:
        outputs = {name: output["value"] for name, output in json.loads(text).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadInput(f"{place} is not what `terraform output -json` writes; {again}.") from None
    optional = {"image_uri"} | ({"job_role_arn"} if outputs.get("promote_from") else set())
    if missing := [name for name in OUTPUTS if not outputs.get(name) and name not in optional]:
        again = "apply Terraform" + (" and write it again" if is_file(place) else "")
        raise BadInput(f"{place} has no value for {', '.join(missing)}; {again}.")
    return outputs


def _read(path: str) -> bytes:
    file = Path(path).expanduser()
    if not path or not file.is_file():
        raise BadInput(
            f"TERRAFORM_OUTPUTS names {path!r}, which is not a file; write it with "
            "`terraform -chdir=terraform output -json > outputs.json` and give its path, or name the copy "
            "that Terraform keeps: s3://<bucket>/deployments/outputs.json or ssm:/<pipeline name>/outputs."
        )
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}); write it again.") from None


def _fetched(place: str) -> bytes:
    """The text of an object or a parameter, read with this process's credentials and region."""
    found = _OBJECT.fullmatch(place) or _PARAMETER.fullmatch(place)
    if found is None:
        raise BadInput(
            f"TERRAFORM_OUTPUTS is {place!r}; name an object as s3://<bucket>/<key>, or a parameter of "
            "Parameter Store as ssm:/<name>."
        )
    try:
        if found.re is _OBJECT:
            answer = boto3.Session().client("s3").get_object(Bucket=found["bucket"], Key=found["key"])
            return answer["Body"].read()
        parameter = boto3.Session().client("ssm").get_parameter(Name=found["name"])
        return parameter["Parameter"]["Value"].encode()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _ABSENT:
            raise BadInput(
                f"There is no {place} ({code}); apply Terraform, which writes it, or correct "
                "TERRAFORM_OUTPUTS."
            ) from None
        if code in _DENIED:
            raise BadInput(
                f"The credentials may not read {place} ({code}); attach the policy of the environment's "
                "operator or approver to their role, or correct TERRAFORM_OUTPUTS."
            ) from None
        raise BadInput(_unreadable(place, error)) from None
    except BotoCoreError as error:  # no credentials, no region, or nobody answers
        raise BadInput(_unreadable(place, error)) from None


def _unreadable(place: str, error: Exception) -> str:
    return (
        f"{place} cannot be read: {one_line(error)}. Give this process valid credentials and the region of "
        "the environment (AWS_DEFAULT_REGION)."
    )
