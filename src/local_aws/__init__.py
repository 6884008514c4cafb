"""The laptop's AWS: SageMaker that runs, Lambda that runs, S3 that stays; all of it on one local address."""

from local_aws.lifecycle.daemon import (
    LocalAwsError,
    Server,
    ensure_environment,
    reset,
    set_deliveries,
    start,
    status,
    stop,
)
from local_aws.lifecycle.home import find_home

__all__ = [
    "LocalAwsError",
    "Server",
    "ensure_environment",
    "find_home",
    "reset",
    "set_deliveries",
    "start",
    "status",
    "stop",
]
