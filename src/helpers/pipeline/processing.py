"""The steps PreprocessData and EvaluateBestModel, which are processing jobs."""

from collections.abc import Mapping, Sequence
from typing import Any

from sagemaker.core.processing import Processor
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep

from contract.names import load
from helpers.pipeline.compiler import CACHE, JOB_SECONDS, RETRIES, VOLUME_GB, Compiler, output
from helpers.pipeline.parameters import Parameters
from helpers.pipeline.sdk import RequestStep

__all__ = ["evaluate_best_model", "preprocess_data"]


def preprocess_data(compiler: Compiler, parameters: Parameters) -> ProcessingStep:
    """PreprocessData: clean the raw table, determine the types of its columns, and split it."""
    arguments = _processing(
        compiler,
        "PreprocessData",
        "tabular.jobs.preprocess",
        parameters.PreprocessingInstance,
        inputs={"data": parameters.InputDataUri},
        outputs=("train", "test", "report"),
        arguments={
            "--target": parameters.TargetColumn,
            "--family": compiler.family,
            "--test-size": parameters.TestSetSize.to_string(),
            "--stratify": parameters.StratifySplit,
            "--random-state": parameters.RandomState.to_string(),
        },
    )
    return ProcessingStep("PreprocessData", step_args=arguments, cache_config=CACHE, retry_policies=RETRIES)


def evaluate_best_model(
    compiler: Compiler, parameters: Parameters, preprocess: ProcessingStep, fitted: RequestStep
) -> ProcessingStep:
    """EvaluateBestModel: evaluate the new model and the one in service on the same held-out rows.

    `fitted` is the step whose job fitted the model.

    Never cached, because the model in service may have changed.
    """
    # A job that was taken from the cache keeps its original path and name.
    pipeline = Join(
        "/",
        [
            fitted.properties.OutputDataConfig.S3OutputPath,
            fitted.properties.TrainingJobName,
            "output/output.tar.gz",
        ],
    )
    arguments = _processing(
        compiler,
        "EvaluateBestModel",
        "tabular.jobs.evaluate",
        parameters.EvaluationInstance,
        inputs={
            "model": fitted.properties.ModelArtifacts.S3ModelArtifacts,
            "pipeline": pipeline,
            "test": output(preprocess, "test"),
        },
        outputs=("evaluation", "model"),
        arguments={
            "--metric": parameters.MetricForRegistrationThreshold,
            "--threshold": parameters.MinThresholdForRegisterMetric.to_string(),
            "--champion-margin": parameters.ChampionMargin.to_string(),
            "--champion-confidence": parameters.ChampionConfidence.to_string(),
            "--models-map-uri": compiler.session.uri(load().models_map_key),
            "--group": compiler.group(parameters),
        },
    )
    files = [
        PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json"),
        PropertyFile(name="ModelCard", output_name="evaluation", path="card.json"),
    ]
    return ProcessingStep(
        "EvaluateBestModel", step_args=arguments, property_files=files, retry_policies=RETRIES
    )


def _processing(
    compiler: Compiler,
    step: str,
    module: str,
    instance_type: ParameterString,
    inputs: Mapping[str, Any],
    outputs: Sequence[str],
    arguments: Mapping[str, Any],
) -> Any:
    processor = Processor(
        role=compiler.session.job_role_arn,
        image_uri=compiler.session.image_uri,
        instance_count=1,
        instance_type=instance_type,
        volume_size_in_gb=VOLUME_GB,
        max_runtime_in_seconds=JOB_SECONDS,
        entrypoint=["process", module],
        tags=compiler.tags,
        sagemaker_session=compiler.sdk,
    )
    return processor.run(
        inputs=[
            ProcessingInput(
                input_name=name,
                s3_input=ProcessingS3Input(
                    s3_uri=uri,
                    local_path=f"/opt/ml/processing/input/{name}",
                    s3_data_type="S3Prefix",
                    s3_input_mode="File",
                ),
            )
            for name, uri in {**inputs, "code": compiler.sources[module]}.items()
        ],
        outputs=[
            ProcessingOutput(
                output_name=name,
                s3_output=ProcessingS3Output(
                    s3_uri=compiler.output_uri(step, name),
                    local_path=f"/opt/ml/processing/output/{name}",
                    s3_upload_mode="EndOfJob",
                ),
            )
            for name in outputs
        ],
        arguments=[part for pair in arguments.items() for part in pair],
    )
