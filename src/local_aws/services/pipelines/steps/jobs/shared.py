"""What steps share that run a job, or reuse the job of an earlier run."""

import secrets
import string
from collections.abc import Sequence
from typing import Any, ClassVar

from botocore import xform_name

from local_aws.core.requests.validation import service_model
from local_aws.core.store import Document
from local_aws.services.jobs.family import JobFamily
from local_aws.services.pipelines import cache
from local_aws.services.pipelines.retries import JOB_INTERNAL_ERROR
from local_aws.services.pipelines.step import Creation, StepFailed, StepRun, StepType

__all__ = ["JobStep", "resource_name"]

_RANDOM_LENGTH = 10
_ALPHABET = string.ascii_letters + string.digits


class JobStep(StepType):
    """A step that runs a job.

    Attributes:
        metadata: The job's name in the step's Metadata.
        cached_attributes: The parts of the request that the step cache compares.
            https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
    """

    retriable = True
    metadata: ClassVar[str]
    cached_attributes: ClassVar[Sequence[str]]

    @property
    def family(self) -> JobFamily:
        """The family of the step's jobs."""
        raise NotImplementedError

    @classmethod
    def cached(cls, request: Document) -> dict[str, Any]:
        """Return the parts of a resolved request that the step cache compares."""
        return {name: request[name] for name in cls.cached_attributes if request.get(name) is not None}

    def exception_type(self, reason: str) -> str | None:
        """Return a job failure's exception type in retry policies."""
        return JOB_INTERNAL_ERROR if reason.startswith("InternalServerError") else None

    def execute(self, run: StepRun) -> None:
        """Reuse the job of an earlier execution if the cache has one, otherwise run a job."""
        request, store = run.scope.resolve(run.step["Arguments"]), self.services.store
        key = cache.cache_key(run.scope.execution["PipelineName"], run.step, self.cached(request))
        seconds = cache.expiry(run.step)
        hit = cache.find(store, key, seconds) if seconds is not None else None
        if hit and store.find(self.family.kind, hit["JobName"]):
            name = hit["JobName"]
            run.record["CacheHitResult"] = {"SourcePipelineExecutionArn": hit["PipelineExecutionArn"]}
            self._note(run, name)
        else:
            name = self._run_job(run, request)
            cache.remember(store, key, name, run.execution_arn)
        self.show(run, name)

    def restore(self, run: StepRun) -> None:
        """Show the job of an earlier attempt."""
        self.show(run, run.record["Metadata"][self.metadata]["Arn"].rsplit("/", 1)[-1])

    def show(self, run: StepRun, job: str) -> None:
        """Let later steps refer to a job."""
        describe = getattr(self.family, xform_name(f"Describe{self.family.noun}"))
        run.scope.properties[run.name] = describe({f"{self.family.noun}Name": job})

    def _run_job(self, run: StepRun, request: Document) -> str:
        noun = self.family.noun
        creation = Creation(f"Create{noun}", self.family.kind, f"{noun}Name")
        name = resource_name(run, creation)
        request = {**request, creation.field: name}
        self.check_request(run, creation, request)
        getattr(self.family, xform_name(creation.operation))(request)
        run.end = lambda: self.family.end(name)
        self._note(run, name)
        if run.stopping.is_set():
            run.end()
        job = self.family.wait(name)
        status = self.family.status(job)
        if status != "Completed":
            reason = job.get("FailureReason") or job.get("SecondaryStatus") or status
            raise StepFailed(f"Job {name}: {reason}", self.exception_type(reason))
        return name

    def _note(self, run: StepRun, job: str) -> None:
        run.note(**{self.metadata: {"Arn": self.family.arn(job)}})


def resource_name(run: StepRun, creation: Creation) -> str:
    """Return a name in the style of Pipelines, with as much of the step's name as the limit allows."""
    members = service_model("sagemaker").operation_model(creation.operation).input_shape.members
    execution_id, length = run.scope.execution["PipelineExecutionId"], members[creation.field].metadata["max"]
    ending = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    prefix = f"pipelines-{execution_id}" if length >= 2 * len(f"pipelines-{execution_id}") else execution_id
    room = length - len(prefix) - len(ending) - 2
    middle = "".join(letter if letter in _ALPHABET else "-" for letter in run.name)[:room].strip("-")
    return f"{prefix}-{middle}-{ending}"
