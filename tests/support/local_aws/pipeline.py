"""Tiny steps, built as the SageMaker SDK writes them into a definition."""

import io
import json
import tarfile
from collections.abc import Iterable
from typing import Any

from support import HANGS, looks

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/toy:local"
ROLE = "arn:aws:iam::123456789012:role/toy-jobs"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
BASE = "import json, os, sys, time; base = os.environ['SAGEMAKER_BASE_DIR']; "
Step = dict[str, Any]


def get(path: str) -> dict[str, str]:
    """Refer to a parameter, a step's property or the execution."""
    return {"Get": path}


def join(*values: Any) -> Step:
    """Join values with slashes when the step runs."""
    return {"Std:Join": {"On": "/", "Values": list(values)}}


def python(code: str) -> list[str]:
    """Return a container entrypoint that runs a line of Python; `base` is the job's /opt/ml."""
    return ["python3", "-c", BASE + code]


def resources() -> Step:
    """One small instance."""
    return {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}


def processing(
    name: str,
    code: str,
    inputs: dict[str, Any] | None = None,
    outputs: Iterable[str] = (),
    bucket: str = "toys",
    **more: Any,
) -> Step:
    """A processing step; each output goes to its own folder of the execution."""
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {"ClusterConfig": resources()},
            "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": python(code)},
            "RoleArn": ROLE,
            "ProcessingInputs": [
                {
                    "InputName": key,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/{key}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for key, uri in (inputs or {}).items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": key,
                        "S3Output": {
                            "S3Uri": join(
                                f"s3://{bucket}/executions", get("Execution.PipelineExecutionId"), key
                            ),
                            "LocalPath": f"/opt/ml/processing/{key}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for key in outputs
                ]
            },
        },
        **more,
    }


def training_request(code: str | None = None, bucket: str = "toys", **more: Any) -> Step:
    """The arguments of a training job; without code it runs the image's own `train`."""
    entrypoint = {"ContainerEntrypoint": python(code)} if code else {}
    return {
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "score", "Regex": r"score=(\S+)"}],
            **entrypoint,
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/training"},
        "ResourceConfig": resources(),
        "StoppingCondition": {"MaxRuntimeInSeconds": HANGS},
        **more,
    }


def channel(name: str, uri: Any) -> Step:
    """An input channel of a training job."""
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
    }


def training(name: str, code: str, **more: Any) -> Step:
    """A training step."""
    return {"Name": name, "Type": "Training", "Arguments": training_request(code, **more)}


def condition(
    name: str, conditions: list[Step], then: Iterable[Step] = (), otherwise: Iterable[Step] = ()
) -> Step:
    """A condition step."""
    arguments = {"Conditions": conditions, "IfSteps": list(then), "ElseSteps": list(otherwise)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def compare(kind: str, left: Any, right: Any) -> Step:
    """A condition on two values."""
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def fail(name: str, message: Any) -> Step:
    """A step that fails the execution."""
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def register(name: str, group: str, model: Any) -> Step:
    """A step that registers a model."""
    return {
        "Name": name,
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": group,
            "InferenceSpecification": {
                "Containers": [{"Image": IMAGE, "ModelDataUrl": model}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "ModelApprovalStatus": "PendingManualApproval",
        },
    }


def model(name: str, data: Any, **environment: str) -> Step:
    """A step that creates a model."""
    container = {"Image": IMAGE, "ModelDataUrl": data, "Environment": environment}
    arguments = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    return {"Name": name, "Type": "Model", "Arguments": arguments}


def transform_request(model_name: Any, source: Any, target: Any, **more: Any) -> Step:
    """The arguments of a transform job over the lines of CSV files."""
    return {
        "ModelName": model_name,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": target, "Accept": "text/csv", "AssembleWith": "Line"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
        **more,
    }


def transform(name: str, *arguments: Any, **more: Any) -> Step:
    """A transform step."""
    return {"Name": name, "Type": "Transform", "Arguments": transform_request(*arguments, **more)}


def definition(steps: list[Step], parameters: list[Step] | None = None) -> str:
    """Return a pipeline definition."""
    return json.dumps(
        {"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters or [], "Steps": steps}
    )


def create(client: Any, name: str, steps: list[Step], parameters: list[Step] | None = None) -> None:
    """Create a pipeline."""
    client.create_pipeline(PipelineName=name, PipelineDefinition=definition(steps, parameters), RoleArn=ROLE)


def run(client: Any, name: str, **parameters: str) -> tuple[Step, dict[str, Step]]:
    """Run a pipeline to its end; return the execution and its steps by name."""
    given = [{"Name": key, "Value": value} for key, value in parameters.items()]
    arn = client.start_pipeline_execution(PipelineName=name, PipelineParameters=given)["PipelineExecutionArn"]
    return finish(client, arn)


def finish(client: Any, arn: str) -> tuple[Step, dict[str, Step]]:
    """Wait for an execution; return it and its steps by name."""
    for _ in looks():
        execution = client.describe_pipeline_execution(PipelineExecutionArn=arn)
        if execution["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
            break
    steps = client.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return execution, {step["StepName"]: step for step in steps}


def run_steps(client: Any, name: str, steps: list[Step]) -> tuple[Step, dict[str, Step]]:
    """Create a pipeline and run it to its end."""
    create(client, name, steps)
    return run(client, name)


def source_archive(module: str, code: str) -> bytes:
    """Return a source.tar.gz, from which `train` runs a module."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        entry = tarfile.TarInfo(f"{module}.py")
        entry.size = len(code)
        archive.addfile(entry, io.BytesIO(code.encode()))
    return content.getvalue()
