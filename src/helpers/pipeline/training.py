"""The steps that search for the best model and fit it: a training job for each trial, or one for all."""

from collections.abc import Mapping
from typing import Any

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.steps import ProcessingStep, StepTypeEnum
from tabular.spec.estimators import Categorical, Continuous, Integer
from tabular.spec.search import SEARCH_JOB_SECONDS, Plan
from tabular.spec.trial import METRICS, SCORE, Trial

from contract.names import load
from helpers.pipeline.compiler import (
    CACHE,
    JOB_SECONDS,
    RETRIES,
    VOLUME_GB,
    Compiler,
    output,
    program,
)
from helpers.pipeline.parameters import Parameters
from helpers.pipeline.sdk import RequestStep

__all__ = ["refit_best_model", "search", "search_and_refit", "tuning_with_cross_validation"]

# How often SageMaker repeats a trial after an internal error, which no retry policy of the step does.
TRIAL_RETRIES = 2
# Where SageMaker keeps a job's checkpoints, unless it is told another place.
CHECKPOINTS = "/opt/ml/checkpoints"
_METRICS = {"MetricDefinitions": [{"Name": name, "Regex": regex} for name, regex in METRICS.items()]}


def search(compiler: Compiler, parameters: Parameters, preprocess: ProcessingStep) -> list[RequestStep]:
    """The steps that search for the best model, as the parameter Search says; the last one fits it."""
    if parameters.packed:
        return [search_and_refit(compiler, parameters, preprocess)]
    tuning = tuning_with_cross_validation(compiler, parameters, preprocess)
    return [tuning, refit_best_model(compiler, parameters, preprocess, tuning)]


def tuning_with_cross_validation(
    compiler: Compiler, parameters: Parameters, preprocess: ProcessingStep
) -> RequestStep:
    """TuningWithCrossValidation: the algorithms compete, each trial scored by cross-validation.

    The SDK's HyperparameterTuner cannot build a request with several algorithms (its `create` fails), so the
    request is built here, as CreateHyperParameterTuningJob expects it.

    The step cache compares all of TrainingJobDefinitions, so trials write to a path that is the same in every
    execution; SageMaker appends the name of the trial.
    https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
    """
    outputs = compiler.session.uri(f"{load().prefixes.executions}TuningWithCrossValidation")
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": parameters.MaxTuningJobs,
                "MaxParallelTrainingJobs": parameters.MaxTuningParallelJobs,
            },
            "TrainingJobEarlyStoppingType": "Off",
            "RandomSeed": parameters.TunerSeed,
        },
        "TrainingJobDefinitions": [
            {
                "DefinitionName": algorithm.name,
                "TuningObjective": {"Type": "Maximize", "MetricName": SCORE},
                "HyperParameterRanges": _ranges(algorithm.estimators[compiler.family].hyperparameters),
                "StaticHyperParameters": program(compiler, "tabular.jobs.train")
                | Trial(
                    algorithm=algorithm.name,
                    scorer=parameters.CrossValidationScorer,
                    folds=parameters.CrossValidationFolds,
                    search_rows=parameters.SearchRows,
                    random_state=parameters.RandomState,
                ).to_hyperparameters(_text),
                "AlgorithmSpecification": _algorithm(compiler) | _METRICS,
                "OutputDataConfig": {"S3OutputPath": outputs},
                "RetryStrategy": {"MaximumRetryAttempts": TRIAL_RETRIES},
                **_on_train_split(compiler, parameters, preprocess),
            }
            for algorithm in compiler.algorithms
        ],
        "Tags": compiler.tags,  # trials get them from their tuning job
    }
    answers = [
        "DescribeHyperParameterTuningJobResponse",
        "ListTrainingJobsForHyperParameterTuningJobResponse",
    ]
    return RequestStep("TuningWithCrossValidation", StepTypeEnum.TUNING, request, answers, RETRIES, CACHE)


def refit_best_model(
    compiler: Compiler, parameters: Parameters, preprocess: ProcessingStep, tuning: RequestStep
) -> RequestStep:
    """RefitBestModel: fit the winner, or an ensemble of the trials, on the whole training split."""
    request = {
        "HyperParameters": program(compiler, "tabular.jobs.refit")
        | {
            "best_training_job": tuning.properties.BestTrainingJob.TrainingJobName,
            "ensemble": parameters.Ensemble,
        },
        "AlgorithmSpecification": _algorithm(compiler),
        "OutputDataConfig": {"S3OutputPath": compiler.output_uri("RefitBestModel")},
        **_on_train_split(compiler, parameters, preprocess),
        "Tags": compiler.tags,
    }
    answers = ["DescribeTrainingJobResponse"]
    return RequestStep("RefitBestModel", StepTypeEnum.TRAINING, request, answers, RETRIES, CACHE)


def search_and_refit(compiler: Compiler, parameters: Parameters, preprocess: ProcessingStep) -> RequestStep:
    """SearchAndRefit: all trials in one job, on all of its cores, which then fits the winner.

    The shards of a table with partitions are distributed over several instances.

    On spot capacity, it goes on from its checkpoint after an interruption. Two executions must not write to
    the same one, so its path has the execution's id. Since the step cache compares it, a search on spot
    capacity is not taken from an earlier execution.
    https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
    """
    request = {
        "HyperParameters": program(compiler, "tabular.jobs.search")
        | Plan(
            algorithms=",".join(algorithm.name for algorithm in compiler.algorithms),
            trials=parameters.MaxTuningJobs,
            scorer=parameters.CrossValidationScorer,
            folds=parameters.CrossValidationFolds,
            random_state=parameters.RandomState,
            seconds=parameters.SearchSeconds,
            search_rows=parameters.SearchRows,
            ensemble=parameters.Ensemble,
            models_map_uri=compiler.session.uri(load().models_map_key),
            group=compiler.group(parameters),
        ).to_hyperparameters(_text),
        "AlgorithmSpecification": _algorithm(compiler) | _METRICS,
        "OutputDataConfig": {"S3OutputPath": compiler.output_uri("SearchAndRefit")},
        **_on_train_split(
            compiler,
            parameters,
            preprocess,
            SEARCH_JOB_SECONDS,
            distribution="ShardedByS3Key",
            instances=parameters.FleetInstances,
        ),
        "Tags": compiler.tags,
    }
    if compiler.use_spot:
        checkpoints = compiler.output_uri("SearchAndRefit", "checkpoints")
        request["CheckpointConfig"] = {"S3Uri": checkpoints, "LocalPath": CHECKPOINTS}
    answers = ["DescribeTrainingJobResponse"]
    return RequestStep("SearchAndRefit", StepTypeEnum.TRAINING, request, answers, RETRIES, CACHE)


def _algorithm(compiler: Compiler) -> dict[str, Any]:
    return {"TrainingImage": compiler.session.image_uri, "TrainingInputMode": "File"}


def _on_train_split(
    compiler: Compiler,
    parameters: Parameters,
    preprocess: ProcessingStep,
    seconds: int = JOB_SECONDS,
    distribution: str = "FullyReplicated",
    instances: Any = 1,
) -> dict[str, Any]:
    """What trials, refit and search have in common: their data, role, instances and time."""
    return {
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": output(preprocess, "train"),
                        "S3DataDistributionType": distribution,
                    }
                },
            }
        ],
        "RoleArn": compiler.session.job_role_arn,
        "ResourceConfig": {
            "InstanceType": parameters.TrainingInstance,
            "InstanceCount": instances,
            "VolumeSizeInGB": VOLUME_GB,
        },
        **compiler.time_limits(seconds),
    }


def _text(value: Any) -> Any:
    """A hyperparameter as text, which requests need; a pipeline's parameter is converted at run time."""
    if isinstance(value, Join):  # which is text
        return value
    return value.to_string() if isinstance(value, PipelineVariable) else str(value)


def _ranges(
    hyperparameters: Mapping[str, Integer | Continuous | Categorical],
) -> dict[str, list[dict[str, Any]]]:
    ranges: dict[str, list[dict[str, Any]]] = {}
    for name, allowed in hyperparameters.items():
        if isinstance(allowed, Categorical):
            ranges.setdefault("CategoricalParameterRanges", []).append(
                {"Name": name, "Values": list(allowed.values)}
            )
        else:
            kind = "Integer" if isinstance(allowed, Integer) else "Continuous"
            ranges.setdefault(f"{kind}ParameterRanges", []).append(
                {
                    "Name": name,
                    "MinValue": str(allowed.low),
                    "MaxValue": str(allowed.high),
                    "ScalingType": allowed.scale,
                }
            )
    return ranges
