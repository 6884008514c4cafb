"""What a job sees of the world: the folder /opt/ml of a finished job, with what it read and what it left.

SageMaker fills the folder before a job starts, and uploads what the job leaves in it. The job's own
description says which folders these are, and S3 has their contents.

Follows https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contract.names import load
from helpers import display
from helpers.data import datasets
from helpers.display import Text, text
from helpers.errors import JobFailed
from helpers.pipeline.code import job_source
from helpers.runs.executions.earlier import earlier
from helpers.runs.executions.execution import Execution, steps_of
from helpers.session import Session
from helpers.session.storage import put_once

__all__ = ["look_inside", "tree"]
__dir__ = __all__.copy

STEP, PROGRAM = "PreprocessData", "tabular.jobs.preprocess"
INSTEAD = (
    "No job of this environment has finished yet, so there is no folder to look into; run notebook 3, and "
    "then this cell again."
)
ENDED = ("Completed", "Failed", "Stopped")
POLL_SECONDS = 0.2
MOST_LOOKED_AT = 10  # executions
OPT_ML = "/opt/ml"


def look_inside(session: Session) -> Text | None:
    """The folder of a finished job as a tree: on AWS of the latest PreprocessData, here of a small one.

    The one on this machine runs when it is asked for the first time, for a few seconds.

    Raises:
        JobFailed: it failed.
    """
    name = _small_job(session) if session.is_local else _latest(session)
    if not name:
        display.say(INSTEAD)
        return None
    return text(tree(session, session.client("sagemaker").describe_processing_job(ProcessingJobName=name)))


def tree(session: Session, job: Mapping[str, Any]) -> str:
    """The folder of a processing job, from its description and from what it left in S3."""
    application = job["AppSpecification"]
    command = " ".join([*application["ContainerEntrypoint"], *application.get("ContainerArguments", [])])
    folders: dict[str, list[str]] = {
        "config": ["processingjobconfig.json\t\tread: the job's own description"],
    }
    for one in job["ProcessingInputs"]:
        source = one["S3Input"]["S3Uri"]
        folders[_below(one["S3Input"]["LocalPath"])] = [
            f"{file}\t{size}\tread" for file, size in _files(session, source)
        ]
    for one in job["ProcessingOutputConfig"]["Outputs"]:
        target = one["S3Output"]["S3Uri"]
        folders[_below(one["S3Output"]["LocalPath"])] = [
            f"{file}\t{size}\tleft" for file, size in _files(session, target)
        ]
    return "\n".join([f"$ {command}", OPT_ML, *_aligned(_drawn(_nested(folders)))])


def _small_job(session: Session) -> str:
    """The name of a PreprocessData on breast-cancer that was run to be looked at; it runs only once."""
    sagemaker, name = session.client("sagemaker"), f"{session.pipeline_name}-look-inside"
    try:
        job = sagemaker.describe_processing_job(ProcessingJobName=name)
    except sagemaker.exceptions.ClientError:
        sagemaker.create_processing_job(**_request(session, name))
        job = sagemaker.describe_processing_job(ProcessingJobName=name)
    while job["ProcessingJobStatus"] not in ENDED:
        time.sleep(POLL_SECONDS)
        job = sagemaker.describe_processing_job(ProcessingJobName=name)
    if job["ProcessingJobStatus"] != "Completed":
        reason = job.get("FailureReason", job["ProcessingJobStatus"])
        raise JobFailed(f"The job {name} did not end well: {reason}")
    return name


def _request(session: Session, name: str) -> dict[str, Any]:
    """A job like PreprocessData, as notebook 2 compiles it."""
    table = datasets.inputs(session, datasets.find("breast-cancer"))
    code = put_once(session, load().prefixes.code, "source.tar.gz", job_source.archive(PROGRAM))
    arguments = {
        "--target": table["TargetColumn"],
        "--family": "classification",
        "--test-size": "0.2",
        "--stratify": "true",
        "--random-state": "42",
    }
    outputs = f"{load().prefixes.executions}{STEP}"
    return {
        "ProcessingJobName": name,
        "RoleArn": session.job_role_arn,
        "AppSpecification": {
            "ImageUri": session.image_uri,
            "ContainerEntrypoint": ["process", PROGRAM],
            "ContainerArguments": [word for pair in arguments.items() for word in pair],
        },
        "ProcessingInputs": [
            {
                "InputName": kind,
                "S3Input": {
                    "S3Uri": uri,
                    "LocalPath": f"{OPT_ML}/processing/input/{kind}",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
            for kind, uri in {"data": table["InputDataUri"], "code": code}.items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": kind,
                    "S3Output": {
                        "S3Uri": session.uri(f"{outputs}/{kind}/look-inside"),
                        "LocalPath": f"{OPT_ML}/processing/output/{kind}",
                        "S3UploadMode": "EndOfJob",
                    },
                }
                for kind in ("train", "test", "report")
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 30}
        },
    }


def _latest(session: Session) -> str:
    """The name of the job of the latest PreprocessData that ran; empty if there is none."""
    started = earlier(session, [session.pipeline(), session.pipeline("regression")])
    for one in started[:MOST_LOOKED_AT]:
        for step in steps_of(session, Execution(one.dataset, one.arn)):
            if step["StepName"] == STEP and step["StepStatus"] == "Succeeded":
                return step["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    return ""


def _files(session: Session, uri: str) -> Iterator[tuple[str, str]]:
    """The name and the size of each file that an S3 URI stands for: itself, or what is in its folder."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    pages = session.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        for one in page.get("Contents", []):
            yield one["Key"].removeprefix(key).lstrip("/") or key.rpartition("/")[2], _size(one["Size"])


def _size(count: int) -> str:
    return f"{count / 1000:,.1f} kB" if count >= 1000 else f"{count} bytes"


def _below(path: str) -> str:
    return path.removeprefix(f"{OPT_ML}/")


def _nested(folders: Mapping[str, list[str]]) -> dict[str, Any]:
    """Folders within folders; a file is a name with nothing in it."""
    nested: dict[str, Any] = {}
    for path, files in folders.items():
        inside = nested
        for part in path.split("/"):
            inside = inside.setdefault(f"{part}/", {})
        inside.update({name: {} for name in files})
    return nested


def _drawn(nested: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for number, (name, inside) in enumerate(nested.items(), start=1):
        last = number == len(nested)
        yield f"{before}{'└── ' if last else '├── '}{name}"
        yield from _drawn(inside, f"{before}{'    ' if last else '│   '}")


def _aligned(lines: Iterable[str]) -> Iterator[str]:
    """Lines whose parts, divided by tabs, stand below each other."""
    parts = [line.split("\t") for line in lines]
    width = max(len(one[0]) for one in parts)
    for name, *rest in parts:
        yield f"{name:{width}}  {rest[0]:>12}  {rest[1]}" if rest else name
