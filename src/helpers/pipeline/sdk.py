"""Adaptations of the SageMaker SDK: steps whose requests are built here, and its configuration.

They were written for SDK_VERSION, which pyproject.toml pins; any other version is refused until someone has
checked this file. Only the overrides of the validation and of the client for local mode use what is not
public. The steps subclass the SDK's base class of steps.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from sagemaker.core.config.config_manager import SageMakerConfig
from sagemaker.core.local.local_session import LocalSagemakerClient
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import Properties
from sagemaker.mlops.workflow import steps
from sagemaker.mlops.workflow.retry import RetryPolicy
from sagemaker.mlops.workflow.steps import CacheConfig, ConfigurableRetryStep, StepTypeEnum

from helpers.session import Session

__all__ = ["NO_TELEMETRY", "SDK_VERSION", "RequestStep", "pipeline_session"]

SDK_VERSION = "3.27.0"
NO_TELEMETRY = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}

# The SDK sets every library's log to INFO, and warns about each job name that it leaves out of a definition.
logging.getLogger("botocore").setLevel(logging.WARNING)
for noisy in ("sagemaker", "sagemaker.config", "sagemaker.core"):
    logging.getLogger(noisy).setLevel(logging.ERROR)

# The SDK validates a session's configuration against its schema at each look-up, 44 times for a definition,
# which takes seconds. Ours is a constant, and was validated when the session was created.
_validate = SageMakerConfig.validate_sagemaker_config
SageMakerConfig.validate_sagemaker_config = staticmethod(
    lambda config=None: None if config is NO_TELEMETRY else _validate(config)
)
# To learn the name of one of its methods, each processing step makes a client for local mode, with a session
# and clients of its own. The class has that method as well.
steps.LocalSagemakerClient = lambda: LocalSagemakerClient


def pipeline_session(session: Session) -> PipelineSession:
    """The SDK's session in which nothing runs and everything becomes part of a definition.

    Raises:
        RuntimeError: the SDK's version is not the one that this file was written for.
    """
    if version("sagemaker") != SDK_VERSION:
        raise RuntimeError(
            f"The pipeline is compiled by the SageMaker SDK {SDK_VERSION}, but {version('sagemaker')} is "
            f"installed; install {SDK_VERSION}, or check whether helpers/pipeline/sdk.py fits the new one."
        )
    warnings.filterwarnings("ignore", message="Running within a PipelineSession")  # as intended
    return PipelineSession(
        boto_session=session.boto, default_bucket=session.bucket, sagemaker_config=NO_TELEMETRY
    )


class RequestStep(ConfigurableRetryStep):
    """A step whose request is built here, because the SDK's own classes cannot build it, or add to it.

    The SDK's ModelTrainer also asks IAM what the jobs' role may do (TrainDefaults.get_role), without the
    resources and conditions that a scoped policy is about, and refuses a role that lacks nothing.
    """

    def __init__(
        self,
        name: str,
        kind: StepTypeEnum,
        request: Mapping[str, Any],
        answers: Sequence[str],
        retries: Sequence[RetryPolicy],
        cache: CacheConfig | None = None,
    ) -> None:
        """`answers` are the shapes of SageMaker's API whose properties later steps may refer to."""
        super().__init__(name, step_type=kind, retry_policies=list(retries))
        self._request, self._cache = dict(request), cache
        self._properties = Properties(step_name=name, step=self, shape_names=list(answers))

    @property
    def arguments(self) -> dict[str, Any]:
        """The request, as the API for this kind of step expects it."""
        return self._request

    @property
    def properties(self) -> Properties:
        """The properties of the answer, for later steps to refer to."""
        return self._properties

    def to_request(self) -> dict[str, Any]:
        """The step as it appears in the definition."""
        return super().to_request() | (self._cache.config if self._cache else {})
