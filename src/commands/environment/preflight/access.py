"""Checks the credentials, the region, and the bucket of Terraform's state."""

from collections.abc import Iterator

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError, UnknownRegionError

from commands.environment.preflight.check import Check, Place
from helpers.errors import one_line

__all__ = ["credentials", "region", "state"]


def credentials(place: Place) -> Iterator[Check]:
    """Whether someone is logged in."""
    try:
        yield Check("credentials", True, place.who)
    except (BotoCoreError, ClientError) as error:
        todo = "Log in (`aws sso login` or `aws configure`), and check again; nothing else was checked."
        yield Check("credentials", False, one_line(error), todo)


def region(place: Place) -> Iterator[Check]:
    """Whether SageMaker is available in the region."""
    session, region = botocore.session.Session(), place.settings["region"]
    try:
        there = session.get_available_regions("sagemaker", session.get_partition_for_region(region))
    except UnknownRegionError:
        there = []
    if region in there:
        yield Check("region", True, f"{region}, where SageMaker is available")
    else:
        todo = f"Choose another region in {place.environment.variables}, such as eu-central-1."
        yield Check("region", False, f"SageMaker is not available in {region}", todo)


def state(place: Place) -> Iterator[Check]:
    """Whether the bucket of Terraform's state exists and may be listed."""
    backend = place.environment.backend()
    bucket, file = backend["bucket"], f"environments/{place.environment.name}.s3.tfbackend"
    if not bucket:
        yield Check("state bucket", False, f"{file} does not name a bucket", "Name one of this account.")
        return
    try:
        place.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        # The answer to a HEAD has no body, only a status.
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            region = backend["region"] or place.settings["region"]
            page = "docs/operations/first-run-on-aws.md"
            todo = f"Create it, versioned ({page}), in {region}, or name another in {file}."
            yield Check("state bucket", False, f"{bucket} does not exist", todo)
        elif status == 403:
            todo = f"Give {place.who} the permission s3:ListBucket on it, or name your own bucket in {file}."
            yield Check("state bucket", False, f"{bucket} may not be listed", todo)
        else:
            raise
    else:
        yield Check("state bucket", True, bucket)
