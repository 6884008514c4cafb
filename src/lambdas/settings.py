"""A function's configuration, read from the environment names in the contract."""

import os
from dataclasses import dataclass

from contract.endpoints import MOST, endpoint_names
from lambdas.errors import SettingError

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The names of one deployment's resources.

    Attributes:
        bucket: The bucket.
        pipeline_name: What all names begin with.
        endpoint_name: The first endpoint.
        endpoints: How many endpoints the groups are spread over.
    """

    bucket: str
    pipeline_name: str
    endpoint_name: str
    endpoints: int

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the variables named like the attributes; a SettingError names the one that is wrong."""
        names = (_required(name) for name in ("BUCKET", "PIPELINE_NAME", "ENDPOINT_NAME"))
        return cls(*names, _number("ENDPOINTS"))

    @property
    def endpoint_names(self) -> list[str]:
        """The names of all endpoints, the first one first."""
        return endpoint_names(self.endpoint_name, self.endpoints)


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SettingError(name)
    return value


def _number(name: str) -> int:
    value = _required(name)
    if not value.isdecimal() or not 1 <= int(value) <= MOST:
        raise SettingError(name, f"is {value!r}; it must be a whole number from 1 to {MOST}")
    return int(value)
