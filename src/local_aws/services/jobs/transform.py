"""Transform jobs: run a model's server over the files of an S3 prefix, and write its answers beside them.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

import gzip
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from local_aws.core.errors import AwsError, invalid, not_emulated
from local_aws.core.store import Document
from local_aws.services.endpoints.endpoints import Endpoints
from local_aws.services.endpoints.hosting import unpack_archive
from local_aws.services.endpoints.serve_process import Container
from local_aws.services.jobs.family import JobFamily
from local_aws.services.jobs.records import Records
from local_aws.services.jobs.run import JobFailed, JobStopped, Platform, Run
from local_aws.services.s3 import split_uri

__all__ = ["TransformJobs"]

_MEGABYTE = 2**20
_PAYLOAD_MEGABYTES = 6  # the default of MaxPayloadInMB
_MOST_MEGABYTES = 100  # of MaxPayloadInMB, times MaxConcurrentTransforms
_CLIENT = {"InvocationsTimeoutInSeconds": 600, "InvocationsMaxRetries": 3}


class TransformJobs(JobFamily):
    """The operations on transform jobs."""

    kind = "transform-job"
    noun = "TransformJob"
    list_key = "TransformJobSummaries"

    def __init__(self, platform: Platform, models: Endpoints) -> None:
        super().__init__(platform)
        self._models = models

    def create_transform_job(self, request: Document) -> dict[str, str]:
        """Start a job."""
        _refuse_unemulated(request)
        Records(request)
        self._model(request)
        return self.create(request)

    def describe_transform_job(self, request: Document) -> Document:
        """Return a job's record."""
        return self.find(request["TransformJobName"])

    def list_transform_jobs(self, request: Document) -> Document:
        """List jobs."""
        return self.listed(request)

    def stop_transform_job(self, request: Document) -> Document:
        """Stop a job."""
        return self.stop(request["TransformJobName"])

    def run(self, run: Run, job: Document) -> dict[str, Any]:
        """Start the model's server, send it every file, and upload its answers."""
        self.take_slot(run)
        try:
            self.update(run.name, TransformStartTime=time.time())
            model = self._model(job)
            definition = model["PrimaryContainer"]
            if uri := definition.get("ModelDataUrl"):
                self._fetch_model(run, uri)
            source = job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
            files = run.base / "input"
            if not self.platform.buckets.download(source, files):
                raise JobFailed(f"ClientError: no objects at {source}")
            variables = {**definition.get("Environment", {}), **job.get("Environment", {}), **_batch(job)}
            container = Container(
                self.platform.account,
                self.platform.workers,
                run.folder,
                model["ExecutionRoleArn"],
                variables,
                multi_model=False,
            )
            run.end = container.close
            try:
                self._transform(run, job, container, files)
            finally:
                container.close()
        finally:
            self.platform.slots.release()
        return {"TransformEndTime": time.time()}

    def failed(self, job: Document) -> dict[str, Any]:
        """Return the field with the end time."""
        return {"TransformEndTime": time.time()}

    def stopped(self, job: Document, reason: str) -> dict[str, Any]:
        """Return the field with the end time."""
        return {"TransformEndTime": time.time()}

    def _model(self, request: Document) -> Document:
        model = self._models.describe_model(request)
        if model["PrimaryContainer"].get("Mode") == "MultiModel":
            raise invalid(
                f"Model {request['ModelName']} is multi-model; batch transform needs a single model."
            )
        return model

    def _fetch_model(self, run: Run, uri: str) -> None:
        try:
            unpack_archive(self.platform.buckets.read(uri), uri, run.base / "model")
        except AwsError as error:
            raise JobFailed(f"ClientError: {error.message}") from None

    def _transform(self, run: Run, job: Document, container: Container, files: Path) -> None:
        try:
            container.start()
        except AwsError as error:
            raise (
                JobStopped("StopRequested") if run.stopping.is_set() else JobFailed(error.message)
            ) from None
        records, target = Records(job), job["TransformOutput"]["S3OutputPath"].rstrip("/")
        for path in sorted(path for path in files.rglob("*") if path.is_file()):
            name = path.relative_to(files).as_posix()
            content = path.read_bytes()
            if job["TransformInput"].get("CompressionType") == "Gzip":
                content = gzip.decompress(content)
            result = self._answer(run, job, container, records, name, content)
            self.platform.buckets.put(f"{target}/{name}.out", result)

    def _answer(
        self, run: Run, job: Document, container: Container, records: Records, name: str, content: bytes
    ) -> bytes:
        """Send one file to the server, in as many requests as it needs, and assemble the answers."""

        def ask(batch: list[bytes]) -> bytes:
            payload = records.payload(batch)
            if len(payload) > limit:
                raise JobFailed(
                    f"ClientError: a request of {name} has {len(payload)} bytes, more than MaxPayloadInMB "
                    f"({limit // _MEGABYTE}) allows; split the file by SplitType, or allow more."
                )
            return records.joined(batch, self._ask(run, job, container, payload))

        limit = job.get("MaxPayloadInMB", _PAYLOAD_MEGABYTES) * _MEGABYTE
        single = job.get("BatchStrategy") == "SingleRecord"
        batches = _batches(records.split(content), limit, single)
        with ThreadPoolExecutor(job.get("MaxConcurrentTransforms") or 1) as pool:
            try:
                return records.assembled(list(pool.map(ask, batches)))
            except (JobFailed, JobStopped):
                pool.shutdown(cancel_futures=True)
                raise

    def _ask(self, run: Run, job: Document, container: Container, payload: bytes) -> bytes:
        client = {**_CLIENT, **job.get("ModelClientConfig", {})}
        headers = {"Content-Type": job["TransformInput"].get("ContentType", "application/octet-stream")}
        if accept := job["TransformOutput"].get("Accept"):
            headers["Accept"] = accept
        for attempt in range(client["InvocationsMaxRetries"] + 1):
            if run.stopping.is_set():
                raise JobStopped("StopRequested")
            try:
                status, _, body = container.request(
                    "POST", "/invocations", payload, headers, client["InvocationsTimeoutInSeconds"]
                )
            except (TimeoutError, ConnectionError) as error:
                status, body = 500, str(error).encode()
                container.healthy.wait(attempt)
            if status < 500:
                break
        if run.stopping.is_set():
            raise JobStopped("StopRequested")
        if status >= 400:
            blame = "ClientError" if status < 500 else "AlgorithmError"
            raise JobFailed(
                f"{blame}: the model answered {status}: {body.decode(errors='replace')[:400]}\nLog: {run.log}"
            )
        return body


def _batches(records: list[bytes], limit: int, single: bool) -> Iterator[list[bytes]]:
    """Group records into requests: one each, or as many as a request may hold."""
    batch: list[bytes] = []
    size = 0
    for record in records:
        if batch and (single or size + len(record) > limit):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record) + 1  # with its newline
    if batch:
        yield batch


def _batch(job: Document) -> dict[str, str]:
    """Return what a container is told about its job.

    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
    """
    strategy = job.get("BatchStrategy", "MultiRecord")
    return {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD" if strategy == "SingleRecord" else "MULTI_RECORD",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(job.get("MaxPayloadInMB", _PAYLOAD_MEGABYTES)),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(job.get("MaxConcurrentTransforms") or 1),
    }


def _refuse_unemulated(request: Document) -> None:
    if request.get("DataCaptureConfig"):
        raise not_emulated("DataCaptureConfig of a transform job")
    if request["TransformResources"]["InstanceCount"] != 1:
        raise not_emulated("transform jobs on more than one instance")
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    if source["S3DataType"] != "S3Prefix":
        raise not_emulated(f"S3DataType {source['S3DataType']} of a transform job; it supports S3Prefix")
    for uri in (source["S3Uri"], request["TransformOutput"]["S3OutputPath"]):
        split_uri(uri)
    megabytes = request.get("MaxPayloadInMB", _PAYLOAD_MEGABYTES)
    if megabytes == 0:
        raise not_emulated("MaxPayloadInMB 0, which sends payloads of any size in chunks")
    if megabytes * (request.get("MaxConcurrentTransforms") or 1) > _MOST_MEGABYTES:
        raise invalid("MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB.")
