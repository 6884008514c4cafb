"""Checks whether the image that ours extends is in SageMaker's registry."""

import os
from collections.abc import Iterator

from commands.environment.preflight.check import Check, Place
from helpers.image import ecr

__all__ = ["base_image"]


def base_image(place: Place) -> Iterator[Check]:
    """The image that Terraform names; before the first apply, the one that the SDK names.

    Nothing is built for an environment that does not train.
    """
    if not place.trains:
        return
    uri = place.outputs.get("base_image") or _named_by_the_sdk(place)
    if digest := ecr.digest(place.client("ecr"), uri):
        yield Check("base image", True, f"{uri} is {digest}")
    else:
        todo = f"Set base_image_tag in {place.environment.variables} to an existing tag."
        yield Check("base image", False, f"{uri} does not exist", todo)


def _named_by_the_sdk(place: Place) -> str:
    os.environ.setdefault("AWS_DEFAULT_REGION", place.settings["region"])  # the SDK needs one when imported
    from helpers import pipeline  # takes seconds, and only before the first apply

    return pipeline.base_image(place.settings["region"], place.settings["base_image_tag"])
