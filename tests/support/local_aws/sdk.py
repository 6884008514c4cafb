"""Another project, which uses the SageMaker SDK: `sdk.py BUCKET NAME` prints what it was told, as JSON.

The SDK makes a client while it is imported, so this is a program of its own: AWS_ENDPOINT_URL is set before.
"""

import json
import sys
from typing import Any

import boto3
from botocore.exceptions import WaiterError
from sagemaker.core.analytics import HyperparameterTuningJobAnalytics
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter
from sagemaker.core.processing import Processor
from sagemaker.core.resources import HyperParameterTuningJob, ProcessingJob, TrainingJob
from sagemaker.core.shapes import ProcessingOutput, ProcessingS3Output, StoppingCondition
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TuningStep
from sagemaker.train.model_trainer import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

from support import HANGS
from support.local_aws.pipeline import IMAGE, ROLE, python, source_archive

TRIALS = 3
TRIAL = """
import json, os
base = os.environ["SAGEMAKER_BASE_DIR"]
parameters = json.load(open(base + "/input/config/hyperparameters.json"))
assert open(base + "/input/data/train/rows.csv").read() == "1,2"
print("score=" + parameters["x"])
"""


def main(bucket: str, name: str) -> dict[str, Any]:
    """Build, run, read and delete a pipeline."""
    boto = boto3.session.Session()
    sdk = PipelineSession(boto_session=boto, default_bucket=bucket)
    program = f"s3://{bucket}/{name}/source.tar.gz"
    boto.client("s3").put_object(
        Bucket=bucket, Key=f"{name}/source.tar.gz", Body=source_archive("toy_sdk_trial", TRIAL)
    )
    pipeline = Pipeline(
        name=name,
        parameters=[least := ParameterFloat("Least", 0.0), trials := ParameterInteger("Trials", 99)],
        steps=steps(sdk, f"s3://{bucket}/{name}", program, least),
        sagemaker_session=sdk,
    )
    assert trials.default_value == 99
    told: dict[str, Any] = {"created": pipeline.upsert(ROLE, tags=[{"Key": "team", "Value": "toys"}])}
    told["updated"] = pipeline.upsert(ROLE, "the second time", tags=[{"Key": "year", "Value": "1"}])
    told["tags"] = sdk.sagemaker_client.list_tags(ResourceArn=told["created"]["PipelineArn"])["Tags"]
    told["pipeline"] = pipeline.describe()

    execution = pipeline.start({"Trials": 5}, execution_display_name="good")
    execution.wait(delay=1, max_attempts=120)
    told["execution"], told["steps"] = execution.describe(), execution.list_steps()
    told["parameters"] = pipeline.build_parameters_from_execution(execution.arn, {"Least": 2.0})
    told["jobs"] = read_jobs(sdk, {step["StepName"]: step for step in told["steps"]})

    failing = pipeline.start(told["parameters"])
    try:
        failing.wait(delay=1, max_attempts=120)
    except WaiterError as error:
        told["waiter"] = str(error)
    told["failed"] = failing.describe()
    told["failed steps"] = failing.list_steps()
    told["executions"] = pipeline.list_executions(sort_order="Descending")
    told["deleted"] = pipeline.delete()
    return told


def steps(sdk: PipelineSession, place: str, program: str, least: ParameterFloat) -> list[Any]:
    """Processing, tuning, and a condition on the parameter."""
    processor = Processor(
        role=ROLE,
        image_uri=IMAGE,
        instance_count=1,
        instance_type="ml.m5.large",
        entrypoint=python("open(base + '/processing/train/rows.csv', 'w').write('1,2')"),
        sagemaker_session=sdk,
    )
    rows = ProcessingS3Output(
        s3_uri=f"{place}/train", local_path="/opt/ml/processing/train", s3_upload_mode="EndOfJob"
    )
    prepared = processor.run(outputs=[ProcessingOutput(output_name="train", s3_output=rows)])
    prepare = ProcessingStep(name="Prepare", step_args=prepared)
    trainer = ModelTrainer(
        training_image=IMAGE,
        role=ROLE,
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=HANGS),
        output_data_config=OutputDataConfig(s3_output_path=f"{place}/training"),
        hyperparameters={
            "sagemaker_program": "toy_sdk_trial",
            "sagemaker_submit_directory": program,
        },
        sagemaker_session=sdk,
    )
    tuner = HyperparameterTuner(
        model_trainer=trainer,
        objective_metric_name="score",
        metric_definitions=[{"Name": "score", "Regex": "score=(.*)"}],
        hyperparameter_ranges={"x": ContinuousParameter(0, 1), "y": CategoricalParameter(["a", "b"])},
        strategy="Bayesian",
        max_jobs=TRIALS,
        max_parallel_jobs=2,
    )
    train = InputData(
        channel_name="train",
        data_source=prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri,
    )
    tune = TuningStep(name="Tune", step_args=tuner.tune(inputs=[train]))
    check = ConditionStep(
        name="Check",
        conditions=[ConditionGreaterThanOrEqualTo(left=1.0, right=least)],
        if_steps=[tune],
        else_steps=[FailStep(name="TooLittle", error_message="too little")],
    )
    return [prepare, check]


def read_jobs(sdk: PipelineSession, found: dict[str, Any]) -> dict[str, Any]:
    """Read the jobs of the steps through the SDK's own resources and analytics."""
    arn = found["Tune"]["Metadata"]["TuningJob"]["Arn"]
    name = arn.rpartition("/")[2]
    analytics = HyperparameterTuningJobAnalytics(name, sagemaker_session=sdk)
    table = analytics.dataframe()
    job = HyperParameterTuningJob.get(name)
    job.wait(poll=1)
    best = TrainingJob.get(job.best_training_job.training_job_name)
    processing = found["Prepare"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    return {
        "trials": json.loads(table.to_json(orient="records")),
        "ranges": analytics.tuning_ranges,
        "description": analytics.description()["HyperParameterTuningJobStatus"],
        "status": job.hyper_parameter_tuning_job_status,
        "listed": [trial.training_job_name for trial in job.get_all_training_jobs()],
        "best": best.training_job_name,
        "best x": float(best.hyper_parameters["x"]),
        "processing": ProcessingJob.get(processing).processing_job_status,
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:]), default=str))
