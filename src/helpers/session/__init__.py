"""Where a notebook or a command works, AWS or local_aws, and how it calls and stores there.

- `connection`: connects to an environment; `outputs`: what Terraform created in it.
- `patience`: calls that are repeated while AWS does not answer.
- `storage`: objects in S3, and files written whole or not at all.
"""

from helpers.session.connection import (
    OTHER_ACCOUNT,
    Session,
    connect,
    connect_two_accounts,
    group,
    local,
    state_folder,
    without_events,
)

__all__ = [
    "OTHER_ACCOUNT",
    "Session",
    "connect",
    "connect_two_accounts",
    "group",
    "local",
    "state_folder",
    "without_events",
]
__dir__ = __all__.copy
