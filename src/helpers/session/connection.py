"""The environment that a notebook works in: AWS, as Terraform set it up, or local_aws on this laptop."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from contract.endpoints import endpoint_names, endpoint_of
from contract.names import NamingError, group_name
from helpers import display, parameters
from helpers.display import AsCard, Card, card
from helpers.errors import BadInput, UserError
from helpers.session.outputs import OPTIONAL, OUTPUTS, outputs_of

__all__ = [
    "Session",
    "connect",
    "connect_two_accounts",
    "group",
    "local",
    "state_folder",
    "without_events",
]
__dir__ = __all__.copy

# The only AWS settings in a process that works with local_aws: no profile, no configuration file.
LOCAL_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
OTHER_ACCOUNT = "210987654321"  # that takes models over on this laptop
CONNECTED = "MANY_MODELS_ENVIRONMENT"  # the environment that this process works in


@dataclass(frozen=True, repr=False)
class Session(AsCard):
    """Names and addresses of one environment, and clients for it.

    `image_uri` may still be empty, and `job_role_arn` is where nothing is trained; `vpc` has the `subnet_ids`
    and `security_group_ids` of jobs, or is None. The three ARNs behind it are empty unless Terraform was
    given them, or has made them. `endpoint_name` is the first of `endpoints` endpoints. `config` is
    that of all clients.
    """

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
    vpc: dict[str, list[str]] | None
    boto: boto3.Session
    kms_key_arn: str = ""
    mlflow_tracking_server_arn: str = ""
    monitor_role_arn: str = ""
    endpoint_instance_type: str = ""
    endpoints: int = 1
    config: Config | None = field(default=None, repr=False, compare=False)
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def card(self) -> Card:
        """Where this notebook works, and what it works with."""
        return card(
            f"Connected to {self.environment}",
            {
                "what it is": "local_aws, which stands in for AWS on this machine"
                if self.is_local
                else f"AWS, account {self.account_id}",
                "region": self.region,
                "pipelines": [self.pipeline(), self.pipeline("regression")],
                "bucket": self.bucket,
                "image": self.image_uri or "none yet; notebook 1 builds it",
                "endpoint" if self.endpoints == 1 else "endpoints": self.endpoint_names,
            },
        )

    @property
    def is_local(self) -> bool:
        """Whether local_aws stands in for AWS."""
        return self.environment == "local"

    def client(self, service: str) -> Any:
        """The boto3 client of a service, created once."""
        if service not in self._clients:
            self._clients[service] = self.boto.client(service, config=self.config)
        return self._clients[service]

    def renew(self) -> None:
        """Read the credentials again, so that new ones are used; clients made before keep the old ones."""
        object.__setattr__(self, "boto", boto3.Session(region_name=self.region))
        self._clients.clear()

    def unload_models(self) -> bool:
        """Unload all models of the endpoints here, and return True; AWS has no operation for that: False."""
        if not self.is_local:
            return False
        import local_aws

        local_aws.unload_models(_started())
        return True

    def group(self, dataset: str) -> str:
        """Name of the model package group of a data set."""
        return group(self.pipeline_name, dataset)

    def pipeline(self, family: str = "classification", developer: str = "") -> str:
        """Name of a family's pipeline: the one that Terraform owns, or a developer's separate one."""
        parts = [self.pipeline_name, "regression" if family == "regression" else "", developer]
        return "-".join(part for part in parts if part)

    @property
    def endpoint_names(self) -> list[str]:
        """The names of all endpoints, the first one first."""
        return endpoint_names(self.endpoint_name, self.endpoints)

    def endpoint_of(self, dataset: str) -> str:
        """Name of the endpoint that should serve a data set."""
        return endpoint_of(self.group(dataset), self.endpoint_names)

    def uri(self, key: str) -> str:
        """The S3 URI of a key in this environment's bucket."""
        return f"s3://{self.bucket}/{key}"


def connect(
    environment: str,
    pipeline_name: str,
    terraform_outputs: str = "",
    endpoints: int = 0,
    must_exist: bool = False,
) -> Session:
    """Connect to an environment; for `local`, start local_aws if it is not running.

    Args:
        environment: `local` or `aws`.
        pipeline_name: what all names in this environment begin with.
        terraform_outputs: for `aws`, where Terraform's outputs are: a file, `s3://...` or `ssm:...`.
        endpoints: for `local`, over how many endpoints the models are spread; 0 for as many as there are.
        must_exist: for `local`, refuse a pipeline name that nothing was made for, instead of making it.

    Raises:
        BadInput: nothing was made for the name and something must have been, AWS would refuse the name,
            Terraform's outputs are missing, incomplete or another pipeline name's, Terraform made another
            number of endpoints, or this process already works in the other environment.
        UserError: local_aws does not start.
    """
    display.switch_on()
    parameters.parse({"ENVIRONMENT": environment, "PIPELINE_NAME": pipeline_name})
    if (other := os.environ.get(CONNECTED, environment)) != environment:
        # boto3 and the SDK keep the addresses and keys that they read first.
        raise BadInput(f"This kernel works on {other}; restart it to work on {environment}.")
    parameters.parse({"ENDPOINTS": endpoints})
    if must_exist and environment == "local":
        _require_local(pipeline_name)
    outputs = (
        _local(pipeline_name, endpoints or None) if environment == "local" else outputs_of(terraform_outputs)
    )
    if endpoints and (made := outputs.get("endpoints", 1)) != endpoints:
        raise BadInput(
            f"ENDPOINTS is {endpoints}, but Terraform makes {made}; set `endpoints` in the environment's "
            ".tfvars and apply it, or leave ENDPOINTS at 0."
        )
    if (made := outputs.get("pipeline_name", pipeline_name)) != pipeline_name:
        raise BadInput(
            f"PIPELINE_NAME is {pipeline_name!r}, but {terraform_outputs} is about {made!r}; give the "
            "pipeline name of that environment, or the outputs of another."
        )
    os.environ[CONNECTED] = environment
    os.environ.setdefault("AWS_DEFAULT_REGION", outputs["region"])  # the SDK needs one when it is imported
    boto = boto3.Session(region_name=outputs["region"])
    named = {name: outputs.get(name) or "" for name in OUTPUTS}
    optional = {name: outputs.get(name) or "" for name in OPTIONAL}
    return Session(
        environment,
        pipeline_name,
        **named,
        **optional,
        vpc=outputs.get("vpc"),
        boto=boto,
        endpoints=outputs.get("endpoints", 1),
    )


def group(pipeline_name: str, dataset: str) -> str:
    """Name of the model package group of a data set.

    Raises:
        BadInput: AWS would refuse the name.
    """
    try:
        return group_name(pipeline_name, dataset)
    except NamingError as error:
        likely = re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-")
        such_as = f", such as {likely!r}" if likely not in {"", dataset} else ""
        raise BadInput(f"{error} Give the data set another name{such_as}.") from None


def state_folder() -> Path:
    """The folder where local_aws keeps everything.

    Raises:
        BadInput: LOCAL_AWS_HOME is needed, and not set.
    """
    import local_aws

    try:
        return local_aws.find_home()
    except local_aws.LocalAwsError as error:
        raise BadInput(str(error)) from None


@contextmanager
def local(environment: str) -> Iterator[bool]:
    """Keep local_aws running within this context, and stop it afterwards unless it was running before.

    It also stops when this process is killed. Does nothing for another environment.

    Yields:
        Whether everything that is started within this context ends with it.

    Raises:
        UserError: local_aws does not start.
    """
    if environment != "local":
        yield False
        return
    import local_aws

    server = _started(owner=os.getpid())
    try:
        yield server.started
    finally:
        if server.started:
            local_aws.stop()


@contextmanager
def connect_two_accounts(
    pipeline_name: str, datasets: Sequence[str]
) -> Iterator[tuple[Session, dict[str, str], Callable[[str], Any]]]:
    """Connect to a second account on this laptop, which takes over models of the first one.

    Both have a local_aws of their own, which stops afterwards unless it was running before.

    Yields:
        The second account's session, the names of the environment that trains, and its clients for that one.

    Raises:
        UserError: local_aws does not start, or a data set has no registered version in the first account.
    """
    import local_aws

    first = _started(owner=os.getpid())
    home = local_aws.account_home(OTHER_ACCOUNT, first.home)
    second = _started(owner=os.getpid(), home=home)
    try:
        opened = {"account_ids": [OTHER_ACCOUNT], "datasets": list(datasets)}
        trains = local_aws.ensure_environment(first, pipeline_name, promote_to=opened)
        source = {"account_id": trains["account_id"], "pipeline_name": pipeline_name}
        serves = local_aws.ensure_environment(second, pipeline_name, promote_from=source)
        os.environ["LOCAL_AWS_HOME"] = str(home)
        session = connect("local", pipeline_name)
        caller = boto3.Session(local_aws.foreign_key(OTHER_ACCOUNT), first.secret, region_name=session.region)
        yield session, serves["promote_from"], partial(caller.client, endpoint_url=first.endpoint_url)
    except local_aws.LocalAwsError as error:
        raise UserError(f"{error} Register a version first, with notebook 03.") from None
    finally:
        for server in (second, first):
            if server.started:
                local_aws.stop(server.home)


@contextmanager
def without_events(session: Session) -> Iterator[None]:
    """On this laptop, lose the registry's events within this context, as AWS may lose one.

    Raises:
        BadInput: on AWS, where nobody can ask for that.
    """
    if not session.is_local:
        raise BadInput("Only local_aws loses events on purpose; work with ENVIRONMENT local for that.")
    import local_aws

    server = _started()
    before = local_aws.status(server.home)["deliveries"]
    local_aws.set_deliveries(server, **{**before, "lost": 1.0, "duplicated": 0.0})
    try:
        yield
    finally:
        local_aws.set_deliveries(server, **before)


def _local(pipeline_name: str, endpoints: int | None) -> dict[str, Any]:
    import local_aws  # only when it is used

    server = _started()
    outputs = local_aws.ensure_environment(server, pipeline_name, endpoints=endpoints, **_capture())
    # The SageMaker SDK creates its own clients, some as soon as it is imported. With these variables and no
    # others, they find local_aws and never a real account.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= LOCAL_SETTINGS | {
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_SECRET_ACCESS_KEY": server.secret,
        "AWS_DEFAULT_REGION": outputs["region"],
    }
    # Both spellings are in use. Through a proxy, 127.0.0.1 would be another machine.
    named = ",".join(os.environ.get(name, "") for name in ("no_proxy", "NO_PROXY")).split(",")
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(sorted({"127.0.0.1", *named} - {""}))
    return outputs


def _require_local(pipeline_name: str) -> None:
    import local_aws

    made = local_aws.status(_started().home)["environments"]
    if pipeline_name not in made:
        raise BadInput(
            f"Nothing was made here for PIPELINE_NAME {pipeline_name!r}; give a name for which there is "
            f"something ({', '.join(made) or 'there is none yet'}), or run the notebooks with this one first."
        )


def _capture() -> dict[str, Any]:
    """Return what CAPTURE_RATE and CAPTURE_LEAVES_OUT ask for; on AWS, Terraform's variables do.

    Raises:
        BadInput: One of them has another form.
    """
    from lambdas.invoker.capture import CaptureError, settings  # which imports boto3's clients

    try:
        rate, leaves_out = settings(os.environ)
    except CaptureError as error:
        raise BadInput(str(error)) from None
    return {
        "capture_rate": rate if os.environ.get("CAPTURE_RATE") else None,
        "capture_leaves_out": leaves_out if os.environ.get("CAPTURE_LEAVES_OUT") else None,
    }


def _started(owner: int | None = None, home: Path | None = None) -> Any:
    import local_aws

    try:
        return local_aws.start(home, owner=owner)
    except (local_aws.LocalAwsError, OSError) as error:
        raise UserError(
            f"local_aws does not start in {home or state_folder()}: {error} Fix that, or set "
            "LOCAL_AWS_HOME to another folder."
        ) from None
