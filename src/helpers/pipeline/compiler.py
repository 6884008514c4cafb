"""What all steps share: where they run, which code and which image, and for which family of tasks."""

import logging
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from sagemaker.core.config.config_manager import SageMakerConfig
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep
from tabular.spec.algorithms import ALGORITHMS, Algorithm, Family

from contract.names import group_prefix, load
from helpers.errors import BadInput
from helpers.pipeline.parameters import Parameters
from helpers.session import Session

__all__ = ["CACHE", "JOB_SECONDS", "SDK_VERSION", "VOLUME_GB", "Compiler", "Prepared", "output", "program"]

# The SDK lets every library speak at INFO, and itself warns of each job name it leaves out of a definition.
logging.getLogger("botocore").setLevel(logging.WARNING)
for noisy in ("sagemaker", "sagemaker.config", "sagemaker.core"):
    logging.getLogger(noisy).setLevel(logging.ERROR)

SDK_VERSION = "3.27.0"
NO_TELEMETRY = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")
JOB_SECONDS = 3600
VOLUME_GB = 30

# The SDK holds a session's configuration against its schema each time it looks something up there, which is
# 44 times in a definition and takes seconds; ours is a constant, which the session has checked when it began.
_validate = SageMakerConfig.validate_sagemaker_config
SageMakerConfig.validate_sagemaker_config = staticmethod(
    lambda config=None: None if config is NO_TELEMETRY else _validate(config)
)


class Compiler:
    """What all steps share: where they run, which code and which image, and for which family of tasks."""

    def __init__(
        self,
        session: Session,
        source_uri: str,
        family: Family = "classification",
        algorithms: Mapping[str, Algorithm] = ALGORITHMS,
    ) -> None:
        if version("sagemaker") != SDK_VERSION:
            raise RuntimeError(
                f"The tuning step is compiled around a fault of the SageMaker SDK {SDK_VERSION}, but "
                f"{version('sagemaker')} is installed; install {SDK_VERSION}, or see whether "
                "HyperparameterTuner.create works in the new one and drop the detour."
            )
        if not session.image_uri:
            raise BadInput(
                "There is no image for jobs and endpoint yet; build it with notebook 01, apply Terraform "
                "with its image_uri, and write the outputs again."
            )
        self.session = session
        self.source_uri = source_uri
        self.family: Family = family
        # One of somebody's own may be for one family alone.
        self.algorithms = [each for each in algorithms.values() if family in each.estimators]
        self.sdk = PipelineSession(
            boto_session=session.boto, default_bucket=session.bucket, sagemaker_config=NO_TELEMETRY
        )
        warnings.filterwarnings("ignore", message="Running within a PipelineSession")  # that nothing runs yet

    def output_uri(self, *parts: str) -> Join:
        """Where an execution keeps what a step made.

        The step comes first: a lifecycle rule knows prefixes only, and lets what is needed for a while
        expire without what a registered package names.
        """
        root = self.session.uri(load().prefixes.executions.rstrip("/"))
        return Join("/", [root, *parts, ExecutionVariables.PIPELINE_EXECUTION_ID])

    def group(self, parameters: Parameters) -> Join:
        """Name of the model package group of the data set of an execution."""
        return Join("", [group_prefix(self.session.pipeline_name), parameters.DatasetName])


class Prepared:
    """A request made here, standing where the SDK expects its tuner or its model."""

    def __init__(self, sdk: PipelineSession, request: Mapping[str, Any] | None = None) -> None:
        self.sagemaker_session = sdk
        self.request = request

    def tune(self) -> None:
        """What the SDK calls when it compiles the step."""
        self.sagemaker_session._intercept_create_request(self.request, None, "tune")


def output(step: ProcessingStep, name: str) -> Any:
    """Where a processing step leaves one of its outputs."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def program(compiler: Compiler, module: str) -> dict[str, str]:
    """The hyperparameters by which a training job finds its code."""
    return {"sagemaker_program": module, "sagemaker_submit_directory": compiler.source_uri}
