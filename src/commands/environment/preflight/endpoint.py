"""Checks whether the endpoint exists, if it should, and serves."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from commands.environment.preflight.check import Check, Place

__all__ = ["endpoint"]

SERVING = ("InService", "RollingBack", "SystemUpdating", "Updating")


def endpoint(place: Place) -> Iterator[Check]:
    """The endpoint of the environment; it need not exist until an image has been applied."""
    name, deploy = place.settings["pipeline_name"], f"many-models up --env {place.environment.name}"
    try:
        described = place.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        if not place.settings["endpoint_enabled"]:
            yield Check("endpoint", True, "none: endpoint_enabled is false")
        elif not place.outputs.get("image_uri"):
            yield Check("endpoint", True, "none yet; it comes with the image")
        else:
            yield Check("endpoint", False, f"there is no {name}", f"Run `{deploy}`, which creates it.")
        return
    status = described["EndpointStatus"]
    seen = " ".join([name, "is", status, described.get("FailureReason", "")]).rstrip(" .")
    if status in SERVING:
        yield Check("endpoint", True, seen)
    elif status == "Creating":
        yield Check("endpoint", False, seen, "Wait a few minutes, and check again.")
    else:
        yield Check(
            "endpoint", False, seen, f"Fix the reason (its log is in CloudWatch), then run `{deploy}`."
        )
