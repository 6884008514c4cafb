"""What a step type is, and one step under way."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from local_aws.core.store import Document, Store
from local_aws.core.validation import validate
from local_aws.services.functions.functions import Functions
from local_aws.services.jobs.processing import ProcessingJobs
from local_aws.services.jobs.training import TrainingJobs
from local_aws.services.jobs.tuning import TuningJobs
from local_aws.services.pipelines.expressions import Scope
from local_aws.services.registry import Registry

__all__ = ["Services", "StepFailed", "StepRun", "StepType"]


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
        end: Ends what the step has started.
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
class Services:
    """What steps call."""

    store: Store
    processing: ProcessingJobs
    training: TrainingJobs
    tuning: TuningJobs
    registry: Registry
    functions: Functions


class StepType:
    """A type of step. A subclass that has a `type` is found by itself.

    Attributes:
        type: What definitions call it.
        retriable: Whether it can have RetryPolicies.
        branches: The arguments that hold steps of their own.
    """

    type: ClassVar[str]
    retriable: ClassVar[bool] = False
    branches: ClassVar[Sequence[str]] = ()
    found: ClassVar[dict[str, "type[StepType]"]] = {}

    def __init_subclass__(cls) -> None:
        if "type" in vars(cls):
            StepType.found[cls.type] = cls

    def __init__(self, services: Services) -> None:
        self.services = services

    @classmethod
    def check(cls, step: Mapping[str, Any]) -> None:
        """Refuse a step whose definition cannot be executed; its Name and Arguments are there.

        Raises:
            AwsError: With the step's name.
        """

    def execute(self, run: StepRun) -> None:
        """Do a step; its properties are in the scope afterwards.

        Raises:
            AwsError: A request was refused.
            StepFailed: It did not succeed.
        """
        raise NotImplementedError

    def restore(self, run: StepRun) -> None:
        """Put the properties of a step that has succeeded before into the scope.

        Raises:
            AwsError: What it made is not there any more.
        """
        raise NotImplementedError

    def check_request(self, run: StepRun, operation: str, request: Document) -> None:
        """Keep a request, so that it can be looked at, and ask botocore's model whether AWS would take it.

        Raises:
            AwsError: AWS would not.
        """
        document = {
            "PipelineExecutionArn": run.execution_arn,
            "StepName": run.name,
            "Operation": operation,
            "Request": request,
        }
        self.services.store.put("request", f"{run.execution_arn}/{run.name}", document)
        validate("sagemaker", operation, request)
