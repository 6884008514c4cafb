"""The container registry: which image a name refers to."""

import json
from collections.abc import Mapping
from typing import Any

from helpers.errors import UserError

__all__ = ["digest", "registry_of", "repository_of", "usable_digest"]

ABSENT = ("ImageNotFoundException", "RepositoryNotFoundException")
# The only kind of manifest that SageMaker runs. It refuses OCI's, and an index of images:
# https://github.com/aws/amazon-sagemaker-feedback/issues/180, https://github.com/moby/buildkit/issues/5480.
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest(ecr: Any, uri: str) -> str:
    """The digest of an image by its URI with `:tag` or `@digest`; empty if there is no such image.

    Follows https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html. Unlike
    DescribeImages, this call is also allowed for images in AWS's own accounts.
    """
    image = _image(ecr, uri)
    return image["imageId"]["imageDigest"] if image else ""


def usable_digest(ecr: Any, uri: str) -> str:
    """The digest of an image by its URI, as above, if SageMaker can run it; empty if there is no such image.

    Raises:
        UserError: there is such an image, but SageMaker would refuse the media type of its manifest.
    """
    image = _image(ecr, uri)
    if not image:
        return ""
    kind = image.get("imageManifestMediaType") or json.loads(image["imageManifest"]).get("mediaType")
    if kind != MANIFEST:
        identifier = image["imageId"]["imageDigest"]
        name = repository_of(uri).partition("/")[2]
        raise UserError(
            f"{uri} has a manifest of type {kind}, but SageMaker only runs {MANIFEST}; delete it (`aws ecr "
            f"batch-delete-image --repository-name {name} --image-ids imageDigest={identifier}`), and build "
            "it again with notebook 01 or `many-models image`, if necessary with IMAGE_BUILDER codebuild."
        )
    return image["imageId"]["imageDigest"]


def _image(ecr: Any, uri: str) -> Mapping[str, Any] | None:
    repository = repository_of(uri)
    reference = uri.removeprefix(repository)
    field = "imageTag" if reference.startswith(":") else "imageDigest"
    try:
        found = ecr.batch_get_image(
            registryId=repository.partition(".")[0],
            repositoryName=repository.partition("/")[2],
            imageIds=[{field: reference[1:]}],
        )
    except ecr.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        return None
    return found["images"][0] if found["images"] else None


def registry_of(uri: str) -> str:
    """The host of an image's registry."""
    return uri.partition("/")[0]


def repository_of(uri: str) -> str:
    """The URI of an image without its tag or digest."""
    host, _, path = uri.partition("/")
    return f"{host}/{path.partition('@')[0].partition(':')[0]}"
