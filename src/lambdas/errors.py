"""What can go wrong in the functions, each said in one sentence."""

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
    """An environment variable of the function is missing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The environment variable {name} is missing or empty; the function needs it.")


class MapError(RuntimeError):
    """The models map cannot be read or written."""

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(f"The models map {location} {reason}.")


class ArtifactError(ValueError):
    """A model package's artifact that must not be served."""

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(f"{location} {reason}.")


class NotNowError(RuntimeError):
    """The endpoint cannot be asked at the moment, which says nothing about the model."""


class SupersededError(RuntimeError):
    """The registry changed its mind about a group while its artifact was being prepared."""

    def __init__(self, group: str) -> None:
        super().__init__(f"The approved package of {group} kept changing while it was being deployed.")


class DeploymentError(RuntimeError):
    """Some groups could not be brought in line with the registry; raised so that the event is retried."""

    def __init__(self, failures: dict[str, str], groups: int) -> None:
        reasons = "; ".join(f"{group}: {reason}" for group, reason in failures.items())
        super().__init__(f"{len(failures)} of {groups} groups failed. {reasons}")


class RetrainingError(ValueError):
    """A data set cannot be trained again."""


class RequestError(Exception):
    """A request that is answered with an HTTP error and one helpful sentence."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = headers or {}


def code_of(error: ClientError) -> str:
    """Return AWS's name for an error, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """Return the HTTP status that came with an error."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
