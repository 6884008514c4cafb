"""Training jobs: download the channels, run `train`, upload model.tar.gz and record metrics."""

import math
import re
import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from local_aws.core.errors import invalid, not_emulated
from local_aws.core.store import Document
from local_aws.services.jobs.family import MAX_RUNTIME, MAX_WAIT, JobFamily
from local_aws.services.jobs.run import (
    Instance,
    JobFailed,
    JobInterrupted,
    JobStopped,
    Platform,
    Run,
    failure_reason,
    read_text,
)
from local_aws.services.jobs.training.checkpoints import Authorize, check_checkpoints, mirrored
from local_aws.services.jobs.training.clusters import check_training_cluster
from local_aws.services.jobs.training.instances import (
    archive,
    download_channel,
    hosts_of,
    write_configuration,
)
from local_aws.services.s3 import split_uri

__all__ = ["TrainingJobs", "check_spot", "last_metrics"]

_LONGEST_NOTICE = 3600


class TrainingJobs(JobFamily):
    """The operations on training jobs.

    Args:
        platform: What jobs need to run.
        authorize: Refuses what a job's role may not do.
    """

    kind = "training-job"
    noun = "TrainingJob"
    list_key = "TrainingJobSummaries"

    def __init__(self, platform: Platform, authorize: Authorize) -> None:
        super().__init__(platform)
        self._authorize = authorize

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

    def interrupt(self, name: str, notice: float = 120.0) -> Document:
        """Take the instances of a job on spot capacity away; it begins again on new ones.

        Its processes get SIGTERM, and SIGKILL after the notice; without a notice, only SIGKILL. New instances
        have nothing but its checkpoints.
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training-status.html

        Raises:
            AwsError: It is not on spot capacity, or not training now.
        """
        if not 0 <= notice <= _LONGEST_NOTICE:
            raise invalid(f"notice is {notice}; it must be from 0 to {_LONGEST_NOTICE} seconds.")
        with self.platform.store.lock:
            job, run = self.find(name), self._runs.get(name)
            if not job.get("EnableManagedSpotTraining"):
                raise invalid(f"{name} cannot be interrupted: it does not run on spot capacity.")
            if run is None or job["SecondaryStatus"] != "Training":
                raise invalid(f"{name} cannot be interrupted: it is not training, {job['SecondaryStatus']}.")
            if run.notice is not None:
                raise invalid(f"{name} is being interrupted already.")
            run.notice = notice
        threading.Thread(target=run.end, args=(notice,), name=f"{name}-interruption").start()
        return {"interrupted": name, "notice": notice}

    def run(self, run: Run, job: Document) -> dict[str, Any]:
        """Download the channels, run the command on every instance and upload the model.

        A job takes one slot, however many instances it has, or two jobs could wait for each other's.
        """
        latest = _latest(job)
        self.take_slot(run, latest)
        try:
            self.update(run.name, TrainingStartTime=time.time())
            hosts = hosts_of(job["ResourceConfig"].get("InstanceCount", 1))
            instances = [run.instance(host) for host in hosts]
            longest = job["StoppingCondition"].get("MaxRuntimeInSeconds", 86400)
            end = time.monotonic() + longest
            while not self._has_trained(run, job, instances, end, latest):
                self.update(run.name, **self._transition(self.find(run.name), "Interrupted"))
                for instance in instances:  # a new one has nothing of it but what it printed
                    shutil.rmtree(instance.base)
                self.update(run.name, **self._transition(self.find(run.name), "Starting"))
            # Of a metric that several instances report, AWS takes the last value; here, that of the first.
            log = "\n".join(read_text(instance.log) for instance in reversed(instances))
            metrics = last_metrics(log, job["AlgorithmSpecification"].get("MetricDefinitions", []))
            self._require_objective(run, job, metrics)
            self.update(
                run.name, FinalMetricDataList=metrics, **self._transition(self.find(run.name), "Uploading")
            )
            return {**self._upload(run, job, instances), **self._end_fields(self.find(run.name), "Completed")}
        finally:
            self.platform.slots.release()

    def _has_trained(
        self, run: Run, job: Document, instances: Sequence[Instance], end: float, latest: float
    ) -> bool:
        """Whether the job has run on these instances until it ended; False if they were taken away."""
        hosts = [instance.host for instance in instances]
        self.update(run.name, **self._transition(self.find(run.name), "Downloading"))
        for channel in job.get("InputDataConfig", []):
            download_channel(self.platform.buckets, channel, instances)
        for instance in instances:
            for folder in ("model", "output/data"):
                (instance.base / folder).mkdir(parents=True)
            write_configuration(instance, hosts, job)
        try:
            with mirrored(self.platform.buckets, job, instances, self._authorize):
                self.update(run.name, **self._transition(self.find(run.name), "Training"))
                self._train(run, job, hosts, end, latest)
        except JobInterrupted:
            run.notice = None
            return False
        return True

    def _train(self, run: Run, job: Document, hosts: Sequence[str], end: float, latest: float) -> None:
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
        seconds = max(0.0, min(end, latest) - time.monotonic())
        try:
            self.execute(run, command, environment, seconds, hosts)
        except JobStopped as stop:
            if str(stop) == MAX_RUNTIME and latest < end:
                raise JobStopped(MAX_WAIT) from None
            raise

    def failed(self, job: Document) -> dict[str, Any]:
        """Return the fields with the end time."""
        return self._end_fields(job, "Failed")

    def stopped(self, job: Document, reason: str) -> dict[str, Any]:
        """Return the fields with the end time, and which time limit was exceeded, if one was."""
        return self._end_fields(job, reason if reason in (MAX_RUNTIME, MAX_WAIT) else "Stopped")

    def _require_objective(self, run: Run, job: Document, metrics: list[Document]) -> None:
        """Fail a trial that did not report the tuning job's objective metric."""
        objective = job.get("ObjectiveMetricName")
        if objective and objective not in {metric["MetricName"] for metric in metrics}:
            raise JobFailed(
                failure_reason(f"AlgorithmError: the log has no objective metric {objective!r}", run.log)
            )

    def _upload(self, run: Run, job: Document, instances: Sequence[Instance]) -> dict[str, Any]:
        target = f"{job['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{run.name}/output"
        packed = {}
        for folder in ("model", "output/data"):
            folders = {instance.host: instance.base / folder for instance in instances}
            if folder == "model" or any(any(each.iterdir()) for each in folders.values()):
                packed[folder] = archive(folders)  # all before any of them is stored
        for folder, content in packed.items():
            self.platform.buckets.put(f"{target}/{Path(folder).parts[0]}.tar.gz", content)
        return {"ModelArtifacts": {"S3ModelArtifacts": f"{target}/model.tar.gz"}}

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


def _latest(job: Document) -> float:
    """When a job on spot capacity has to be complete, by `time.monotonic`.

    The time counts from its creation, with what it waits for an instance and between interruptions.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    """
    wait = job["StoppingCondition"].get("MaxWaitTimeInSeconds")
    return math.inf if wait is None else time.monotonic() + wait - (time.time() - job["CreationTime"])


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
    if (count := request["ResourceConfig"].get("InstanceCount", 1)) < 1:
        raise invalid(f"InstanceCount must be at least 1, and it is {count}.")
    check_training_cluster(request, request["ResourceConfig"])
    check_spot(request)
    check_checkpoints(request)
    split_uri(request["OutputDataConfig"]["S3OutputPath"])
    for channel in request.get("InputDataConfig", []):
        source = channel["DataSource"].get("S3DataSource", {})
        if source.get("S3DataType") != "S3Prefix" or channel.get("CompressionType", "None") != "None":
            raise not_emulated(
                f"the channel {channel['ChannelName']!r}; it supports only an uncompressed S3Prefix"
            )
        if channel.get("ShuffleConfig"):
            raise not_emulated(f"the channel {channel['ChannelName']!r} with a ShuffleConfig")
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
