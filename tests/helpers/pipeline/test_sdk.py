"""Adaptations of the SageMaker SDK: the version they were written for, and what they rely on."""

import json
import logging
from typing import Any

import jsonschema
import pytest
from support import ROOT
from support.helpers.shared import Compiled, compile_pipeline

from helpers.session import Session


@pytest.fixture
def sdk(compiled: Compiled) -> Any:
    """The module; imported after a session is connected, as the SDK needs it."""
    from helpers.pipeline import sdk

    return sdk


def test_the_version_is_the_pinned_one(sdk: Any) -> None:
    for file in ("pyproject.toml", "constraints.txt"):
        assert f"sagemaker=={sdk.SDK_VERSION}" in (ROOT / file).read_text()


def test_an_sdk_of_another_version_is_refused_loudly(
    session: Session, sdk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk, "version", lambda _: "3.28.0")
    with pytest.raises(RuntimeError, match=r"SageMaker SDK 3\.27\.0, but 3\.28\.0 is installed; install 3"):
        sdk.pipeline_session(session)


def test_the_sdk_still_validates_any_configuration_but_the_constant_one_which_is_valid(sdk: Any) -> None:
    sdk._validate(sdk.NO_TELEMETRY)
    changed = sdk.NO_TELEMETRY | {"SchemaVersion": 5}
    with pytest.raises(jsonschema.ValidationError, match="5 is not"):
        sdk.SageMakerConfig.validate_sagemaker_config(changed)


def test_the_sdk_still_validates_by_the_method_that_is_overridden(
    session: Session, sdk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the override did not take effect, definitions would be right, but would take seconds longer."""
    seen: list[Any] = []
    monkeypatch.setattr(sdk.SageMakerConfig, "validate_sagemaker_config", staticmethod(seen.append))
    made = sdk.pipeline_session(session)
    sdk.SageMakerConfig().get_sagemaker_config_value(made, "SageMaker.PythonSDK.Modules.TelemetryOptOut")
    assert any(config is sdk.NO_TELEMETRY for config in seen)


def test_the_sdk_is_quiet(sdk: Any) -> None:
    assert not logging.getLogger("sagemaker.core").isEnabledFor(logging.WARNING)
    assert not logging.getLogger("botocore").isEnabledFor(logging.INFO)


def test_a_step_of_ours_stands_in_a_definition_as_the_sdks_do(sdk: Any, session: Session) -> None:
    from sagemaker.core.workflow.functions import Join
    from sagemaker.mlops.workflow.pipeline import Pipeline
    from sagemaker.mlops.workflow.retry import StepExceptionTypeEnum, StepRetryPolicy
    from sagemaker.mlops.workflow.steps import CacheConfig, StepTypeEnum

    throttled = StepRetryPolicy([StepExceptionTypeEnum.THROTTLING], max_attempts=3)

    tuning = sdk.RequestStep(
        "Tune",
        StepTypeEnum.TUNING,
        {"Some": "request"},
        ["DescribeHyperParameterTuningJobResponse"],
        [throttled],
        CacheConfig(enable_caching=True, expire_after="P30D"),
    )
    best = tuning.properties.BestTrainingJob.TrainingJobName
    register = sdk.RequestStep(
        "Register",
        StepTypeEnum.REGISTER_MODEL,
        {"Best": Join("/", [best])},
        ["DescribeModelPackageOutput"],
        [],
    )
    made = Pipeline(name="x", steps=[tuning, register], sagemaker_session=sdk.pipeline_session(session))
    assert json.loads(made.definition())["Steps"] == [
        {
            "Name": "Tune",
            "Type": "Tuning",
            "Arguments": {"Some": "request"},
            "RetryPolicies": [
                {
                    "BackoffRate": 2.0,
                    "IntervalSeconds": 1,
                    "MaxAttempts": 3,
                    "ExceptionType": ["Step.THROTTLING"],
                }
            ],
            "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
        },
        {
            "Name": "Register",
            "Type": "RegisterModel",
            "Arguments": {
                "Best": {
                    "Std:Join": {"On": "/", "Values": [{"Get": "Steps.Tune.BestTrainingJob.TrainingJobName"}]}
                }
            },
        },
    ]


def test_a_processing_step_makes_no_session_for_local_mode(
    session: Session, sdk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the override did not take effect, definitions would be right, but each step would take a while."""
    from sagemaker.core.local import local_session

    made: list[Any] = []
    monkeypatch.setattr(local_session.LocalSession, "__init__", lambda *given: made.append(given))
    compile_pipeline(session)
    assert made == []
    local_session.LocalSagemakerClient()
    assert len(made) == 1, "which is what the SDK does"
