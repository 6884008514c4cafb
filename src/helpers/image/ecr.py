"""The container registry: which image a name refers to."""

from typing import Any

__all__ = ["digest", "registry_of", "repository_of"]

ABSENT = ("ImageNotFoundException", "RepositoryNotFoundException")


def digest(ecr: Any, uri: str) -> str:
    """The digest of an image by its URI with `:tag` or `@digest`; empty if there is no such image.

    Follows https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html. Unlike
    DescribeImages, this call is also allowed for images in AWS's own accounts.
    """
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
        return ""
    return found["images"][0]["imageId"]["imageDigest"] if found["images"] else ""


def registry_of(uri: str) -> str:
    """The host of an image's registry."""
    return uri.partition("/")[0]


def repository_of(uri: str) -> str:
    """The URI of an image without its tag or digest."""
    host, _, path = uri.partition("/")
    return f"{host}/{path.partition('@')[0].partition(':')[0]}"
