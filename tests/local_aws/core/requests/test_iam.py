"""Policy variables, which IAM fills in from the request."""

from local_aws.core.requests.iam import allows

BASE = "arn:aws:sagemaker:eu-central-1:123456789012"
OWN = BASE + ":user-profile/${sagemaker:DomainId}/${sagemaker:UserProfileName}"
POLICY = {
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sagemaker:CreateSpace",
            "Resource": BASE + ":space/${sagemaker:DomainId}/*",
            "Condition": {"ArnLike": {"sagemaker:OwnerUserProfileArn": OWN}},
        }
    ]
}
SPACE = f"{BASE}:space/d-1/mine"
ANA = f"{BASE}:user-profile/d-1/ana"
ASKING = {"sagemaker:DomainId": "d-1", "sagemaker:UserProfileName": "ana"}


def allowed(resource: str, **context: str) -> bool:
    return allows(
        POLICY, "sagemaker:CreateSpace", resource, ASKING | {"sagemaker:OwnerUserProfileArn": ANA} | context
    )


def test_a_variable_stands_for_what_the_request_says() -> None:
    assert allowed(SPACE)
    assert not allowed(SPACE, **{"sagemaker:UserProfileName": "ben"})
    assert not allowed(SPACE.replace("d-1", "d-2"))


def test_a_variable_without_a_value_matches_nothing() -> None:
    context = {"sagemaker:OwnerUserProfileArn": ANA}
    assert not allows(POLICY, "sagemaker:CreateSpace", SPACE, context)
