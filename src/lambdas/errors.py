"""Everything that can go wrong in the functions, each described in one sentence."""

from botocore.exceptions import ClientError

__all__ = [
    "ArtifactError",
    "DeploymentError",
    "MapError",
    "NotNowError",
    "RequestError",
    "RetrainingError",
    "SettingError",
    "SupersededError",
    "code_of",
    "status_of",
]


class SettingError(RuntimeError):
    """An environment variable of the function is missing or wrong."""

    def __init__(self, name: str, reason: str = "is missing or empty; the function needs it") -> None:
        super().__init__(f"The environment variable {name} {reason}.")


class MapError(RuntimeError):
    """The models map cannot be read or written."""

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(f"The models map {location} {reason}.")


class ArtifactError(ValueError):
    """A model package's artifact must not be served."""

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(f"{location} {reason}.")


class NotNowError(RuntimeError):
    """The endpoint cannot be invoked at the moment, which says nothing about the model."""


class SupersededError(RuntimeError):
    """The group's approved package changed while its artifact was being prepared."""

    def __init__(self, group: str) -> None:
        super().__init__(f"The approved package of {group} kept changing while it was being deployed.")


class DeploymentError(RuntimeError):
    """Some groups could not be reconciled with the registry; raised so that the event is retried."""

    def __init__(self, failures: dict[str, str], groups: int) -> None:
        reasons = "; ".join(f"{group}: {reason}" for group, reason in failures.items())
        super().__init__(f"{len(failures)} of {groups} groups failed. {reasons}")


class RetrainingError(ValueError):
    """A data set cannot be retrained."""


class RequestError(Exception):
    """A request is answered with an HTTP error and one helpful sentence."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = headers or {}


def code_of(error: ClientError) -> str:
    """Return AWS's code for an error, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """Return an error's HTTP status."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
