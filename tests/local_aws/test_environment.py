"""What Terraform's variables are on a laptop."""

import pytest
from support.local_aws.aws import Aws

import local_aws
from local_aws.core.errors import AwsError
from local_aws.environment import metrics_by_model


@pytest.mark.parametrize(("value", "expected"), [(None, "false"), ("false", "false"), ("true", "true")])
def test_metrics_by_model_are_asked_for_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, value: str | None, expected: str
) -> None:
    monkeypatch.delenv("METRICS_BY_MODEL", raising=False)
    if value is not None:
        monkeypatch.setenv("METRICS_BY_MODEL", value)
    assert metrics_by_model() == expected


def test_another_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_BY_MODEL", "1")
    with pytest.raises(AwsError, match="METRICS_BY_MODEL is '1'; it must be true or false"):
        metrics_by_model()


@pytest.mark.parametrize(
    "name", ["d", "d" * 33, "Demo", "toy_shop", "demo--two", "aws-models", "ssm", "sthree"]
)
def test_a_name_that_aws_does_not_take_makes_no_environment(aws: Aws, name: str) -> None:
    with pytest.raises(local_aws.LocalAwsError, match=f"pipeline_name is '{name}'; it must be 2 to 32"):
        local_aws.ensure_environment(aws.server, name)
