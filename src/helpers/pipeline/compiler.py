"""What all steps share: where they run, which code and which image, and for which family of tasks."""

from collections.abc import Mapping
from typing import Any

from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep
from tabular.spec.algorithms import ALGORITHMS, Algorithm, Family

from contract.names import group_prefix, load
from helpers.errors import BadInput
from helpers.pipeline.parameters import Parameters
from helpers.pipeline.sdk import pipeline_session
from helpers.session import Session

__all__ = ["CACHE", "JOB_SECONDS", "VOLUME_GB", "Compiler", "output", "program"]

CACHE = CacheConfig(enable_caching=True, expire_after="P30D")
JOB_SECONDS = 3600
VOLUME_GB = 30


class Compiler:
    """What all steps share: where they run, which code and which image, and for which family of tasks."""

    def __init__(
        self,
        session: Session,
        sources: Mapping[str, str],
        family: Family = "classification",
        algorithms: Mapping[str, Algorithm] = ALGORITHMS,
    ) -> None:
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
        self.sdk = pipeline_session(session)

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
