"""Processing jobs: download inputs from S3, run a command, upload outputs to S3."""

import json
import time
from pathlib import PurePosixPath
from typing import Any

from local_aws.core.errors import invalid, not_emulated
from local_aws.core.store import Document
from local_aws.services.jobs.family import JobFamily
from local_aws.services.jobs.run import REASON_LENGTH, JobFailed, Run, read_text
from local_aws.services.jobs.training.clusters import check_cluster

__all__ = ["ProcessingJobs"]

_HOUR = 3600
_INPUTS = "/opt/ml/processing/"


class ProcessingJobs(JobFamily):
    """The operations on processing jobs."""

    kind = "processing-job"
    noun = "ProcessingJob"
    list_key = "ProcessingJobSummaries"

    def create_processing_job(self, request: Document) -> dict[str, str]:
        """Start a job."""
        _refuse_unemulated(request)
        return self.create(request)

    def describe_processing_job(self, request: Document) -> Document:
        """Return a job's record."""
        return self.find(request["ProcessingJobName"])

    def list_processing_jobs(self, request: Document) -> Document:
        """List jobs."""
        return self.listed(request)

    def stop_processing_job(self, request: Document) -> Document:
        """Stop a job."""
        return self.stop(request["ProcessingJobName"])

    def run(self, run: Run, job: Document) -> dict[str, Any]:
        """Download the inputs, run the command and, if it succeeds, upload the outputs."""
        self.take_slot(run)
        try:
            self.update(run.name, ProcessingStartTime=time.time())
            buckets = self.platform.buckets
            for source in job.get("ProcessingInputs", []):
                uri = source["S3Input"]["S3Uri"]
                if not buckets.download(uri, run.local(source["S3Input"]["LocalPath"])):
                    raise JobFailed(f"ClientError: input {source['InputName']!r} has no objects at {uri}")
            outputs = [
                output["S3Output"] for output in job.get("ProcessingOutputConfig", {}).get("Outputs", [])
            ]
            for output in outputs:
                run.local(output["LocalPath"]).mkdir(parents=True, exist_ok=True)
            _write_configuration(run, job)
            application = job["AppSpecification"]
            command = [
                *application.get("ContainerEntrypoint", []),
                *application.get("ContainerArguments", []),
            ]
            seconds = job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 24 * _HOUR)
            self.execute(run, command, job.get("Environment", {}), seconds)
            for output in outputs:
                buckets.upload(run.local(output["LocalPath"]), output["S3Uri"])
        finally:
            self.platform.slots.release()
        return self._ending(job)

    def failed(self, job: Document) -> dict[str, Any]:
        """Return the fields with the end time and the job's exit message."""
        return self._ending(job)

    def stopped(self, job: Document, reason: str) -> dict[str, Any]:
        """Return the fields with the end time and the reason."""
        return {"ProcessingEndTime": time.time(), "ExitMessage": reason}

    def _ending(self, job: Document) -> dict[str, Any]:
        message = read_text(self.folder(job["ProcessingJobName"]) / "ml" / "output" / "message")
        return {"ProcessingEndTime": time.time(), "ExitMessage": message[:REASON_LENGTH] or None}


def _write_configuration(run: Run, job: Document) -> None:
    folder = run.base / "config"
    folder.mkdir(parents=True, exist_ok=True)
    cluster = job["ProcessingResources"]["ClusterConfig"]
    hosts = {
        "current_host": "algo-1",
        "current_instance_type": cluster["InstanceType"],
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "network_interface_name": "lo",
    }
    (folder / "processingjobconfig.json").write_text(json.dumps(job))
    (folder / "resourceconfig.json").write_text(json.dumps(hosts))


def _refuse_unemulated(request: Document) -> None:
    """Refuse also what SageMaker does not take.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
    """
    check_cluster(request["ProcessingResources"].get("ClusterConfig", {}))
    if request["ProcessingResources"].get("ClusterConfig", {}).get("InstanceCount", 1) != 1:
        raise not_emulated("processing on more than one instance")
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        raise not_emulated("processing jobs without ContainerEntrypoint, which AWS would take from the image")
    for source in request.get("ProcessingInputs", []):
        address = source.get("S3Input")
        if address is None:
            raise not_emulated(f"the input {source['InputName']!r}, which is not an S3Input")
        if address["S3DataType"] != "S3Prefix" or address.get("S3CompressionType", "None") != "None":
            raise not_emulated(
                f"the input {source['InputName']!r}; it supports only an uncompressed S3Prefix"
            )
        path = address.get("LocalPath", "")
        if not path.startswith(_INPUTS) or ".." in PurePosixPath(path).parts:
            raise invalid(
                f"The LocalPath of the input {source['InputName']!r} is {path!r}; "
                f"it must begin with {_INPUTS}."
            )
        if address.get("S3InputMode", "File") != "File":
            raise not_emulated(f"the input {source['InputName']!r} with S3InputMode {address['S3InputMode']}")
    for output in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        if output.get("S3Output", {}).get("S3UploadMode") != "EndOfJob":
            raise not_emulated(
                f"the output {output['OutputName']!r}; it supports only S3Output with EndOfJob"
            )
