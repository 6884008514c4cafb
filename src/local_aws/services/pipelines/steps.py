"""One executor for each type of step."""

import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from local_aws.core.errors import AwsError
from local_aws.core.store import Document, Store
from local_aws.core.validation import service_model, validate
from local_aws.services.jobs.family import JobFamily
from local_aws.services.jobs.processing import ProcessingJobs
from local_aws.services.jobs.training import TrainingJobs
from local_aws.services.jobs.tuning import TuningJobs
from local_aws.services.pipelines import cache
from local_aws.services.pipelines.expressions import Scope
from local_aws.services.pipelines.retries import JOB_INTERNAL_ERROR
from local_aws.services.registry import Registry

__all__ = ["StepFailed", "StepRun", "Steps"]

_RANDOM_LENGTH = 10
_ALPHABET = string.ascii_letters + string.digits


class StepFailed(Exception):
    """The step has failed; the message is its FailureReason.

    Attributes:
        exception_type: What retry policies call this failure, if they have a word for it.
    """

    def __init__(self, reason: str, exception_type: str | None = None) -> None:
        super().__init__(reason)
        self.exception_type = exception_type


@dataclass
class StepRun:
    """One step under way.

    Attributes:
        record: What ListPipelineExecutionSteps shows of it.
        branch: The branch a Condition step has chosen.
    """

    step: Document
    scope: Scope
    execution_arn: str
    record: Document
    save: Callable[[], None]
    stopping: threading.Event
    branch: str | None = None
    end: Callable[[], Any] = field(default=lambda: None)

    @property
    def name(self) -> str:
        """The step's name."""
        return self.step["Name"]

    def note(self, **metadata: Any) -> None:
        """Show what the step has made."""
        self.record["Metadata"] = metadata
        self.save()


@dataclass(frozen=True)
class _Kind:
    """A type of step that is a job."""

    family: JobFamily
    describe: Callable[[Document], Document]
    create: Callable[[Document], Document]
    metadata: str

    @property
    def name_field(self) -> str:
        return f"{self.family.noun}Name"

    @property
    def operation(self) -> str:
        return f"Create{self.family.noun}"


class Steps:
    """Executes steps."""

    def __init__(
        self,
        store: Store,
        processing: ProcessingJobs,
        training: TrainingJobs,
        tuning: TuningJobs,
        registry: Registry,
    ) -> None:
        self._store, self._registry = store, registry
        self._kinds = {
            "Processing": _Kind(
                processing,
                processing.describe_processing_job,
                processing.create_processing_job,
                "ProcessingJob",
            ),
            "Training": _Kind(
                training, training.describe_training_job, training.create_training_job, "TrainingJob"
            ),
            "Tuning": _Kind(
                tuning,
                tuning.describe_hyper_parameter_tuning_job,
                tuning.create_hyper_parameter_tuning_job,
                "TuningJob",
            ),
        }
        self._others = {"Condition": self._condition, "Fail": self._fail, "RegisterModel": self._register}

    def execute(self, run: StepRun) -> None:
        """Do a step; its properties are in the scope afterwards.

        Raises:
            StepFailed: It did not succeed.
        """
        kind = run.step["Type"]
        try:
            if kind in self._kinds:
                self._job(run, self._kinds[kind])
            else:
                self._others[kind](run)
        except AwsError as error:
            raise StepFailed(f"ClientError: {error.code}: {error.message}") from error

    def restore(self, run: StepRun) -> None:
        """Put the properties of a step that has succeeded before into the scope.

        Raises:
            AwsError: What it made is not there any more.
        """
        kind, metadata = run.step["Type"], run.record["Metadata"]
        if kind in self._kinds:
            name = metadata[self._kinds[kind].metadata]["Arn"].rsplit("/", 1)[-1]
            self._show(run, self._kinds[kind], name)
        elif kind == "RegisterModel":
            self._show_package(run, metadata["RegisterModel"]["Arn"])
        elif kind == "Condition":
            self._choose(run, metadata["Condition"]["Outcome"] == "True")

    def _job(self, run: StepRun, kind: _Kind) -> None:
        request = run.scope.resolve(run.step["Arguments"])
        key = cache.cache_key(run.scope.execution["PipelineName"], run.step, request)
        seconds = cache.expiry(run.step)
        hit = cache.find(self._store, key, seconds) if seconds is not None else None
        if hit and self._store.find(kind.family.kind, hit["JobName"]):
            name = hit["JobName"]
            run.record["CacheHitResult"] = {"SourcePipelineExecutionArn": hit["PipelineExecutionArn"]}
            run.note(**{kind.metadata: {"Arn": kind.family.arn(name)}})
        else:
            name = self._run_job(run, kind, request)
            cache.remember(self._store, key, name, run.execution_arn)
        self._show(run, kind, name)

    def _show(self, run: StepRun, kind: _Kind, job: str) -> None:
        """Let later steps refer to a job."""
        properties = kind.describe({kind.name_field: job})
        self._read_property_files(run, properties)
        run.scope.properties[run.name] = properties

    def _run_job(self, run: StepRun, kind: _Kind, request: Document) -> str:
        shape = (
            service_model("sagemaker").operation_model(kind.operation).input_shape.members[kind.name_field]
        )
        name = _job_name(run.scope.execution["PipelineExecutionId"], run.name, shape.metadata["max"])
        request = {**request, kind.name_field: name}
        self._check(run, kind.operation, request)
        kind.create(request)
        run.end = lambda: kind.family.end(name)
        run.note(**{kind.metadata: {"Arn": kind.family.arn(name)}})
        if run.stopping.is_set():
            run.end()
        job = kind.family.wait(name)
        status = kind.family.status(job)
        if status != "Completed":
            reason = job.get("FailureReason") or job.get("SecondaryStatus") or status
            # Trials are the tuning job's own affair: no policy retries them.
            is_internal = reason.startswith("InternalServerError") and run.step["Type"] != "Tuning"
            raise StepFailed(f"Job {name}: {reason}", JOB_INTERNAL_ERROR if is_internal else None)
        return name

    def _read_property_files(self, run: StepRun, properties: Document) -> None:
        outputs = {
            output["OutputName"]: output["S3Output"]["S3Uri"]
            for output in properties.get("ProcessingOutputConfig", {}).get("Outputs", [])
        }
        for file in run.step.get("PropertyFiles", []):
            name, output, path = file["PropertyFileName"], file["OutputName"], file["FilePath"]
            if output not in outputs:
                raise StepFailed(
                    f"Property file {name} names the output {output!r}; the job has {sorted(outputs)}"
                )
            content = run.scope.read_object(f"{outputs[output].rstrip('/')}/{path}")
            run.scope.property_files[run.name, name] = content

    def _register(self, run: StepRun) -> None:
        request = run.scope.resolve(run.step["Arguments"])
        self._check(run, "CreateModelPackage", request)
        self._registry.ensure_group(request["ModelPackageGroupName"])
        # An execution registers once, also when it is retried after the server was killed at this moment.
        token = str(uuid5(NAMESPACE_URL, f"{run.execution_arn}/{run.name}"))
        arn = self._registry.create_model_package({"ClientToken": token, **request})["ModelPackageArn"]
        self._show_package(run, arn)
        run.note(RegisterModel={"Arn": arn})

    def _show_package(self, run: StepRun, arn: str) -> None:
        run.scope.properties[run.name] = self._registry.describe_model_package({"ModelPackageName": arn})

    def _condition(self, run: StepRun) -> None:
        outcome = all(run.scope.holds(condition) for condition in run.step["Arguments"]["Conditions"])
        self._choose(run, outcome)
        run.note(Condition={"Outcome": str(outcome)})

    @staticmethod
    def _choose(run: StepRun, outcome: bool) -> None:
        run.branch = "IfSteps" if outcome else "ElseSteps"
        run.scope.properties[run.name] = {"Outcome": outcome}

    @staticmethod
    def _fail(run: StepRun) -> None:
        message = run.scope.resolve(run.step["Arguments"].get("ErrorMessage", ""))
        run.note(Fail={"ErrorMessage": str(message)})
        raise StepFailed(str(message))

    def _check(self, run: StepRun, operation: str, request: Document) -> None:
        """Keep a request, so that it can be looked at, and ask botocore's model whether AWS would take it."""
        document = {
            "PipelineExecutionArn": run.execution_arn,
            "StepName": run.name,
            "Operation": operation,
            "Request": request,
        }
        self._store.put("request", f"{run.execution_arn}/{run.name}", document)
        validate("sagemaker", operation, request)


def _job_name(execution_id: str, step: str, length: int) -> str:
    """Return a name as Pipelines makes it, with as much of the step's name as fits into the job's limit."""
    ending = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    prefix = f"pipelines-{execution_id}" if length >= 2 * len(f"pipelines-{execution_id}") else execution_id
    room = length - len(prefix) - len(ending) - 2
    middle = "".join(letter if letter in _ALPHABET else "-" for letter in step)[:room].strip("-")
    return f"{prefix}-{middle}-{ending}"
