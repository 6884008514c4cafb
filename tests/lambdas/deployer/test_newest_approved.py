"""The registry's answer to: which package of this group is approved?"""

from datetime import UTC, datetime

import pytest
from botocore.stub import Stubber

from lambdas import clients
from lambdas.deployer import registry as model_registry
from lambdas.errors import ArtifactError

GROUP = "shop--iris"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/shop--iris/"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def sagemaker(aws):
    return clients.client("sagemaker")


def summary(version, status="Completed"):
    return {
        "ModelPackageGroupName": GROUP,
        "ModelPackageVersion": version,
        "ModelPackageArn": f"{ARN}{version}",
        "CreationTime": NOON,
        "ModelPackageStatus": status,
        "ModelApprovalStatus": "Approved",
    }


def description(version):
    return {
        "ModelPackageName": GROUP,
        "ModelPackageArn": f"{ARN}{version}",
        "CreationTime": NOON,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "InferenceSpecification": {
            "Containers": [{"Image": "image", "ModelDataUrl": f"s3://bucket/{version}/model.tar.gz"}]
        },
    }


def pages(stub, *contents):
    asked = {"ModelPackageGroupName": GROUP, "ModelApprovalStatus": "Approved"}
    for number, versions in enumerate(contents, start=1):
        more = {"NextToken": str(number)} if number < len(contents) else {}
        token = {"NextToken": str(number - 1)} if number > 1 else {}
        stub.add_response(
            "list_model_packages", {"ModelPackageSummaryList": versions, **more}, {**asked, **token}
        )


def test_a_group_without_packages_has_none(sagemaker, registry):
    registry.create(GROUP)
    assert model_registry.newest_approved(sagemaker, GROUP) is None


def test_pending_and_rejected_packages_do_not_count(sagemaker, registry):
    registry.create(GROUP)
    registry.register(GROUP, status="PendingManualApproval")
    registry.register(GROUP, status="Rejected")
    assert model_registry.newest_approved(sagemaker, GROUP) is None


def test_the_version_decides_not_the_moment_of_approval(sagemaker, registry):
    registry.create(GROUP)
    first, second = registry.register(GROUP), registry.register(GROUP)
    registry.approve(second)
    registry.approve(first)
    assert model_registry.newest_approved(sagemaker, GROUP).version == 2


def test_version_ten_is_newer_than_version_nine(sagemaker, registry):
    registry.create(GROUP)
    for _ in range(10):
        registry.register(GROUP, status="Approved")
    assert model_registry.newest_approved(sagemaker, GROUP).version == 10


@pytest.mark.runtime
def test_the_order_of_the_list_and_its_pages_does_not_matter(sagemaker):
    with Stubber(sagemaker) as stub:
        pages(stub, [summary(2), summary(11)], [summary(1)], [summary(3)])
        stub.add_response("describe_model_package", description(11), {"ModelPackageName": f"{ARN}11"})
        newest = model_registry.newest_approved(sagemaker, GROUP)
    assert newest == model_registry.Package(
        GROUP, 11, f"{ARN}11", "s3://bucket/11/model.tar.gz", registered_at="2026-01-05T12:00:00+00:00"
    )


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Failed", "Deleting"])
def test_an_approved_package_that_is_not_complete_does_not_count(sagemaker, status):
    with Stubber(sagemaker) as stub:
        pages(stub, [summary(2, status), summary(1)])
        stub.add_response("describe_model_package", description(1), {"ModelPackageName": f"{ARN}1"})
        assert model_registry.newest_approved(sagemaker, GROUP).version == 1


@pytest.mark.runtime
def test_a_deleted_group_has_none(sagemaker):
    with Stubber(sagemaker) as stub:
        message = f"ModelPackageGroup arn:aws:sagemaker:::model-package-group/{GROUP} does not exist."
        stub.add_client_error("list_model_packages", "ValidationException", message)
        assert model_registry.newest_approved(sagemaker, GROUP) is None


@pytest.mark.runtime
def test_another_error_is_not_mistaken_for_a_deleted_group(sagemaker):
    with Stubber(sagemaker) as stub, pytest.raises(sagemaker.exceptions.ClientError, match="not authorized"):
        stub.add_client_error("list_model_packages", "AccessDeniedException", "not authorized")
        model_registry.newest_approved(sagemaker, GROUP)


def test_a_package_without_an_artifact_is_refused(sagemaker, registry):
    registry.create(GROUP)
    registry.register(GROUP, status="Approved", url="")
    with pytest.raises(ArtifactError, match="has 0 ModelDataUrl values; exactly one is needed"):
        model_registry.newest_approved(sagemaker, GROUP)


def test_one_list_tells_the_newest_approved_version_of_every_group_of_the_pipeline(sagemaker, registry):
    for group in ["shop--iris", "shop--wine", "shop--digits", "shop-staging--iris", "my-shop--iris"]:
        registry.create(group)
        for status in ["Approved", "Approved", "Rejected"]:
            registry.register(group, status=status)
    registry.reject(registry.register("shop--digits"))
    found = model_registry.all_newest_approved(sagemaker, "shop--")
    assert {group: version for group, (version, _) in found.items()} == {
        "shop--iris": 2,
        "shop--wine": 2,
        "shop--digits": 2,
    }
    newest = model_registry.newest_approved(sagemaker, "shop--iris")
    assert found["shop--iris"] == (newest.version, newest.registered_at)


def test_the_approval_has_its_own_time_if_the_registry_records_it(sagemaker):
    decided = {"decision-2026-01-03T10:00:00.000000Z": "Rejected by ana", "model-sha256": "a" * 64}
    approved = {**decided, "decision-2026-01-04T10:00:00.000000Z": "Approved by ana"}
    for metadata, when in (
        (decided, "2026-01-05T12:00:00+00:00"),
        (approved, "2026-01-04T10:00:00.000000+00:00"),
    ):
        with Stubber(sagemaker) as stub:
            pages(stub, [summary(1)])
            stub.add_response(
                "describe_model_package", {**description(1), "CustomerMetadataProperties": metadata}
            )
            found = model_registry.newest_approved(sagemaker, GROUP)
        assert (found.approved_at, found.sha256) == (when, "a" * 64)
