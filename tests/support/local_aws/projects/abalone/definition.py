"""Builds and runs two pipelines by version 3 of the SageMaker SDK: `definition.py BUCKET`.

One is as the SDK's documentation builds its example of abalones: process, train, evaluate, and if the error
is small enough, register the model, create it and transform a batch with it. The other one tunes a script.
It prints what it was told, as JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import boto3
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.resources import (
    Endpoint,
    EndpointConfig,
    HyperParameterTuningJob,
    Model,
    ModelPackage,
    ModelPackageGroup,
    PipelineExecution,
    ProcessingJob,
    TrainingJob,
    TransformJob,
)
from sagemaker.core.resources import Pipeline as PipelineResource
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    StoppingCondition,
)
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig, SourceCode
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import (
    CacheConfig,
    ProcessingStep,
    TrainingStep,
    TransformStep,
    TuningStep,
)
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train.model_trainer import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

HERE = Path(__file__).parent
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/abalone:1"
ROLE = "arn:aws:iam::123456789012:role/abalone-jobs"
TYPE = "ml.m5.large"
NAME = "abalone"
CACHE = CacheConfig(enable_caching=True, expire_after="P1D")


def main(bucket: str) -> dict[str, Any]:
    """Run both pipelines and return what became of them."""
    session = PipelineSession(boto_session=boto3.session.Session(), default_bucket=bucket)
    most = ParameterFloat("MostError", 6.0)
    rows = ParameterString("InputData", f"s3://{bucket}/{NAME}/raw/")
    batch = ParameterString("BatchData", f"s3://{bucket}/{NAME}/batch/")
    split = split_step(session, rows)
    train = TrainingStep(
        name="Train",
        step_args=trainer(session, bucket, "train.py", alpha=1.0).train(input_data_config=channels(split)),
        cache_config=CACHE,
    )
    evaluate, report = evaluate_step(session, split, train)
    error = JsonGet(step_name="Evaluate", property_file=report, json_path="regression_metrics.mse.value")
    check = ConditionStep(
        name="Check",
        conditions=[ConditionLessThanOrEqualTo(left=error, right=most)],
        if_steps=if_good(session, bucket, train, batch),
        else_steps=[
            FailStep(name="TooInexact", error_message=Join(on=" ", values=["The error is more than", most]))
        ],
    )
    whole = Pipeline(
        name=NAME,
        parameters=[most, rows, batch],
        steps=[split, train, evaluate, check],
        sagemaker_session=session,
    )
    tuned = Pipeline(
        name=f"{NAME}-tuned",
        parameters=[rows],
        steps=[(again := split_step(session, rows)), tune_step(session, bucket, again)],
        sagemaker_session=session,
    )
    for pipeline in (whole, tuned):
        pipeline.upsert(ROLE)
    running = {"good": whole.start(), "tuned": tuned.start()}
    told = {name: ended(execution) for name, execution in running.items()}
    told["bad"] = ended(whole.start({"MostError": 0.001}))
    return {**told, "listed": listed()}


def ended(execution: Any) -> dict[str, Any]:
    """Wait for an execution, and return it with its steps by name."""
    while execution.describe()["PipelineExecutionStatus"] == "Executing":
        time.sleep(0.2)
    return {
        "execution": execution.describe(),
        "steps": {step["StepName"]: step for step in execution.list_steps()},
    }


def listed() -> dict[str, Any]:
    """What the SDK's resource classes list."""
    kinds = (HyperParameterTuningJob, Model, ModelPackageGroup, PipelineResource, ProcessingJob, TrainingJob)
    found = {kind.__name__: kind.get_all() for kind in (*kinds, Endpoint, EndpointConfig, TransformJob)}
    found["ModelPackage"] = ModelPackage.get_all(model_package_group_name=NAME)
    found["PipelineExecution"] = PipelineExecution.get_all(pipeline_name=NAME)
    return {
        kind: [each.model_dump(mode="json", exclude_unset=True, warnings=False) for each in resources]
        for kind, resources in found.items()
    }


def processor(session: PipelineSession) -> ScriptProcessor:
    """What runs the steps' scripts."""
    return ScriptProcessor(
        image_uri=IMAGE,
        command=["python3"],
        role=ROLE,
        instance_count=1,
        instance_type=TYPE,
        sagemaker_session=session,
    )


def source(name: str, uri: Any) -> ProcessingInput:
    """An input of a processing job, in the folder of its name."""
    place = ProcessingS3Input(
        s3_uri=uri,
        local_path=f"/opt/ml/processing/{name}",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
    )
    return ProcessingInput(input_name=name, s3_input=place)


def target(session: PipelineSession, step: str, name: str) -> ProcessingOutput:
    """An output of a processing job, in a folder of the execution."""
    place = ["s3:/", session.default_bucket(), NAME, ExecutionVariables.PIPELINE_EXECUTION_ID, step, name]
    uri = Join(on="/", values=place)
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=uri, local_path=f"/opt/ml/processing/{name}", s3_upload_mode="EndOfJob"
        ),
    )


def output(step: ProcessingStep, name: str) -> Any:
    """Where a processing step puts an output."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def split_step(session: PipelineSession, rows: ParameterString) -> ProcessingStep:
    """Two tables with a header from one without."""
    arguments = processor(session).run(
        code=str(HERE / "steps/split.py"),
        inputs=[source("raw", rows)],
        outputs=[target(session, "Split", name) for name in ("train", "test")],
        arguments=["--every", "4"],
    )
    return ProcessingStep(name="Split", step_args=arguments, cache_config=CACHE)


def channels(split: ProcessingStep) -> list[InputData]:
    """The channels of a training job."""
    return [InputData(channel_name=name, data_source=output(split, name)) for name in ("train", "test")]


def trainer(session: PipelineSession, bucket: str, script: str, **hyperparameters: Any) -> ModelTrainer:
    """A training job that runs a script of the folder `code`."""
    return ModelTrainer(
        training_image=IMAGE,
        role=ROLE,
        source_code=SourceCode(source_dir=str(HERE / "code"), entry_script=script),
        compute=Compute(instance_type=TYPE, instance_count=1, volume_size_in_gb=1),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/{NAME}/models"),
        hyperparameters=hyperparameters,
        base_job_name=NAME,
        sagemaker_session=session,
    )


def evaluate_step(
    session: PipelineSession, split: ProcessingStep, train: TrainingStep
) -> tuple[ProcessingStep, PropertyFile]:
    """The error on the rows that were not trained on."""
    report = PropertyFile(name="Report", output_name="report", path="evaluation.json")
    arguments = processor(session).run(
        code=str(HERE / "steps/evaluate.py"),
        inputs=[
            source("model", train.properties.ModelArtifacts.S3ModelArtifacts),
            source("test", output(split, "test")),
        ],
        outputs=[target(session, "Evaluate", "report")],
    )
    step = ProcessingStep(name="Evaluate", step_args=arguments, property_files=[report], cache_config=CACHE)
    return step, report


def if_good(
    session: PipelineSession, bucket: str, train: TrainingStep, batch: ParameterString
) -> list[ModelStep | TransformStep]:
    """Register the model, and use it for a batch."""
    builder = ModelBuilder(
        s3_model_data_url=train.properties.ModelArtifacts.S3ModelArtifacts,
        image_uri=IMAGE,
        role_arn=ROLE,
        sagemaker_session=session,
    )
    create = ModelStep(name="Create", step_args=builder.build())
    register = ModelStep(
        name="Register",
        step_args=builder.register(
            model_package_group_name=NAME,
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=[TYPE],
            transform_instances=[TYPE],
            approval_status="PendingManualApproval",
        ),
    )
    transformer = Transformer(
        model_name=create.properties.ModelName,
        instance_count=1,
        instance_type=TYPE,
        strategy="MultiRecord",
        assemble_with="Line",
        accept="text/csv",
        output_path=f"s3://{bucket}/{NAME}/predicted",
        sagemaker_session=session,
    )
    transform = TransformStep(
        name="Transform",
        step_args=transformer.transform(
            data=batch,
            content_type="text/csv",
            split_type="Line",
            input_filter="$[1:]",
            join_source="Input",
            output_filter="$[0,-1]",
        ),
    )
    return [register, create, transform]


def tune_step(session: PipelineSession, bucket: str, split: ProcessingStep) -> TuningStep:
    """A search over the hyperparameters of a script."""
    tuner = HyperparameterTuner(
        model_trainer=trainer(session, bucket, "search.py"),
        objective_metric_name="mse",
        objective_type="Minimize",
        metric_definitions=[{"Name": "mse", "Regex": "mse=([0-9.]+);"}],
        hyperparameter_ranges={
            "column": CategoricalParameter(["length", "weight"]),
            "shrinkage": ContinuousParameter(0.0, 1.0),
        },
        strategy="Random",
        max_jobs=3,
        max_parallel_jobs=3,
    )
    return TuningStep(name="Tune", step_args=tuner.tune(inputs=channels(split)))


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:]), default=str))
