"""The names that Terraform, the functions, the notebooks and the laptop share, read from contract.json."""

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "DECISION",
    "LONGEST_GROUP",
    "LONGEST_PIPELINE",
    "MODEL_SHA256",
    "MODEL_VERSION",
    "NAME",
    "PLACEHOLDER",
    "RESERVED",
    "Capture",
    "Contract",
    "Function",
    "NamingError",
    "Prefixes",
    "group_name",
    "group_prefix",
    "is_pipeline_name",
    "load",
]

PLACEHOLDER = "${pipeline_name}"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")  # a pipeline's or a data set's name
LONGEST_PIPELINE = 32  # characters, so that every name that begins with it has room for its end
# How the name of no bucket and of no parameter in Parameter Store may begin, and so no pipeline's:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
RESERVED = ("amzn-s3-demo-", "aws", "ssm", "sthree-")
LONGEST_GROUP = 63  # SageMaker's limit on ModelPackageGroupName, in characters
# Keys of a model package's metadata: the first part of a decision's, before its time in ISO 8601 (UTC), and
# the digest of the model that was evaluated.
DECISION = "decision-"
MODEL_SHA256 = "model-sha256"
MODEL_VERSION = "x-model-version"  # the header of the URL's answers that says which version has answered
_SEPARATOR = "--"  # joins pipeline and data set in a group's name; neither name can contain it


class NamingError(ValueError):
    """A pipeline, data set or group name that the contract does not allow."""

    def __init__(self, name: object, reason: str) -> None:
        super().__init__(f"The name {name!r} {reason}.")


@dataclass(frozen=True)
class Prefixes:
    """The bucket's folders, each with a trailing slash."""

    raw: str
    code: str
    executions: str
    models: str


@dataclass(frozen=True)
class Capture:
    """The Firehose stream of captured requests: where it puts them, and how long it gathers them.

    `partition_keys` is the jq expression that finds the keys of `prefix` in a line.
    """

    stream: str
    partition_keys: str
    prefix: str
    error_prefix: str
    file_extension: str
    buffer_seconds: int
    buffer_mb: int


@dataclass(frozen=True)
class Function:
    """One Lambda function: its name, entry point, environment variable names and limits."""

    name: str
    handler: str
    environment: tuple[str, ...]
    timeout_seconds: int
    memory_mb: int
    disk_mb: int


@dataclass(frozen=True)
class Contract:
    """The whole of contract.json."""

    event_pattern: dict[str, Any]
    prefixes: Prefixes
    promoted_prefixes: tuple[str, ...]
    models_map_key: str
    ledger_prefix: str
    retraining_prefix: str
    monitoring_prefix: str
    captured_prefix: str
    labels_prefix: str
    columns_prefix: str
    metrics_namespace: str
    capture: Capture
    functions: dict[str, Function]


@functools.cache
def load(pipeline_name: str = PLACEHOLDER) -> Contract:
    """Read the contract and fill in the pipeline name; without a name, the placeholder stays."""
    if pipeline_name != PLACEHOLDER:
        _check_name(pipeline_name)
    text = Path(__file__).with_name("contract.json").read_text(encoding="utf-8")
    document = json.loads(text.replace(PLACEHOLDER, pipeline_name))
    functions = {
        role: Function(**{**entry, "environment": tuple(entry["environment"])})
        for role, entry in document["functions"].items()
    }
    return Contract(
        event_pattern=document["event_pattern"],
        prefixes=Prefixes(**document["prefixes"]),
        promoted_prefixes=tuple(document["promoted_prefixes"]),
        models_map_key=document["models_map_key"],
        ledger_prefix=document["ledger_prefix"],
        retraining_prefix=document["retraining_prefix"],
        monitoring_prefix=document["monitoring_prefix"],
        captured_prefix=document["captured_prefix"],
        labels_prefix=document["labels_prefix"],
        columns_prefix=document["columns_prefix"],
        metrics_namespace=document["metrics_namespace"],
        capture=Capture(**document["capture"]),
        functions=functions,
    )


def is_pipeline_name(name: str) -> bool:
    """Return whether AWS takes all names that begin with a pipeline's name, which is also a repository's."""
    fits = 2 <= len(name) <= LONGEST_PIPELINE and NAME.fullmatch(name) is not None
    return fits and not f"{name}-".startswith(RESERVED)


def group_prefix(pipeline_name: str) -> str:
    """Return the prefix of the names of all model package groups of a pipeline."""
    return f"{pipeline_name}{_SEPARATOR}"


def group_name(pipeline_name: str, dataset: str) -> str:
    """Return the name of a data set's model package group.

    A NamingError says what is wrong with either name.
    """
    for name in (pipeline_name, dataset):
        _check_name(name)
    group = group_prefix(pipeline_name) + dataset
    if len(group) > LONGEST_GROUP:
        raise NamingError(
            group, f"has {len(group)} characters; a model package group may have at most {LONGEST_GROUP}"
        )
    return group


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise NamingError(name, "must be lower-case letters and digits in words joined by single hyphens")
