"""The quality gate: the step RegisterBestModel, and the conditions that decide about it.

Two condition steps stand side by side. ThresholdConditionCheck fails the execution if the model stays below
the threshold; RegisterConditionCheck registers it if it passes the whole gate. A model that reaches the
threshold but may be worse than the champion is not registered, and its execution succeeds.
"""

from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import ProcessingStep, StepTypeEnum

from contract.names import MODEL_SHA256
from helpers.pipeline.compiler import REQUEST_RETRIES, Compiler, output
from helpers.pipeline.parameters import Parameters
from helpers.pipeline.sdk import RequestStep

__all__ = ["register_best_model", "register_condition_check", "threshold_condition_check"]


def register_best_model(
    compiler: Compiler,
    parameters: Parameters,
    preprocess: ProcessingStep,
    fitted: RequestStep,
    evaluate: ProcessingStep,
) -> RequestStep:
    """RegisterBestModel: a new version in the data set's model package group, awaiting approval.

    `fitted` is the step whose job fitted the model. Which algorithm won, and in which job it was scored, is
    in the evaluation, however it was searched for.

    It does not use the SDK's ModelBuilder, which adds settings for a server that this image does not have.
    """
    report_uri, baseline_uri, drift_baseline_uri = (
        Join("/", [output(evaluate, "evaluation"), file])
        for file in ("evaluation.json", "baseline.json", "drift_baseline.json.gz")
    )
    request = {
        "ModelPackageGroupName": compiler.group(parameters),
        "ModelApprovalStatus": parameters.RegisterModelApprovalStatus,
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": compiler.session.image_uri,
                    # What was judged is what is registered: of a table with partitions, only this step knows
                    # which models serve, and so it makes the artifact of them.
                    "ModelDataUrl": Join("/", [output(evaluate, "model"), "model.tar.gz"]),
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
        # The deployer keeps it beside the model, for the check of what the model is asked.
        "DriftCheckBaselines": {
            "ModelDataQuality": {
                "Statistics": {"ContentType": "application/gzip", "S3Uri": drift_baseline_uri}
            }
        },
        "ModelCard": {
            "ModelCardContent": JsonGet(
                step_name=evaluate.name, property_file="ModelCard", json_path="content"
            ),
            "ModelCardStatus": "PendingReview",
        },
        "CustomerMetadataProperties": {
            "dataset": parameters.DatasetName,
            "search": parameters.Search,
            "algorithm": _said(evaluate, "model.algorithm"),
            "cross-validation": _said(evaluate, "cross_validated"),
            "tuning-training-job": _said(evaluate, "model.cross_validation.training_job"),
            "refit-training-job": fitted.properties.TrainingJobName,
            "pipeline-execution": ExecutionVariables.PIPELINE_EXECUTION_ARN,
            "input-data": parameters.InputDataUri,
            "held-out-data": output(preprocess, "test"),
            "evaluation": report_uri,
            "evaluation-job": evaluate.properties.ProcessingJobName,
            "comparison": _said(evaluate, "gate.summary"),
            # The deployer serves this model, or none.
            MODEL_SHA256: _said(evaluate, "model_sha256"),
            "source": fitted.arguments["HyperParameters"]["sagemaker_submit_directory"],  # that fitted it
        },
    }
    return RequestStep(
        "RegisterBestModel",
        StepTypeEnum.REGISTER_MODEL,
        request,
        ["DescribeModelPackageOutput"],
        REQUEST_RETRIES,
    )


def threshold_condition_check(parameters: Parameters, evaluate: ProcessingStep) -> ConditionStep:
    """ThresholdConditionCheck: worse than the threshold, fail the execution in the step RegisterFailed."""
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
        "ThresholdConditionCheck", conditions=[_passes(evaluate, "threshold")], else_steps=[failed]
    )


def register_condition_check(evaluate: ProcessingStep, register: RequestStep) -> ConditionStep:
    """RegisterConditionCheck: register a model that reaches the threshold and is no worse than the champion.

    All conditions of a step must hold. SageMaker does not allow a condition step inside another, or as input
    of another, so this step does not wait for ThresholdConditionCheck, but repeats its condition.
    https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-condition
    """
    both = [_passes(evaluate, name) for name in ("threshold", "champion")]
    return ConditionStep("RegisterConditionCheck", conditions=both, if_steps=[register])


def _passes(evaluate: ProcessingStep, name: str) -> ConditionGreaterThanOrEqualTo:
    """Whether one of the margins that the gate writes into the evaluation report is not negative."""
    return ConditionGreaterThanOrEqualTo(left=_said(evaluate, f"gate.{name}_margin"), right=0.0)


def _said(evaluate: ProcessingStep, path: str) -> JsonGet:
    """What the evaluation report says at a path."""
    return JsonGet(step_name=evaluate.name, property_file="EvaluationReport", json_path=path)
