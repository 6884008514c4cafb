"""The SageMaker SDK where it must be made to fit: steps whose requests are made here, and its configuration.

Seen on SDK_VERSION, which pyproject.toml pins; another one is refused until somebody has looked at this file.
Of what is here only the override of the validation has no public way; steps are made by subclassing the SDK's
base class of steps.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from sagemaker.core.config.config_manager import SageMakerConfig
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import Properties
from sagemaker.mlops.workflow.steps import CacheConfig, Step, StepTypeEnum

from helpers.session import Session

__all__ = ["NO_TELEMETRY", "SDK_VERSION", "RequestStep", "pipeline_session"]

SDK_VERSION = "3.27.0"
NO_TELEMETRY = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}

# The SDK lets every library speak at INFO, and itself warns of each job name it leaves out of a definition.
logging.getLogger("botocore").setLevel(logging.WARNING)
for noisy in ("sagemaker", "sagemaker.config", "sagemaker.core"):
    logging.getLogger(noisy).setLevel(logging.ERROR)

# The SDK holds a session's configuration against its schema each time it looks something up there, which is
# 44 times in a definition and takes seconds; ours is a constant, which the session has checked when it began.
_validate = SageMakerConfig.validate_sagemaker_config
SageMakerConfig.validate_sagemaker_config = staticmethod(
    lambda config=None: None if config is NO_TELEMETRY else _validate(config)
)


def pipeline_session(session: Session) -> PipelineSession:
    """The SDK's session, in which nothing runs and everything becomes part of a definition.

    Raises:
        RuntimeError: the SDK is another than this file was made for.
    """
    if version("sagemaker") != SDK_VERSION:
        raise RuntimeError(
            f"The pipeline is compiled by the SageMaker SDK {SDK_VERSION}, but {version('sagemaker')} is "
            f"installed; install {SDK_VERSION}, or see whether helpers/pipeline/sdk.py fits the new one."
        )
    warnings.filterwarnings("ignore", message="Running within a PipelineSession")  # that nothing runs yet
    return PipelineSession(
        boto_session=session.boto, default_bucket=session.bucket, sagemaker_config=NO_TELEMETRY
    )


class RequestStep(Step):
    """A step whose request is made here, because the SDK's own classes cannot make it, or add to it."""

    def __init__(
        self,
        name: str,
        kind: StepTypeEnum,
        request: Mapping[str, Any],
        answers: Sequence[str],
        cache: CacheConfig | None = None,
    ) -> None:
        """`answers` are the shapes of SageMaker's API that later steps may name properties of."""
        super().__init__(name, step_type=kind)
        self._request, self._cache = dict(request), cache
        self._properties = Properties(step_name=name, step=self, shape_names=list(answers))

    @property
    def arguments(self) -> dict[str, Any]:
        """The request, as the API of this kind of step takes it."""
        return self._request

    @property
    def properties(self) -> Properties:
        """What later steps may name of the answer."""
        return self._properties

    def to_request(self) -> dict[str, Any]:
        """The step as the definition has it."""
        return super().to_request() | (self._cache.config if self._cache else {})
