"""The boto3 clients, each created once, on first use, and the credentials that they sign with."""

import functools
import threading

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError

__all__ = ["client", "credentials", "forget"]

# The invoker times out after 60 s: the endpoint gets 55 s and a single attempt, because a retry would
# outlive the function. `total_max_attempts` counts the first call; `max_attempts` does not.
CONFIGS = {
    "sagemaker-runtime": {
        "connect_timeout": 3,
        "read_timeout": 55,
        "retries": {"mode": "standard", "total_max_attempts": 1},
        "max_pool_connections": 32,
    },
    # Captured requests are sent after the response, and while that takes, the environment takes no other.
    "firehose": {"connect_timeout": 1, "read_timeout": 3, "retries": {"total_max_attempts": 1}},
}
DEFAULTS = {
    "connect_timeout": 3,
    "read_timeout": 10,
    "retries": {"mode": "standard", "total_max_attempts": 3},
    "max_pool_connections": 32,
}

# Many threads may share a client, but creating one uses boto3's session, which is not thread-safe.
_making = threading.Lock()


def client(service: str) -> BaseClient:
    """Return the process's client for an AWS service; safe to call from any thread."""
    with _making:
        return _made(service)


def credentials() -> ReadOnlyCredentials:
    """Return the credentials of this moment, which botocore renews before they expire.

    Raises:
        NoCredentialsError: There are none.
    """
    with _making:
        found = _session().get_credentials()
    if found is None:
        raise NoCredentialsError
    return found.get_frozen_credentials()


def forget() -> None:
    """Drop all clients, so that the next use creates new ones."""
    _made.cache_clear()
    _session.cache_clear()


@functools.cache
def _made(service: str) -> BaseClient:
    return _session().client(service, config=Config(**CONFIGS.get(service, DEFAULTS)))


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session()
