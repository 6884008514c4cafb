"""Training jobs: download the channels, run `train`, upload model.tar.gz and record metrics."""

import gzip
import io
import json
import math
import re
import tarfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from local_aws.core.errors import invalid, not_emulated
from local_aws.core.store import Document
from local_aws.services.jobs.family import JobFailed, JobFamily, Run, failure_reason, read_text
from local_aws.services.s3 import split_uri

__all__ = ["TrainingJobs", "check_spot", "deterministic_tar", "last_metrics"]


class TrainingJobs(JobFamily):
    """The operations on training jobs."""

    kind = "training-job"
    noun = "TrainingJob"
    list_key = "TrainingJobSummaries"

    def create_training_job(self, request: Document) -> dict[str, str]:
        """Start a job."""
        return self.begin(request)

    def begin(self, request: Document, **fields: Any) -> dict[str, str]:
        """Start a job; a trial of a tuning job has additional fields."""
        _refuse_unemulated(request)
        transition = {"Status": "Starting", "StartTime": time.time()}
        return self.create(
            request, SecondaryStatus="Starting", SecondaryStatusTransitions=[transition], **fields
        )

    def describe_training_job(self, request: Document) -> Document:
        """Return a job's record."""
        return self.find(request["TrainingJobName"])

    def list_training_jobs(self, request: Document) -> Document:
        """List jobs."""
        return self.listed(request)

    def stop_training_job(self, request: Document) -> Document:
        """Stop a job."""
        return self.stop(request["TrainingJobName"])

    def run(self, run: Run, job: Document) -> dict[str, Any]:
        """Download the channels, run the command and upload the model."""
        self.take_slot(run)
        try:
            self.update(
                run.name,
                TrainingStartTime=time.time(),
                **self._transition(self.find(run.name), "Downloading"),
            )
            for channel in job.get("InputDataConfig", []):
                uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
                folder = run.base / "input" / "data" / channel["ChannelName"]
                if not self.platform.buckets.download(uri, folder):
                    raise JobFailed(
                        f"ClientError: channel {channel['ChannelName']!r} has no objects at {uri}"
                    )
            for folder in ("model", "output/data"):
                (run.base / folder).mkdir(parents=True)
            _write_configuration(run, job)
            self.update(run.name, **self._transition(self.find(run.name), "Training"))
            algorithm = job["AlgorithmSpecification"]
            command = [
                *(algorithm.get("ContainerEntrypoint") or ["train"]),
                *algorithm.get("ContainerArguments", []),
            ]
            environment = {
                **job.get("Environment", {}),
                "TRAINING_JOB_NAME": run.name,
                "TRAINING_JOB_ARN": job["TrainingJobArn"],
            }
            self.execute(
                run, command, environment, job["StoppingCondition"].get("MaxRuntimeInSeconds", 86400)
            )
            metrics = last_metrics(read_text(run.log), algorithm.get("MetricDefinitions", []))
            self._require_objective(run, job, metrics)
            self.update(
                run.name, FinalMetricDataList=metrics, **self._transition(self.find(run.name), "Uploading")
            )
            return {**self._upload(run, job), **self._end_fields(self.find(run.name), "Completed")}
        finally:
            self.platform.slots.release()

    def failed(self, job: Document) -> dict[str, Any]:
        """Return the fields with the end time."""
        return self._end_fields(job, "Failed")

    def stopped(self, job: Document, reason: str) -> dict[str, Any]:
        """Return the fields with the end time, and whether the time limit was exceeded."""
        return self._end_fields(job, "MaxRuntimeExceeded" if reason == "MaxRuntimeExceeded" else "Stopped")

    def _require_objective(self, run: Run, job: Document, metrics: list[Document]) -> None:
        """Fail a trial that did not report the tuning job's objective metric."""
        objective = job.get("ObjectiveMetricName")
        if objective and objective not in {metric["MetricName"] for metric in metrics}:
            raise JobFailed(
                failure_reason(f"AlgorithmError: the log has no objective metric {objective!r}", run.log)
            )

    def _upload(self, run: Run, job: Document) -> dict[str, Any]:
        target = f"{job['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{run.name}/output"
        model = f"{target}/model.tar.gz"
        self.platform.buckets.put(model, deterministic_tar(run.base / "model"))
        data = run.base / "output" / "data"
        if any(data.iterdir()):
            self.platform.buckets.put(f"{target}/output.tar.gz", deterministic_tar(data))
        return {"ModelArtifacts": {"S3ModelArtifacts": model}}

    def _transition(self, job: Document, status: str) -> dict[str, Any]:
        """Return the fields that record a new secondary status."""
        now, past = time.time(), job["SecondaryStatusTransitions"]
        closed = [{**step, "EndTime": step.get("EndTime", now)} for step in past]
        return {
            "SecondaryStatus": status,
            "SecondaryStatusTransitions": [*closed, {"Status": status, "StartTime": now}],
        }

    def _end_fields(self, job: Document, status: str) -> dict[str, Any]:
        now = time.time()
        seconds = max(1, round(now - job.get("TrainingStartTime", now)))
        return {
            "TrainingEndTime": now,
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": seconds,
            **self._transition(job, status),
        }


def last_metrics(log: str, definitions: Iterable[Document]) -> list[Document]:
    """Return each metric's last value in a log, as found by its regex.

    A match that is not a finite number is skipped, as in CloudWatch.
    """
    metrics = []
    for definition in definitions:
        for match in reversed(list(re.finditer(definition["Regex"], log))):
            try:
                value = float(match[1])
            except ValueError:
                continue
            if not math.isfinite(value):
                continue
            metrics.append({"MetricName": definition["Name"], "Value": value, "Timestamp": time.time()})
            break
    return metrics


def deterministic_tar(folder: Path) -> bytes:
    """Return a folder as tar.gz bytes that depend only on names and contents."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            entry = archive.gettarinfo(path, arcname=path.relative_to(folder).as_posix())
            entry.mtime = entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mode = 0o755 if entry.isdir() else 0o644
            if entry.isfile():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
    return gzip.compress(plain.getvalue(), compresslevel=6, mtime=0)


def _write_configuration(run: Run, job: Document) -> None:
    channels = {
        channel["ChannelName"]: {
            "TrainingInputMode": "File",
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
        for channel in job.get("InputDataConfig", [])
    }
    instance_type = job["ResourceConfig"].get("InstanceType", "local")
    hosts = {
        "current_host": "algo-1",
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [
            {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": ["algo-1"]}
        ],
        "network_interface_name": "lo",
    }
    folder = run.base / "input" / "config"
    folder.mkdir(parents=True)
    for name, content in (
        ("hyperparameters", job.get("HyperParameters", {})),
        ("inputdataconfig", channels),
        ("resourceconfig", hosts),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content))


def check_spot(request: Document) -> None:
    """Refuse a time to wait for spot capacity where it is missing, too short or pointless.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html

    Raises:
        AwsError: It is refused.
    """
    limits = request.get("StoppingCondition", {})
    wait, longest = limits.get("MaxWaitTimeInSeconds"), limits.get("MaxRuntimeInSeconds", 86400)
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < longest:
            raise invalid(
                f"Invalid MaxWaitTimeInSeconds {wait}: with EnableManagedSpotTraining, it must be present "
                f"and be greater than or equal to MaxRuntimeInSeconds, {longest}."
            )
    elif wait is not None:
        raise invalid("MaxWaitTimeInSeconds is only allowed with EnableManagedSpotTraining.")


def _refuse_unemulated(request: Document) -> None:
    algorithm = request["AlgorithmSpecification"]
    if not algorithm.get("TrainingImage"):
        raise not_emulated("training without TrainingImage")
    if algorithm.get("AlgorithmName"):
        raise invalid("AlgorithmSpecification has a TrainingImage and an AlgorithmName; use one.")
    if not request.get("ResourceConfig"):
        raise invalid("A training job needs a ResourceConfig.")
    if algorithm.get("TrainingInputMode", "File") != "File":
        raise not_emulated(f"TrainingInputMode {algorithm['TrainingInputMode']}")
    if request["ResourceConfig"].get("InstanceCount", 1) != 1 or request["ResourceConfig"].get(
        "InstanceGroups"
    ):
        raise not_emulated("training on more than one instance")
    check_spot(request)
    if request.get("CheckpointConfig"):
        raise not_emulated("CheckpointConfig")
    split_uri(request["OutputDataConfig"]["S3OutputPath"])
    for channel in request.get("InputDataConfig", []):
        source = channel["DataSource"].get("S3DataSource", {})
        if source.get("S3DataType") != "S3Prefix" or channel.get("CompressionType", "None") != "None":
            raise not_emulated(
                f"the channel {channel['ChannelName']!r}; it supports only an uncompressed S3Prefix"
            )
        if channel.get("InputMode", "File") != "File":
            raise not_emulated(
                f"the channel {channel['ChannelName']!r} with InputMode {channel['InputMode']}"
            )
    for definition in algorithm.get("MetricDefinitions", []):
        try:
            groups = re.compile(definition["Regex"]).groups
        except re.error as error:
            raise invalid(f"Regex of metric {definition['Name']!r}: {error}") from None
        if not groups:
            raise invalid(f"Regex of metric {definition['Name']!r} has no group: {definition['Regex']}")
