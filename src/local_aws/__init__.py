"""The laptop's AWS: SageMaker that runs, Lambda that runs, S3 that stays; all of it on one local address.

From the top: `lifecycle` (start, find, stop), `cloud` (its parts put together, and a request's way),
`gateway`, `environment` (what Terraform makes), `services` (one for each of AWS's), `compute`
(processes), `core`.
"""

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
