"""Promotion: what one account opens to another, what the other needs for it, and that it trains nothing."""

import json
from itertools import product
from typing import Any

import pytest
from support.terraform.grants import KEY, Call

from local_aws.core.requests.iam import actions, allows, permits, statements

SHARED = {
    "aws_s3_bucket_policy.this": ("policy", 20_480),
    'aws_ecr_repository_policy.promotion["demo"]': ("policy", 10_240),
    'aws_sagemaker_model_package_group_policy.promotion["wine"]': ("resource_policy", 20_480),
    'aws_sagemaker_model_package_group_policy.promotion["churn"]': ("resource_policy", 20_480),
}
MAIN, OTHERS = "123456789012", ("222222222222", "333333333333")
BUCKET = "arn:aws:s3:::demo-{}-eu-central-1"
MODEL = "executions/RefitBestModel/3h8n9fiy7q5b/job/output/model.tar.gz"
EVALUATION = "executions/EvaluateBestModel/evaluation/3h8n9fiy7q5b/evaluation.json"


def crossing(account: str) -> list[Call]:
    """What a promotion asks of the account in which a model was trained."""
    sagemaker, bucket = f"arn:aws:sagemaker:eu-central-1:{account}", BUCKET.format(account)
    repository = f"arn:aws:ecr:eu-central-1:{account}:repository/demo"
    return [
        Call("sagemaker:DescribeModelPackage", f"{sagemaker}:model-package/demo--wine/3"),
        Call("sagemaker:ListModelPackages", f"{sagemaker}:model-package-group/demo--wine"),
        Call("s3:GetObject", f"{bucket}/{MODEL}"),
        Call("s3:GetObject", f"{bucket}/{EVALUATION}"),
        *(
            Call(f"ecr:{action}", repository)
            for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
        ),
    ]


def refused(account: str) -> list[Call]:
    """What nobody from another account may do there."""
    sagemaker, bucket = f"arn:aws:sagemaker:eu-central-1:{account}", BUCKET.format(account)
    return [
        Call("s3:PutObject", f"{bucket}/{MODEL}"),
        Call("s3:DeleteObject", f"{bucket}/{MODEL}"),
        Call("s3:ListBucket", bucket),
        *(
            Call("s3:GetObject", f"{bucket}/{key}")
            for key in (
                "raw/wine/data.csv",
                "executions/PreprocessData/train/3h8n9fiy7q5b/part.parquet",
                "code/source.tar.gz",
                "models/demo--wine/3-0123456789ab.tar.gz",
                "deployments/models-map.json",
            )
        ),
        Call("sagemaker:DescribeModelPackage", f"{sagemaker}:model-package/demo--secret/1"),
        Call("sagemaker:DescribeModelPackage", f"{sagemaker}:model-package/demo--wine-secret/1"),
        Call("sagemaker:UpdateModelPackage", f"{sagemaker}:model-package/demo--wine/3"),
        Call("sagemaker:CreateModelPackage", f"{sagemaker}:model-package-group/demo--wine"),
        Call("sagemaker:InvokeEndpoint", f"{sagemaker}:endpoint/demo"),
        Call("ecr:PutImage", f"arn:aws:ecr:eu-central-1:{account}:repository/demo"),
    ]


@pytest.fixture(scope="module")
def shared(guarded_plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The policies of the resources in the account that trains."""
    return {address: json.loads(guarded_plan[address][field]) for address, (field, _) in SHARED.items()}


@pytest.fixture(scope="module")
def promoter(promoted_plan: dict[str, Any]) -> dict[str, Any]:
    return json.loads(promoted_plan["aws_iam_policy.promoter[0]"]["policy"])


def open_to(shared: dict[str, dict[str, Any]], account: str, call: Call) -> bool:
    return any(permits(policy, account, call.action, call.resource) for policy in shared.values())


def test_the_account_that_trains_opens_what_a_promotion_reads_and_nothing_else(
    shared: dict[str, dict[str, Any]],
) -> None:
    for account in OTHERS:
        assert [call for call in crossing(MAIN) if not open_to(shared, account, call)] == []
        assert [call for call in refused(MAIN) if open_to(shared, account, call)] == []
    assert [call for call in crossing(MAIN) if open_to(shared, "444444444444", call)] == []


def test_its_policies_name_accounts_and_fit(
    shared: dict[str, dict[str, Any]], guarded_plan: dict[str, Any]
) -> None:
    roots = {f"arn:aws:iam::{account}:root" for account in OTHERS}
    for address, policy in shared.items():
        opening = [statement for statement in statements(policy) if statement["Effect"] == "Allow"]
        assert opening
        assert all(set(statement["Principal"]["AWS"]) == roots for statement in opening)
        assert not any("*" in action for action in actions({"Statement": opening}))
        assert len(json.dumps(policy)) < SHARED[address][1]
    grants = {address: values for address, values in guarded_plan.items() if "aws_kms_grant" in address}
    assert {values["grantee_principal"] for values in grants.values()} == roots
    assert all((grant["operations"], grant["key_id"]) == (["Decrypt"], KEY) for grant in grants.values())


def test_nothing_is_open_unless_an_account_is_named(plan: dict[str, Any]) -> None:
    assert not [address for address in plan if "promotion" in address or "promoter" in address]
    (statement,) = json.loads(plan["aws_s3_bucket_policy.this"]["policy"])["Statement"]
    assert statement["Effect"] == "Deny"


def test_the_promoter_may_ask_for_it_and_registers_for_approval(promoter: dict[str, Any]) -> None:
    needed = [
        *crossing("111111111111"),
        Call("s3:PutObject", f"arn:aws:s3:::demo-prod-{MAIN}-eu-central-1/{MODEL}"),
        Call("s3:PutObject", f"arn:aws:s3:::demo-prod-{MAIN}-eu-central-1/{EVALUATION}"),
        *(
            Call(f"sagemaker:{action}", f"arn:aws:sagemaker:eu-central-1:{MAIN}:{kind}/demo-prod--wine{rest}")
            for action, kind, rest in (
                ("DescribeModelPackageGroup", "model-package-group", ""),
                ("CreateModelPackageGroup", "model-package-group", ""),
                ("DescribeModelPackage", "model-package", "/1"),
                ("ListModelPackages", "model-package-group", ""),
            )
        ),
        register("PendingManualApproval"),
        decrypting("s3.eu-central-1.amazonaws.com"),
        Call("kms:GenerateDataKey", KEY),
    ]
    assert [call for call in needed if not allowed(promoter, call)] == []


def test_the_promoter_may_not_approve_nor_write_where_models_are_trained_nor_switch_what_serves(
    promoter: dict[str, Any],
) -> None:
    package = f"arn:aws:sagemaker:eu-central-1:{MAIN}:model-package/demo-prod--wine/1"
    forbidden = [
        *(call for call in refused("111111111111") if not call.resource.endswith("/1")),
        register("Approved"),
        Call("sagemaker:UpdateModelPackage", package, (("sagemaker:ModelApprovalStatus", "Approved"),)),
        Call("s3:PutObject", f"arn:aws:s3:::demo-prod-{MAIN}-eu-central-1/models/demo-prod--wine/1-0.tar.gz"),
        Call("s3:PutObject", f"arn:aws:s3:::demo-prod-{MAIN}-eu-central-1/deployments/models-map.json"),
        decrypting("lambda.eu-central-1.amazonaws.com"),
    ]
    assert [call for call in forbidden if allowed(promoter, call)] == []
    text = json.dumps(promoter, separators=(",", ":"))  # and with the longest names
    longest = (
        text.replace("demo-prod", "n" * 32)
        .replace("demo", "n" * 32)
        .replace("eu-central-1", "ap-southeast-1")
    )
    assert len(text) < len(longest) < 6144
    for statement in statements(promoter):
        assert not any("*" in action for action in statement["Action"])


def test_an_environment_that_takes_models_over_has_nothing_to_train_or_build_with(
    promoted_plan: dict[str, Any],
) -> None:
    absent = ("pipeline", "codebuild", "ecr", "kms_grant", "group_policy", "retrain", "operator", "developer")
    assert [address for address, word in product(promoted_plan, absent) if word in address] == []
    roles = {values["name"] for address, values in promoted_plan.items() if "aws_iam_role." in address}
    assert roles == {
        f"demo-prod-{role}" for role in ("endpoint", "deployer", "invoker", "monitor", "scheduler")
    }
    people = {values["name"] for address, values in promoted_plan.items() if "aws_iam_policy." in address}
    assert people == {"demo-prod-promoter", "demo-prod-approver", "demo-prod-monitor"}
    (model,) = [values for address, values in promoted_plan.items() if "aws_sagemaker_model." in address]
    assert model["primary_container"][0]["image"].startswith("111111111111.")


def test_its_endpoint_pulls_the_image_from_there_and_its_people_and_functions_need_nothing_else_of_it(
    promoted_plan: dict[str, Any],
) -> None:
    for address, values in promoted_plan.items():
        if "aws_iam_role_policy" not in address and "approver" not in address:
            continue
        there = [
            action
            for statement in statements(json.loads(values["policy"]))
            if any("111111111111" in resource for resource in statement["Resource"])
            for action in statement["Action"]
        ]
        pulls = address in ("aws_iam_role_policy.endpoint", "aws_iam_role_policy.monitor")
        assert {action.split(":")[0] for action in there} == ({"ecr"} if pulls else set()), address


def register(status: str) -> Call:
    group = f"arn:aws:sagemaker:eu-central-1:{MAIN}:model-package-group/demo-prod--wine"
    return Call("sagemaker:CreateModelPackage", group, (("sagemaker:ModelApprovalStatus", status),))


def decrypting(service: str) -> Call:
    key = "arn:aws:kms:eu-central-1:111111111111:key/k"
    return Call("kms:Decrypt", key, (("kms:ViaService", service),))


def allowed(policy: dict[str, Any], call: Call) -> bool:
    return allows(policy, call.action, call.resource, dict(call.context))
