"""What all tests of a process read once: botocore's descriptions of services, and local_aws's imports."""

import os
import sys
from typing import Any

import boto3
import botocore.session
from botocore.loaders import Loader

from local_aws.core.account import ACCOUNT_ID, ACCOUNT_VARIABLE
from local_aws.lifecycle import daemon
from local_aws.lifecycle.home import Home
from support.container.forks import Warm

__all__ = ["WarmServers", "share_descriptions"]


class _Shared(Loader):
    @property
    def search_paths(self) -> list[str]:
        """A copy, because every session of boto3 adds its own folder, which is there already."""
        return list(super().search_paths)


_MODELS = _Shared([f"{os.path.dirname(boto3.__file__)}/data"])  # noqa: PTH120


def share_descriptions() -> None:
    """Let all sessions have the same descriptions.

    Each session would read them again: half a tenth of a second for every client.
    """
    botocore.session.create_loader = lambda _path: _MODELS


class WarmServers:
    """Starts the servers of local_aws as forks of a process that has imported what they import.

    A server that starts by itself imports for most of a second. What `many-models` starts in a process of its
    own does that in the tests, too, and so do the servers of other accounts.
    """

    def __init__(self) -> None:
        self._warm = Warm("local_aws.lifecycle.server")
        self._launch = daemon._launch
        self.close = self._warm.close

    def launch(self, place: Home, arguments: list[str]) -> Any:
        """Stand in for the function of this name in `local_aws.lifecycle.daemon`."""
        if sys.platform != "linux" or place.account_id != ACCOUNT_ID:  # which moto reads when it is imported
            return self._launch(place, arguments)
        command = [sys.executable, "-P", "-c", daemon._PROGRAM]
        environment = {**os.environ, ACCOUNT_VARIABLE: place.account_id}
        return self._warm.start(command, arguments, environment, str(place.folder), str(place.log))
