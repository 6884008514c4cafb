"""The account of a local AWS: its number, region, folder and address, and who calls it."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "ACCOUNT_ID",
    "ACCOUNT_VARIABLE",
    "INHERITED",
    "PERSON",
    "Account",
    "foreign_key",
    "other_account",
    "region_of",
    "role_of",
]

ACCOUNT_VARIABLE = "MOTO_ACCOUNT_ID"  # which moto reads as well
ACCOUNT_ID = os.environ.get(ACCOUNT_VARIABLE, "123456789012")
PERSON = "local"  # the access key of people: notebooks and commands

# The variables that a job inherits from the laptop, because it cannot run without them. A container would
# inherit none.
INHERITED = (
    "CONDA_PREFIX",
    "DYLD_LIBRARY_PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "VIRTUAL_ENV",
)


def region_of(environ: Mapping[str, str]) -> str:
    """Return the region that boto3 would use in this environment, or us-east-1."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"


_ROLE_KEY, _FOREIGN_KEY = "role.", "account."


def role_of(access_key: str) -> str | None:
    """Return the name of the role that calls with this access key, or None if a person calls."""
    return access_key.removeprefix(_ROLE_KEY) if access_key.startswith(_ROLE_KEY) else None


def foreign_key(account_id: str) -> str:
    """Return the access key of people who call from another account."""
    return _FOREIGN_KEY + account_id


def other_account(access_key: str) -> str | None:
    """Return the number of the other account that calls with this access key, or None if none does."""
    return access_key.removeprefix(_FOREIGN_KEY) if access_key.startswith(_FOREIGN_KEY) else None


@dataclass(frozen=True)
class Account:
    """The account and the places where it lives.

    Attributes:
        home: The folder with all state.
        region: The only region.
        endpoint_url: The address that boto3 calls.
        secret: The secret access key that goes with every access key.
        account_id: The account's number, 12 digits.
    """

    home: Path
    region: str
    endpoint_url: str
    secret: str = field(repr=False)
    account_id: str = ACCOUNT_ID

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource, such as `arn("sagemaker", "pipeline/demo")`."""
        region = "" if service == "iam" else self.region
        return f"arn:aws:{service}:{region}:{self.account_id}:{resource}"

    def environment(self, role_arn: str, extra: Mapping[str, str]) -> dict[str, str]:
        """Return the complete environment of a process that the local AWS starts, acting as a role."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {
            **inherited,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": _ROLE_KEY + role_arn.rpartition("/")[2],
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            # The user's profiles may assume roles or open a browser, so none of our processes may read them.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1,localhost",
            "PYTHONUNBUFFERED": "1",
            **extra,
        }
