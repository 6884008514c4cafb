"""What local_aws adds to the answers of moto."""

import hashlib
import json

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws


def manifest(number: int) -> str:
    """An image without layers, different for each number."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "number": number})


def test_an_image_is_named_by_the_contents_of_its_manifest(aws: Aws, name: str) -> None:
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName=name)
    wanted = {f"sha256:{hashlib.sha256(manifest(number).encode()).hexdigest()}" for number in range(20)}
    pushed = [
        ecr.put_image(repositoryName=name, imageManifest=manifest(number), imageTag=f"v{number}")["image"]
        for number in range(20)
    ]
    assert {image["imageId"]["imageDigest"] for image in pushed} == wanted
    listed = ecr.describe_images(repositoryName=name)["imageDetails"]
    assert {image["imageDigest"] for image in listed} == wanted


def test_an_image_with_another_digest_than_its_manifest_is_refused(aws: Aws, name: str) -> None:
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName=name)
    with pytest.raises(ClientError, match="is not that of the manifest") as refused:
        ecr.put_image(
            repositoryName=name,
            imageManifest=manifest(0),
            imageTag="v",
            imageDigest=f"sha256:{'0' * 64}",
        )
    assert refused.value.response["Error"]["Code"] == "ImageDigestDoesNotMatchException"
    assert ecr.describe_images(repositoryName=name)["imageDetails"] == []
