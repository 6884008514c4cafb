"""The steps TuningWithCrossValidation and RefitBestModel, which run training jobs."""

from collections.abc import Mapping
from typing import Any

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.shapes import StoppingCondition
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig
from sagemaker.mlops.workflow.steps import ProcessingStep, StepTypeEnum, TrainingStep
from sagemaker.train.model_trainer import ModelTrainer
from tabular.spec.algorithms import Categorical, Continuous, Integer
from tabular.spec.trial import SCORE, SCORE_REGEX, Trial

from helpers.pipeline.compiler import CACHE, JOB_SECONDS, VOLUME_GB, Compiler, output, program
from helpers.pipeline.parameters import Parameters
from helpers.pipeline.sdk import RequestStep

__all__ = ["refit_best_model", "tuning_with_cross_validation"]


def tuning_with_cross_validation(
    compiler: Compiler, parameters: Parameters, preprocess: ProcessingStep
) -> RequestStep:
    """TuningWithCrossValidation: the algorithms compete, each trial scored by cross-validation.

    The SDK's HyperparameterTuner cannot build a request with several algorithms (its `create` fails), so the
    request is built here, as CreateHyperParameterTuningJob expects it.
    """
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": parameters.MaxTuningJobs,
                "MaxParallelTrainingJobs": parameters.MaxTuningParallelJobs,
            },
            "TrainingJobEarlyStoppingType": "Off",
            "RandomSeed": parameters.RandomState,
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
                    random_state=parameters.RandomState,
                ).to_hyperparameters(_text),
                "AlgorithmSpecification": {
                    "TrainingImage": compiler.session.image_uri,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": SCORE, "Regex": SCORE_REGEX}],
                },
                "RoleArn": compiler.session.job_role_arn,
                "InputDataConfig": [
                    {
                        "ChannelName": "train",
                        "DataSource": {
                            "S3DataSource": {
                                "S3DataType": "S3Prefix",
                                "S3Uri": output(preprocess, "train"),
                                "S3DataDistributionType": "FullyReplicated",
                            }
                        },
                    }
                ],
                "OutputDataConfig": {"S3OutputPath": compiler.output_uri("TuningWithCrossValidation")},
                "ResourceConfig": {
                    "InstanceType": parameters.TrainingInstance,
                    "InstanceCount": 1,
                    "VolumeSizeInGB": VOLUME_GB,
                },
                "StoppingCondition": {"MaxRuntimeInSeconds": JOB_SECONDS},
            }
            for algorithm in compiler.algorithms
        ],
    }
    answers = [
        "DescribeHyperParameterTuningJobResponse",
        "ListTrainingJobsForHyperParameterTuningJobResponse",
    ]
    return RequestStep("TuningWithCrossValidation", StepTypeEnum.TUNING, request, answers, CACHE)


def refit_best_model(
    compiler: Compiler, parameters: Parameters, preprocess: ProcessingStep, tuning: RequestStep
) -> TrainingStep:
    """RefitBestModel: fit the winner on the whole training split."""
    trainer = ModelTrainer(
        sagemaker_session=compiler.sdk,
        role=compiler.session.job_role_arn,
        training_image=compiler.session.image_uri,
        base_job_name="refit",
        compute=Compute(
            instance_type=parameters.TrainingInstance, instance_count=1, volume_size_in_gb=VOLUME_GB
        ),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=JOB_SECONDS),
        output_data_config=OutputDataConfig(s3_output_path=compiler.output_uri("RefitBestModel")),
        hyperparameters=program(compiler, "tabular.jobs.refit")
        | {"best_training_job": tuning.properties.BestTrainingJob.TrainingJobName},
    )
    channel = InputData(channel_name="train", data_source=output(preprocess, "train"))
    arguments = trainer.train(input_data_config=[channel])
    return TrainingStep("RefitBestModel", step_args=arguments, cache_config=CACHE)


def _text(value: Any) -> Any:
    """A hyperparameter as text, which requests need; a pipeline's parameter is converted at run time."""
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
