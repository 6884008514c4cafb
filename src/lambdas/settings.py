"""A function's configuration, read from the environment names in the contract."""

import os
from dataclasses import dataclass

from lambdas.errors import SettingError

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The names of one deployment's resources."""

    bucket: str
    pipeline_name: str
    endpoint_name: str

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read BUCKET, PIPELINE_NAME and ENDPOINT_NAME; a SettingError names the one that is missing."""
        return cls(_required("BUCKET"), _required("PIPELINE_NAME"), _required("ENDPOINT_NAME"))


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SettingError(name)
    return value
