"""botocore's descriptions of services, each read once for all tests of a process."""

import os

import boto3
import botocore.session
from botocore.loaders import Loader

__all__ = ["share"]


class _Shared(Loader):
    @property
    def search_paths(self) -> list[str]:
        """A copy, because every session of boto3 adds its own folder, which is there already."""
        return list(super().search_paths)


_MODELS = _Shared([f"{os.path.dirname(boto3.__file__)}/data"])  # noqa: PTH120


def share() -> None:
    """Let all sessions have the same descriptions.

    Each session would read them again: half a tenth of a second for every client.
    """
    botocore.session.create_loader = lambda _path: _MODELS
