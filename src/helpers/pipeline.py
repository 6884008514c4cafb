"""The SageMaker pipeline: its parameters, its steps, and the definition they are compiled to.

The only module that imports the SageMaker SDK. Import it after `connect`: the SDK reads the address and
the region of AWS while it is imported.
"""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from sagemaker.core import image_uris
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    StoppingCondition,
)
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession, _ModelStepArguments, _StepArguments
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TuningStep
from sagemaker.train.model_trainer import ModelTrainer
from tabular.algorithms import ALGORITHMS, Categorical, Continuous, Family, Integer

from helpers import network
from helpers.errors import BadInput, one_line
from helpers.session import Session
from lambdas.contract import group_prefix, load

__all__ = [
    "DEFAULTS",
    "Compiler",
    "Parameters",
    "base_image",
    "definition",
    "evaluate_best_model",
    "preprocess_data",
    "publish",
    "refit_best_model",
    "register_best_model",
    "register_condition_check",
    "tuning_with_cross_validation",
]

# The SDK lets every library speak at INFO, and itself warns of each job name it leaves out of a definition.
logging.getLogger("botocore").setLevel(logging.WARNING)
for noisy in ("sagemaker", "sagemaker.config", "sagemaker.core"):
    logging.getLogger(noisy).setLevel(logging.ERROR)

SDK_VERSION = "3.27.0"
NO_TELEMETRY = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")
SCORE = "cross_validation_score"
SCORE_REGEX = SCORE + r"=([-+0-9.eE]+);"
JOB_SECONDS = 3600
DEFAULTS: Mapping[str, Any] = {
    "StratifySplit": "true",
    "TestSetSize": 0.2,
    "RandomState": 42,
    "CrossValidationScorer": "neg_log_loss",
    "CrossValidationFolds": 5,
    "MaxTuningJobs": 24,
    "MaxTuningParallelJobs": 2,
    "MetricForRegistrationThreshold": "auc",
    "MinThresholdForRegisterMetric": 0.9,
    "RegisterModelApprovalStatus": "PendingManualApproval",
}
VOLUME_GB = 30


@dataclass(frozen=True)
class Parameters:
    """What can be set when the pipeline is started, named as SageMaker Studio shows it."""

    DatasetName: ParameterString
    InputDataUri: ParameterString
    TargetColumn: ParameterString
    StratifySplit: ParameterString
    TestSetSize: ParameterFloat
    RandomState: ParameterInteger
    CrossValidationScorer: ParameterString
    CrossValidationFolds: ParameterInteger
    MaxTuningJobs: ParameterInteger
    MaxTuningParallelJobs: ParameterInteger
    MetricForRegistrationThreshold: ParameterString
    MinThresholdForRegisterMetric: ParameterFloat
    RegisterModelApprovalStatus: ParameterString
    PreprocessingInstance: ParameterString
    TrainingInstance: ParameterString
    EvaluationInstance: ParameterString

    @classmethod
    def with_defaults(cls, defaults: Mapping[str, Any]) -> "Parameters":
        """Parameters with a default each, so that a schedule can start the pipeline without naming any.

        What `defaults` does not give is taken from DEFAULTS.

        Raises:
            BadInput: an unknown parameter, or one that is left without a default.
        """
        defaults = {**DEFAULTS, **defaults}
        kinds = {name: field.type for name, field in cls.__dataclass_fields__.items()}
        if strange := sorted(set(defaults) ^ set(kinds)):
            raise BadInput(
                f"{', '.join(strange)}: each parameter of the pipeline needs a default, and no other has "
                f"one; they are {', '.join(kinds)}."
            )
        allowed = {
            "StratifySplit": ["true", "false"],
            # A pipeline registers and a person approves; on AWS the jobs' role may not do more either.
            "RegisterModelApprovalStatus": ["PendingManualApproval"],
        }
        made = {}
        for name, kind in kinds.items():
            options = {"enum_values": allowed[name]} if name in allowed else {}
            made[name] = kind(name=name, default_value=defaults[name], **options)
        return cls(**made)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__dict__.values())

    def table(self) -> pd.DataFrame:
        """A row for each parameter: its type and its default."""
        rows = {p.name: (p.parameter_type.value, str(p.default_value)) for p in self}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["type", "default"]).rename_axis(
            "parameter"
        )


class Compiler:
    """What all steps share: where they run, which code and which image, and for which family of tasks."""

    def __init__(self, session: Session, source_uri: str, family: Family = "classification") -> None:
        if version("sagemaker") != SDK_VERSION:
            raise RuntimeError(
                f"The tuning step is compiled around a fault of the SageMaker SDK {SDK_VERSION}, but "
                f"{version('sagemaker')} is installed; install {SDK_VERSION}, or see whether "
                "HyperparameterTuner.create works in the new one and drop the detour."
            )
        if not session.image_uri:
            raise BadInput(
                "There is no image for jobs and endpoint yet; build it with notebook 01, apply Terraform "
                "with its image_uri, and write the outputs again."
            )
        self.session = session
        self.source_uri = source_uri
        self.family: Family = family
        self.sdk = PipelineSession(
            boto_session=session.boto, default_bucket=session.bucket, sagemaker_config=NO_TELEMETRY
        )
        warnings.filterwarnings("ignore", message="Running within a PipelineSession")  # that nothing runs yet

    def output_uri(self, *parts: str) -> Join:
        """Where an execution keeps what a step made.

        The step comes first: a lifecycle rule knows prefixes only, and lets what is needed for a while
        expire without what a registered package names.
        """
        root = self.session.uri(load().prefixes.executions.rstrip("/"))
        return Join("/", [root, *parts, ExecutionVariables.PIPELINE_EXECUTION_ID])

    def group(self, parameters: Parameters) -> Join:
        """Name of the model package group of the data set of an execution."""
        return Join("", [group_prefix(self.session.pipeline_name), parameters.DatasetName])


def preprocess_data(compiler: Compiler, parameters: Parameters) -> ProcessingStep:
    """PreprocessData: clean the raw table, type its columns, split it."""
    arguments = _processing(
        compiler,
        "PreprocessData",
        "tabular.preprocess",
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
    return ProcessingStep("PreprocessData", step_args=arguments, cache_config=CACHE)


def tuning_with_cross_validation(
    compiler: Compiler, parameters: Parameters, preprocess: ProcessingStep
) -> TuningStep:
    """TuningWithCrossValidation: six algorithms compete, each trial scored by cross-validation.

    The SDK's HyperparameterTuner cannot make a request of several algorithms (its `create` fails), so the
    request is made here, as CreateHyperParameterTuningJob wants it.
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
                "StaticHyperParameters": _text(
                    _program(compiler, "tabular.train")
                    | {
                        "algorithm": algorithm.name,
                        "scorer": parameters.CrossValidationScorer,
                        "folds": parameters.CrossValidationFolds,
                        "random_state": parameters.RandomState,
                    }
                ),
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
                                "S3Uri": _output(preprocess, "train"),
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
            for algorithm in ALGORITHMS.values()
        ],
    }
    arguments = _StepArguments("tune", _Prepared.tune, _Prepared(compiler.sdk, request))
    return TuningStep("TuningWithCrossValidation", step_args=arguments, cache_config=CACHE)


def refit_best_model(
    compiler: Compiler, parameters: Parameters, preprocess: ProcessingStep, tuning: TuningStep
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
        hyperparameters=_program(compiler, "tabular.refit")
        | {"best_training_job": tuning.properties.BestTrainingJob.TrainingJobName},
    )
    channel = InputData(channel_name="train", data_source=_output(preprocess, "train"))
    arguments = trainer.train(input_data_config=[channel])
    return TrainingStep("RefitBestModel", step_args=arguments, cache_config=CACHE)


def evaluate_best_model(
    compiler: Compiler, parameters: Parameters, preprocess: ProcessingStep, refit: TrainingStep
) -> ProcessingStep:
    """EvaluateBestModel: judge the model on held-out rows, and the one in service on the same rows.

    Never cached: the model in service may have changed since.
    """
    # A refit that was taken from the cache keeps its own path and name.
    fitted = Join(
        "/",
        [
            refit.properties.OutputDataConfig.S3OutputPath,
            refit.properties.TrainingJobName,
            "output/output.tar.gz",
        ],
    )
    arguments = _processing(
        compiler,
        "EvaluateBestModel",
        "tabular.evaluate",
        parameters.EvaluationInstance,
        inputs={
            "model": refit.properties.ModelArtifacts.S3ModelArtifacts,
            "pipeline": fitted,
            "test": _output(preprocess, "test"),
        },
        outputs=("evaluation",),
        arguments={
            "--metric": parameters.MetricForRegistrationThreshold,
            "--threshold": parameters.MinThresholdForRegisterMetric.to_string(),
            "--models-map-uri": compiler.session.uri(load().models_map_key),
            "--group": compiler.group(parameters),
        },
    )
    report = PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")
    return ProcessingStep("EvaluateBestModel", step_args=arguments, property_files=[report])


def register_best_model(
    compiler: Compiler,
    parameters: Parameters,
    preprocess: ProcessingStep,
    tuning: TuningStep,
    refit: TrainingStep,
    evaluate: ProcessingStep,
) -> ModelStep:
    """RegisterBestModel: a new version in the data set's model package group, awaiting a person's approval.

    Made without the SDK's ModelBuilder, which adds settings for a server that this image does not have.
    """
    report_uri = Join("/", [_output(evaluate, "evaluation"), "evaluation.json"])
    arguments = _ModelStepArguments(_Prepared(compiler.sdk))
    arguments.create_model_package_request = {
        "ModelPackageGroupName": compiler.group(parameters),
        "ModelApprovalStatus": parameters.RegisterModelApprovalStatus,
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": compiler.session.image_uri,
                    "ModelDataUrl": refit.properties.ModelArtifacts.S3ModelArtifacts,
                }
            ],
            "SupportedContentTypes": ["text/csv", "application/json"],
            "SupportedResponseMIMETypes": ["text/csv", "application/json"],
            "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large", "ml.m5.xlarge", "ml.c5.large"],
            "SupportedTransformInstanceTypes": ["ml.m5.large", "ml.m5.xlarge"],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": report_uri}}
        },
        "CustomerMetadataProperties": {
            "dataset": parameters.DatasetName,
            "algorithm": tuning.properties.BestTrainingJob.TrainingJobDefinitionName,
            "tuning-training-job": tuning.properties.BestTrainingJob.TrainingJobName,
            "refit-training-job": refit.properties.TrainingJobName,
            "pipeline-execution": ExecutionVariables.PIPELINE_EXECUTION_ARN,
            "input-data": parameters.InputDataUri,
            "held-out-data": _output(preprocess, "test"),
            "evaluation": report_uri,
            "source": compiler.source_uri,
        },
    }
    arguments.caller_name = "create_model_package_from_containers"
    return ModelStep("RegisterBestModel", step_args=arguments)


def register_condition_check(
    compiler: Compiler, parameters: Parameters, evaluate: ProcessingStep, register: ModelStep
) -> ConditionStep:
    """RegisterConditionCheck: register what reaches the threshold and beats the model in service.

    Under the threshold the execution fails; not better than the model in service it succeeds without
    registering.
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


def base_image(region: str, tag: str) -> str:
    """URI of SageMaker's scikit-learn image, which the project's own extends, in a region's registry.

    Raises:
        BadInput: the SDK knows no such image there.
    """
    version, _, python = tag.partition("-cpu-")
    try:
        return image_uris.retrieve(
            "sklearn", region, version, py_version=python, instance_type="ml.m5.large", image_scope="training"
        )
    except ValueError as error:
        raise BadInput(f"There is no scikit-learn image {tag} in {region}: {one_line(error)}.") from None


def definition(compiler: Compiler, parameters: Parameters, steps: Sequence[Any]) -> str:
    """The definition as JSON: the same inputs give the same bytes."""
    pipeline = Pipeline(
        name=compiler.session.pipeline(compiler.family),
        parameters=list(parameters),
        steps=list(steps),
        sagemaker_session=compiler.sdk,
    )
    document = json.loads(pipeline.definition())
    if compiler.session.vpc:
        network.place(document["Steps"], compiler.session.vpc)
    return json.dumps(document, indent=1)


def publish(compiler: Compiler, compiled: str, developer: str = "", definition_file: str = "") -> None:
    """Create the pipeline, or update it if its definition changed, and write the definition to a file.

    On AWS the pipeline without a developer's name is Terraform's: it is made from the file, not from here.
    """
    session = compiler.session
    name = session.pipeline(compiler.family, developer)
    if definition_file:
        path = Path(definition_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(compiled)
        part.replace(path)
        print(f"Definition of {name} written to {definition_file}.")
    if session.is_local or developer:
        _upsert(session, name, compiled)
    else:
        print(f"Terraform owns {name}: give it the definition file, or set DEVELOPER for one of your own.")


def _upsert(session: Session, name: str, compiled: str) -> None:
    sagemaker = session.client("sagemaker")
    request = {"PipelineName": name, "PipelineDefinition": compiled, "RoleArn": session.job_role_arn}
    try:
        described = sagemaker.describe_pipeline(PipelineName=name)
    except sagemaker.exceptions.ResourceNotFound:
        sagemaker.create_pipeline(**request)
        print(f"Created the pipeline {name}.")
        return
    if described["PipelineDefinition"] == compiled:
        print(f"The pipeline {name} is up to date.")
    else:
        sagemaker.update_pipeline(**request)
        print(f"Updated the pipeline {name}.")


class _Prepared:
    """A request made here, standing where the SDK expects its tuner or its model."""

    def __init__(self, sdk: PipelineSession, request: Mapping[str, Any] | None = None) -> None:
        self.sagemaker_session = sdk
        self.request = request

    def tune(self) -> None:
        """What the SDK calls when it compiles the step."""
        self.sagemaker_session._intercept_create_request(self.request, None, "tune")


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
            for name, uri in {**inputs, "code": compiler.source_uri}.items()
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


def _output(step: ProcessingStep, name: str) -> Any:
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def _program(compiler: Compiler, module: str) -> dict[str, str]:
    return {"sagemaker_program": module, "sagemaker_submit_directory": compiler.source_uri}


def _text(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Hyperparameters are text in every request, pipeline parameters among them too."""
    return {
        name: value.to_string() if isinstance(value, ParameterInteger) else value
        for name, value in hyperparameters.items()
    }


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
