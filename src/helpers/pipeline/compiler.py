"""What all steps share: where they run, which code and which image, and for which family of tasks."""

from collections.abc import Mapping
from typing import Any

from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.columns import Family
from tabular.spec.estimators import Algorithm

from contract.names import group_prefix, load
from helpers.display import AsCard, Card, card
from helpers.errors import BadInput
from helpers.pipeline.definitions.expressions import in_words
from helpers.pipeline.parameters import Parameters
from helpers.pipeline.sdk import pipeline_session
from helpers.session import Session

__all__ = [
    "CACHE",
    "JOB_SECONDS",
    "REQUEST_RETRIES",
    "RETRIES",
    "VOLUME_GB",
    "Compiler",
    "output",
    "program",
]

CACHE = CacheConfig(enable_caching=True, expire_after="P30D")
JOB_SECONDS = 3600
VOLUME_GB = 30
# How long a spot job may wait for capacity, beside its own seconds.
SPOT_WAIT_SECONDS = 3600

# https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
REQUEST_RETRIES = [
    StepRetryPolicy(
        [StepExceptionTypeEnum.THROTTLING, StepExceptionTypeEnum.SERVICE_FAULT],
        interval_seconds=10,
        backoff_rate=2.0,
        max_attempts=8,
    )
]
# Of a step that runs a job: instances may be free again in minutes, or once other jobs have ended.
RETRIES = [
    *REQUEST_RETRIES,
    SageMakerJobStepRetryPolicy(
        [SageMakerJobExceptionTypeEnum.CAPACITY_ERROR, SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT],
        interval_seconds=120,
        backoff_rate=1.5,
        expire_after_mins=180,
    ),
    SageMakerJobStepRetryPolicy(
        [SageMakerJobExceptionTypeEnum.INTERNAL_ERROR], interval_seconds=30, max_attempts=2
    ),
]


class Compiler(AsCard):
    """What all steps share: where they run, which code and which image, and for which family of tasks."""

    def __init__(
        self,
        session: Session,
        sources: Mapping[str, str],
        family: Family = "classification",
        algorithms: Mapping[str, Algorithm] = ALGORITHMS,
        use_spot: bool = False,
    ) -> None:
        if not session.job_role_arn:
            raise BadInput(
                "This environment trains nothing: `many-models promote` takes over what another one trains. "
                "To train, give the outputs of that one."
            )
        if not session.image_uri:
            raise BadInput(
                "There is no image for jobs and endpoint yet; build it with notebook 01, apply Terraform "
                "with its image_uri, and write the outputs again."
            )
        self.session = session
        self.sources = sources  # the URI of each job's code, by module
        self.family: Family = family
        # One of your own algorithms may support only one family.
        self.algorithms = [each for each in algorithms.values() if family in each.estimators]
        self.use_spot = use_spot
        self.sdk = pipeline_session(session)

    def card(self) -> Card:
        """Where the steps run, with which image, and what competes."""
        return card(
            f"Compiler of {self.session.pipeline(self.family)}",
            {
                "environment": self.session.environment,
                "image": self.session.image_uri,
                "code": [f"{job}: {in_words(uri, {})}" for job, uri in self.sources.items()],
                "algorithms": ", ".join(algorithm.name for algorithm in self.algorithms),
                "capacity": "spot" if self.use_spot else "on demand",
            },
        )

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tags of every job; terraform/alarms.tf counts by Pipeline."""
        return [
            {"Key": "Project", "Value": "many-models"},
            {"Key": "Pipeline", "Value": self.session.pipeline_name},
        ]

    def time_limits(self, seconds: int = JOB_SECONDS) -> dict[str, Any]:
        """The fields of a training job that limit its time and say whether it runs on spot capacity.

        A trial or a refit takes minutes, so it has no checkpoints and starts again after an interruption; a
        packed search has them.
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
        """
        if not self.use_spot:
            return {"StoppingCondition": {"MaxRuntimeInSeconds": seconds}}
        return {
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {
                "MaxRuntimeInSeconds": seconds,
                "MaxWaitTimeInSeconds": seconds + SPOT_WAIT_SECONDS,
            },
        }

    def output_uri(self, *parts: str) -> Join:
        """The S3 folder in which an execution keeps the output of a step.

        The step's name comes first because a lifecycle rule matches prefixes only. It can then delete
        temporary output and keep what a registered package refers to.
        """
        root = self.session.uri(load().prefixes.executions.rstrip("/"))
        return Join("/", [root, *parts, ExecutionVariables.PIPELINE_EXECUTION_ID])

    def group(self, parameters: Parameters) -> Join:
        """Name of the model package group for an execution's data set."""
        return Join("", [group_prefix(self.session.pipeline_name), parameters.DatasetName])


def output(step: ProcessingStep, name: str) -> Any:
    """The S3 URI of one of a processing step's outputs."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def program(compiler: Compiler, module: str) -> dict[str, str]:
    """The hyperparameters that tell a training job where its code is."""
    return {"sagemaker_program": module, "sagemaker_submit_directory": compiler.sources[module]}
