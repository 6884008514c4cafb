"""The step RegisterBestModel, and the two conditions before it."""

from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import ProcessingStep, StepTypeEnum, TrainingStep

from helpers.pipeline.compiler import Compiler, output
from helpers.pipeline.parameters import Parameters
from helpers.pipeline.sdk import RequestStep

__all__ = ["register_best_model", "register_condition_check"]


def register_best_model(
    compiler: Compiler,
    parameters: Parameters,
    preprocess: ProcessingStep,
    tuning: RequestStep,
    refit: TrainingStep,
    evaluate: ProcessingStep,
) -> RequestStep:
    """RegisterBestModel: a new version in the data set's model package group, awaiting approval.

    It does not use the SDK's ModelBuilder, which adds settings for a server that this image does not have.
    """
    report_uri, baseline_uri = (
        Join("/", [output(evaluate, "evaluation"), file]) for file in ("evaluation.json", "baseline.json")
    )
    request = {
        "ModelPackageGroupName": compiler.group(parameters),
        "ModelApprovalStatus": parameters.RegisterModelApprovalStatus,
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": compiler.session.image_uri,
                    "ModelDataUrl": refit.properties.ModelArtifacts.S3ModelArtifacts,
                }
            ],
            "SupportedContentTypes": ["text/csv", "application/json", "application/jsonlines"],
            "SupportedResponseMIMETypes": ["text/csv", "application/json"],
            "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large", "ml.m5.xlarge", "ml.c5.large"],
            "SupportedTransformInstanceTypes": ["ml.m5.large", "ml.m5.xlarge"],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": report_uri}},
            "ModelDataQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": baseline_uri}},
        },
        "ModelCard": {
            "ModelCardContent": JsonGet(
                step_name=evaluate.name, property_file="ModelCard", json_path="content"
            ),
            "ModelCardStatus": "PendingReview",
        },
        "CustomerMetadataProperties": {
            "dataset": parameters.DatasetName,
            "algorithm": tuning.properties.BestTrainingJob.TrainingJobDefinitionName,
            "tuning-training-job": tuning.properties.BestTrainingJob.TrainingJobName,
            "refit-training-job": refit.properties.TrainingJobName,
            "pipeline-execution": ExecutionVariables.PIPELINE_EXECUTION_ARN,
            "input-data": parameters.InputDataUri,
            "held-out-data": output(preprocess, "test"),
            "evaluation": report_uri,
            "evaluation-job": evaluate.properties.ProcessingJobName,
            "comparison": JsonGet(
                step_name=evaluate.name, property_file="EvaluationReport", json_path="gate.summary"
            ),
            "source": compiler.sources["tabular.jobs.refit"],  # the code that fitted the model
        },
    }
    return RequestStep(
        "RegisterBestModel", StepTypeEnum.REGISTER_MODEL, request, ["DescribeModelPackageOutput"]
    )


def register_condition_check(
    compiler: Compiler, parameters: Parameters, evaluate: ProcessingStep, register: RequestStep
) -> ConditionStep:
    """RegisterConditionCheck: register a model that reaches the threshold and beats the one in service.

    Below the threshold, the execution fails. If the model does not beat the one in service, the execution
    succeeds without registering it.
    """
    reaches_threshold, beats_champion = (
        ConditionGreaterThanOrEqualTo(
            left=JsonGet(
                step_name=evaluate.name, property_file="EvaluationReport", json_path=f"gate.{margin}"
            ),
            right=0.0,
        )
        for margin in ("threshold_margin", "champion_margin")
    )
    champion_check = ConditionStep(
        "ChampionConditionCheck", conditions=[beats_champion], if_steps=[register], else_steps=[]
    )
    failed = FailStep(
        "RegisterFailed",
        error_message=Join(
            " ",
            [
                "The",
                parameters.MetricForRegistrationThreshold,
                "of the best model of",
                parameters.DatasetName,
                "on held-out rows does not reach",
                parameters.MinThresholdForRegisterMetric.to_string(),
            ],
        ),
    )
    return ConditionStep(
        "RegisterConditionCheck",
        conditions=[reaches_threshold],
        if_steps=[champion_check],
        else_steps=[failed],
    )
