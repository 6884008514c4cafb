"""Checks for drift: start one now, wait for it, and read what it found."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError

from contract.names import load
from helpers.deployment.deployments import in_service
from helpers.errors import BadInput, JobFailed
from helpers.session import Session
from helpers.session.storage import read_json

__all__ = ["Report", "arguments", "job_prefix", "latest", "request", "retrained", "start", "table", "wait"]

Report = dict[str, Any]  # docs/schemas/monitoring.schema.json

PROGRAM = ["process", "tabular.jobs.monitor"]
LONGEST_PREFIX = (
    17  # characters of the pipeline's name in a job's, which has 63, and 36 for the schedule's id
)
INSTANCE_TYPE, VOLUME_GB, SECONDS = "ml.m5.large", 10, 3600
LOGS = "/aws/sagemaker/ProcessingJobs"
PAUSE = {True: 0.5, False: 10.0}  # seconds between two looks, for a local session and for AWS
RETRAINED = "retrained.json"  # the job's own name for it
ENDED = ("Completed", "Failed", "Stopped")


def job_prefix(pipeline_name: str) -> str:
    """What the names of an environment's monitoring jobs begin with."""
    return f"{pipeline_name[:LONGEST_PREFIX].removesuffix('-')}-monitor-"


def arguments(pipeline_name: str, bucket: str, window: str) -> list[str]:
    """The arguments of every check, started by a person or by Terraform's schedule."""
    contract = load(pipeline_name)
    places = {
        "models-map": contract.models_map_key,
        "captured": contract.captured_prefix,
        "labels": contract.labels_prefix,
        "monitoring": contract.monitoring_prefix,
    }
    uris = [text for name, key in places.items() for text in (f"--{name}-uri", f"s3://{bucket}/{key}")]
    return ["--pipeline-name", pipeline_name, *uris, "--window", window]


def start(session: Session, window: str, datasets: Sequence[str] = ()) -> str:
    """Start a check of all models in service, or of some data sets', and return its job's name.

    A check of some says nothing to anybody: no metrics, no message, no retraining.

    Raises:
        BadInput: Terraform has not made a role for it, there is no image yet, or a data set is not in
            service.
    """
    if not session.monitor_role_arn:
        raise BadInput(
            "The outputs have no monitor_role_arn; apply Terraform, write them again, and run this again."
        )
    if not session.image_uri:
        raise BadInput("There is no image yet; run notebook 01, and write Terraform's outputs again.")
    serving = in_service(session) if datasets else {}
    if gone := [dataset for dataset in datasets if dataset not in serving]:
        raise BadInput(
            f"{', '.join(gone)} {'is' if len(gone) == 1 else 'are'} not in service, so there is nothing to "
            f"check; in service: {', '.join(sorted(serving)) or 'nothing'}."
        )
    name = f"{job_prefix(session.pipeline_name)}{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    session.client("sagemaker").create_processing_job(**request(session, name, window, datasets))
    return name


def request(session: Session, name: str, window: str, datasets: Sequence[str]) -> dict[str, Any]:
    """The request for a job: it reads and writes S3 itself, so it has neither inputs nor outputs."""
    groups = [text for dataset in datasets for text in ("--group", session.group(dataset))]
    cluster = {"InstanceType": INSTANCE_TYPE, "InstanceCount": 1, "VolumeSizeInGB": VOLUME_GB}
    asked = {
        "ProcessingJobName": name,
        "RoleArn": session.monitor_role_arn,
        "AppSpecification": {
            "ImageUri": session.image_uri,
            "ContainerEntrypoint": PROGRAM,
            "ContainerArguments": [*arguments(session.pipeline_name, session.bucket, window), *groups],
        },
        "ProcessingResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": SECONDS},
    }
    if session.vpc:
        network = {
            "SecurityGroupIds": sorted(session.vpc["security_group_ids"]),
            "Subnets": sorted(session.vpc["subnet_ids"]),
        }
        asked["NetworkConfig"] = {"VpcConfig": network}
    return asked


def wait(session: Session, name: str, quiet: bool = False) -> Report:
    """Wait for a check, print its progress unless that is unwanted, and return its report.

    Raises:
        JobFailed: it failed or was stopped; the message has its reason.
    """
    sagemaker, seen = session.client("sagemaker"), set()
    while True:
        described = sagemaker.describe_processing_job(ProcessingJobName=name)
        for event_id, line in () if quiet else _log(session, name):
            if event_id not in seen and line.startswith("["):
                print(line, flush=True)
            seen.add(event_id)
        if described["ProcessingJobStatus"] in ENDED:
            break
        time.sleep(PAUSE[session.is_local])
    said = described.get("ExitMessage") or described.get("FailureReason") or ""
    if described["ProcessingJobStatus"] != "Completed":
        raise JobFailed(f"The check {name} has {described['ProcessingJobStatus'].lower()}: {said}")
    return read_json(session, said)


def latest(session: Session) -> Report | None:
    """The newest report about all models; None if there has been no check."""
    return _found(session, "latest.json")


def retrained(session: Session, new: Mapping[str, int] | None = None) -> dict[str, int]:
    """The drifts that have started a retraining, by data set the version; first replaced by `new`, if given.

    The scheduled check keeps the same note, so a drift is answered once, whoever notices it.
    """
    if new is not None:
        session.client("s3").put_object(
            Bucket=session.bucket,
            Key=f"{load().monitoring_prefix}{RETRAINED}",
            Body=json.dumps(new),
            ContentType="application/json",
        )
    return _found(session, RETRAINED) or {}


def _found(session: Session, name: str) -> dict[str, Any] | None:
    """A JSON object of the check's folder; None if there is none."""
    try:
        return read_json(session, session.uri(f"{load().monitoring_prefix}{name}"))
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None


def table(report: Report) -> pd.DataFrame:
    """A line for each model, the worst first."""
    rows = [
        {
            "data set": one["data_set"],
            "version": one["version"],
            "status": one["status"].replace("_", " "),
            "rows": one["rows"],
            "drifted columns": one["drifted_columns"],
            "worst": one["worst_column"] or "",
            "predictions": _word(one["predictions"], "drifted"),
            "quality": _quality(one["quality"]),
        }
        for one in report["models"].values()
    ]
    columns = ["data set", "version", "status", "rows", "drifted columns", "worst", "predictions", "quality"]
    return pd.DataFrame(rows, columns=columns).set_index("data set")


def _word(one: dict[str, Any] | None, name: str) -> str:
    return "" if one is None else name if one["drifted"] else "steady"


def _quality(one: dict[str, Any] | None) -> str:
    if one is None:
        return ""
    return f"{one['metric']} {one['value']:.3f} on {one['rows']} labels{', worse' if one['worse'] else ''}"


def _log(session: Session, name: str) -> Iterator[tuple[str, str]]:
    """The lines of a job's log, with their ids; none before it has begun to write."""
    logs = session.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=LOGS, logStreamNamePrefix=f"{name}/"
        )
        for page in pages:
            yield from ((event["eventId"], event["message"].rstrip()) for event in page["events"])
    except logs.exceptions.ResourceNotFoundException:
        return
