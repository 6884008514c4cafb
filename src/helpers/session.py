"""The environment that a notebook works in: AWS as Terraform made it, or this laptop in its place."""

import functools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
from IPython import get_ipython

from helpers.errors import BadInput, UserError
from lambdas.contract import NAME, group_name

__all__ = ["Session", "connect", "local"]

LOCAL_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
# What `terraform output -json` and local_aws both name.
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


@dataclass(frozen=True)
class Session:
    """Names and addresses of one environment, and clients for it."""

    environment: str
    pipeline_name: str
    account_id: str
    region: str
    bucket: str
    job_role_arn: str
    image_uri: str
    endpoint_name: str
    deployer_function_name: str
    invoker_function_name: str
    invoker_url: str
    boto: boto3.Session

    @property
    def is_local(self) -> bool:
        """Whether local_aws stands in for AWS."""
        return self.environment == "local"

    @functools.cache  # noqa: B019 - a session lives as long as its notebook
    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once."""
        return self.boto.client(service)

    def group(self, dataset: str) -> str:
        """Name of the model package group of a data set."""
        return group_name(self.pipeline_name, dataset)

    def pipeline(self, family: str = "classification", developer: str = "") -> str:
        """Name of a family's pipeline; a developer's own stands beside the one that Terraform owns."""
        parts = [self.pipeline_name, "regression" if family == "regression" else "", developer]
        return "-".join(part for part in parts if part)

    def uri(self, key: str) -> str:
        """The S3 URI of a key in this environment's bucket."""
        return f"s3://{self.bucket}/{key}"


def connect(environment: str, pipeline_name: str, terraform_outputs: str = "") -> Session:
    """Connect to an environment; `local` is started if it is not running.

    Args:
        environment: `local` or `aws`.
        pipeline_name: what names begin with in this environment.
        terraform_outputs: for `aws`, the file that `terraform output -json` wrote.

    Raises:
        BadInput: a name that AWS would refuse, or Terraform's outputs are missing or incomplete.
    """
    _prepare_notebook()
    if not NAME.fullmatch(pipeline_name) or len(pipeline_name) > 32:
        raise BadInput(
            f"PIPELINE_NAME {pipeline_name!r} is not a name: use up to 32 lower-case letters, digits and "
            "single hyphens between them, such as many-models."
        )
    outputs = _local(pipeline_name) if environment == "local" else _terraform(terraform_outputs)
    boto = boto3.Session(region_name=outputs["region"])
    return Session(environment, pipeline_name, **{name: outputs[name] for name in OUTPUTS}, boto=boto)


@contextmanager
def local(environment: str) -> Iterator[None]:
    """Have local_aws running for as long as this lasts, and stop it after if it was not running before.

    It stops too when this process is killed. Does nothing for another environment.
    """
    if environment != "local":
        yield
        return
    import local_aws

    server = local_aws.start(owner=os.getpid())
    try:
        yield
    finally:
        if server.started:
            local_aws.stop()


def _local(pipeline_name: str) -> dict[str, str]:
    import local_aws  # only here, and only when it is asked for

    server = local_aws.start()
    outputs = local_aws.ensure_environment(server.endpoint_url, pipeline_name)
    # The SageMaker SDK makes clients of its own, some already when it is imported: they find the stand-in,
    # and never a person's real account, by these variables.
    os.environ |= LOCAL_CREDENTIALS | {
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_DEFAULT_REGION": outputs["region"],
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return outputs


def _terraform(path: str) -> dict[str, str]:
    file = Path(path)
    if not path or not file.is_file():
        raise BadInput(
            f"TERRAFORM_OUTPUTS names {path!r}, which is no file; write it with "
            "`terraform -chdir=terraform output -json > outputs.json` and give its path."
        )
    try:
        outputs = {name: output["value"] for name, output in json.loads(file.read_text()).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadInput(f"{path} is not what `terraform output -json` writes; write it again.") from None
    if missing := [name for name in OUTPUTS if not outputs.get(name)]:
        raise BadInput(f"{path} has no value for {', '.join(missing)}; apply Terraform and write it again.")
    return outputs


def _prepare_notebook() -> None:
    """Show whole cells of tables and, of errors that a person can mend, the sentence alone."""
    pd.set_option("display.max_colwidth", None)
    shell = get_ipython()
    if shell is not None:

        def show(
            shell: Any, kind: type, error: BaseException, trace: object, tb_offset: int | None = None
        ) -> list:
            shell._showtraceback(kind, error, [f"{kind.__name__}: {error}"])
            return [f"{kind.__name__}: {error}"]

        shell.set_custom_exc((UserError,), show)
