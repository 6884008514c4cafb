"""Runs the checks in their order, and prints a line for each as soon as it is done."""

import functools
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from commands.environment.deploy import PARAMETERS
from commands.environment.preflight import access
from commands.environment.preflight.base_image import base_image
from commands.environment.preflight.check import Check, Place
from commands.environment.preflight.endpoint import endpoint
from commands.environment.preflight.quotas import WORKLOAD, quotas
from commands.environment.preflight.roles import roles
from commands.environment.terraform import Environment
from helpers import parameters
from helpers.errors import BadInput, ExitCode, UserError, one_line

__all__ = ["CHECKS", "checks", "report"]

# Name, the permission needed, and the check itself; those that others depend on come first.
CHECKS = (
    ("credentials", "sts:GetCallerIdentity", access.credentials),
    ("region", "", access.region),
    ("state bucket", "s3:ListBucket", access.state),
    ("quotas", "servicequotas:ListServiceQuotas", quotas),
    ("base image", "ecr:BatchGetImage", base_image),
    ("roles", "iam:SimulatePrincipalPolicy", roles),
    ("endpoint", "sagemaker:DescribeEndpoint", endpoint),
)
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
# A machine that cannot reach AWS reports that within seconds.
IMPATIENT = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 2})


def report(environment: Environment, given: Mapping[str, Any]) -> int:
    """Print every check and return the exit code.

    Args:
        environment: Where to look.
        given: Parameters of the run that override those in parameters/aws.yaml.

    Raises:
        BadInput: a parameter cannot be used.
    """
    values = parameters.parse(parameters.read(PARAMETERS) | given)
    if missing := [name for name in WORKLOAD if name not in values]:
        raise BadInput(f"{PARAMETERS} has no {', '.join(missing)}; put it back, or give it with -p.")
    failed = 0
    for check in checks(environment, values):
        print(check, flush=True)
        failed += not check.ok
    print(f"\n{'All checks passed.' if not failed else f'{failed} of the lines above say NO.'}")
    return ExitCode.FAILED if failed else ExitCode.DONE


def checks(
    environment: Environment,
    values: Mapping[str, Any],
    client: Callable[[str], Any] | None = None,
) -> Iterator[Check]:
    """Every check, as soon as it is done; each asks AWS through `client(service)`."""
    if shutil.which("terraform") is None:
        yield Check("terraform", False, "not on PATH", "Install Terraform 1.11 or newer, and check again.")
        return
    try:
        settings = environment.settings()
    except UserError as error:
        yield Check("terraform", False, one_line(error), "Fix that, and check again.")
        return
    yield Check("terraform", True, f"{shutil.which('terraform')} reads {environment.variables}")

    place = Place(environment, settings, values, client or _clients(settings["region"]))
    well = True
    for name, permission, check in CHECKS:
        for found in _guarded(name, permission, check, place):
            yield found
            well = well and found.ok
        if name == "region" and not well:
            return  # without credentials or region, nothing else can be checked


def _guarded(
    name: str, permission: str, check: Callable[[Place], Iterator[Check]], place: Place
) -> Iterator[Check]:
    """The lines of a check, or one that says why it cannot be done."""
    try:
        yield from check(place)
    except UserError as error:
        yield Check(name, False, one_line(error), "Fix that, and check again.")
    except ClientError as error:
        if error.response["Error"]["Code"] in DENIED:
            yield Check(name, False, "may not be checked", f"Give {place.who} the permission {permission}.")
        else:
            yield Check(name, False, one_line(error), "Fix what AWS reports, and check again.")
    except BotoCoreError as error:
        yield Check(name, False, one_line(error), "See whether this machine can reach AWS, and check again.")


def _clients(region: str) -> Callable[[str], Any]:
    @functools.cache
    def client(service: str) -> Any:
        return boto3.Session(region_name=region).client(service, config=IMPATIENT)

    return client
