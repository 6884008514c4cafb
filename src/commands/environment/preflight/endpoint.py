"""Checks whether the endpoints exist, if they should, and serve."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from commands.environment.preflight.check import Check, Place
from contract.endpoints import endpoint_names

__all__ = ["endpoint"]

SERVING = ("InService", "RollingBack", "SystemUpdating", "Updating")


def endpoint(place: Place) -> Iterator[Check]:
    """The endpoints of the environment; they need not exist until an image has been applied."""
    for name in endpoint_names(place.settings["pipeline_name"], place.settings["endpoints"]):
        yield _one(place, name)


def _one(place: Place, name: str) -> Check:
    deploy = f"many-models up --env {place.environment.name}"
    try:
        described = place.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        if not place.settings["endpoint_enabled"]:
            return Check("endpoint", True, "none: endpoint_enabled is false")
        if not place.outputs.get("image_uri"):
            return Check("endpoint", True, "none yet; it comes with the image")
        return Check("endpoint", False, f"there is no {name}", f"Run `{deploy}`, which creates it.")
    status = described["EndpointStatus"]
    seen = " ".join([name, "is", status, described.get("FailureReason", "")]).rstrip(" .")
    if status in SERVING:
        return Check("endpoint", True, seen)
    if status == "Creating":
        return Check("endpoint", False, seen, "Wait a few minutes, and check again.")
    return Check("endpoint", False, seen, f"Fix the reason (its log is in CloudWatch), then run `{deploy}`.")
