"""AWS on a laptop: SageMaker jobs, Lambda functions and persistent S3 objects, all on one local address.

Read from the top: `lifecycle` (start, find, stop), `cloud` (assembles the parts and routes requests),
`gateway`, `environment` (creates what Terraform creates on AWS), `services` (one for each AWS service),
`compute` (processes), `core`; `pruning` deletes what old executions have left.
"""

from local_aws.core.account import foreign_key
from local_aws.lifecycle.daemon import (
    LocalAwsError,
    Server,
    account_home,
    deliver_streams,
    ensure_environment,
    interrupt,
    messages,
    prune,
    reset,
    running,
    set_deliveries,
    set_endpoint_seconds,
    start,
    status,
    stop,
    unload_models,
)
from local_aws.lifecycle.home import find_home

__all__ = [
    "LocalAwsError",
    "Server",
    "account_home",
    "deliver_streams",
    "ensure_environment",
    "find_home",
    "foreign_key",
    "interrupt",
    "messages",
    "prune",
    "reset",
    "running",
    "set_deliveries",
    "set_endpoint_seconds",
    "start",
    "status",
    "stop",
    "unload_models",
]
