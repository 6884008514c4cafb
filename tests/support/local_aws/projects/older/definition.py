"""Prints a pipeline definition: `definition.py BUCKET`, run in this folder by Python with sagemaker 2.257.7.

Two scripts of one archive compete in a tuning job, and the better model is registered if it is good enough.
The archive is on S3 already, as a CI job would put it there.
"""

import sys

from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.tuner import HyperparameterTuner
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import ProcessingStep, TuningStep

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/older:1"
ROLE = "arn:aws:iam::123456789012:role/older-jobs"
NAME = "older"
SCORE = "validation-auc"
RANGES = {
    "LightGBM": {"num-leaves": IntegerParameter(4, 16), "learning-rate": ContinuousParameter(0.05, 0.3)},
    "Stumps": {"order": CategoricalParameter(["first", "last"])},
}


def main(bucket: str) -> str:
    """Return the definition."""
    session = PipelineSession(default_bucket=bucket)
    raw = ParameterString("InputData", default_value=f"s3://{bucket}/{NAME}/raw/")
    least = ParameterFloat("LeastScore", default_value=0.7)
    trials = ParameterInteger("Trials", default_value=4)
    processor = ScriptProcessor(
        image_uri=IMAGE,
        command=["python3"],
        role=ROLE,
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
    )
    split = ProcessingStep(
        "Split",
        step_args=processor.run(
            code="steps/split.py",
            inputs=[ProcessingInput(source=raw, destination="/opt/ml/processing/input")],
            outputs=[
                ProcessingOutput(output_name=name, source=f"/opt/ml/processing/{name}")
                for name in ("train", "validation")
            ],
            arguments=["--share", "0.25"],
        ),
    )
    channels = {
        name: TrainingInput(
            split.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri, content_type="text/csv"
        )
        for name in ("train", "validation")
    }
    estimators = {name: estimator(name, bucket, session) for name in RANGES}
    tuner = HyperparameterTuner.create(
        estimator_dict=estimators,
        objective_metric_name_dict=dict.fromkeys(RANGES, SCORE),
        hyperparameter_ranges_dict=RANGES,
        metric_definitions_dict={
            name: [{"Name": SCORE, "Regex": r"validation-auc: ([0-9.]+)"}] for name in RANGES
        },
        strategy="Random",
        objective_type="Maximize",
        max_jobs=trials,
        max_parallel_jobs=2,
    )
    tune = TuningStep(
        "Tune", step_args=tuner.fit(inputs=dict.fromkeys(RANGES, channels), include_cls_metadata={})
    )
    best = tune.get_top_model_s3_uri(top_k=0, s3_bucket=bucket, prefix=f"{NAME}/models")
    report = PropertyFile("Report", output_name="report", path="report.json")
    evaluate = ProcessingStep(
        "Evaluate",
        step_args=processor.run(
            code="steps/evaluate.py",
            inputs=[
                ProcessingInput(source=best, destination="/opt/ml/processing/model"),
                ProcessingInput(
                    source=channels["validation"].config["DataSource"]["S3DataSource"]["S3Uri"],
                    destination="/opt/ml/processing/validation",
                ),
            ],
            outputs=[ProcessingOutput(output_name="report", source="/opt/ml/processing/report")],
        ),
        property_files=[report],
    )
    model = Model(image_uri=IMAGE, model_data=best, role=ROLE, sagemaker_session=session)
    register = ModelStep(
        "Register",
        step_args=model.register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name=NAME,
            approval_status="PendingManualApproval",
        ),
    )
    score = JsonGet(step_name="Evaluate", property_file=report, json_path="metrics.auc.value")
    check = ConditionStep(
        "Check",
        conditions=[ConditionGreaterThanOrEqualTo(left=score, right=least)],
        if_steps=[register],
        else_steps=[FailStep("TooWeak", Join(on=" ", values=["The score is less than", least]))],
    )
    pipeline = Pipeline(
        NAME, [raw, least, trials], steps=[split, tune, evaluate, check], sagemaker_session=session
    )
    return pipeline.definition()


def estimator(name: str, bucket: str, session: PipelineSession) -> Estimator:
    """An estimator whose program is a file in a folder of the archive."""
    return Estimator(
        image_uri=IMAGE,
        role=ROLE,
        instance_count=1,
        instance_type="ml.m5.large",
        entry_point=f"estimators/{name}.py",
        source_dir=f"s3://{bucket}/{NAME}/code/sourcedir.tar.gz",
        output_path=f"s3://{bucket}/{NAME}/models",
        hyperparameters={"rounds": 20, "label": "churned"},
        sagemaker_session=session,
        max_run=600,
    )


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
