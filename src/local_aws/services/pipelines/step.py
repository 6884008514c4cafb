"""The base class of step types, and one running step."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from local_aws.core.requests.validation import validate
from local_aws.core.store import Document, Store
from local_aws.services.endpoints.endpoints import Endpoints
from local_aws.services.functions.functions import Functions
from local_aws.services.jobs.processing import ProcessingJobs
from local_aws.services.jobs.training.jobs import TrainingJobs
from local_aws.services.jobs.transform import TransformJobs
from local_aws.services.jobs.tuning import TuningJobs
from local_aws.services.pipelines.callbacks import Callbacks
from local_aws.services.pipelines.expressions import Scope
from local_aws.services.registry import Registry
from local_aws.services.tags import check_tags

__all__ = ["Creation", "Services", "StepFailed", "StepRun", "StepType"]


class StepFailed(Exception):
    """The step has failed; the message is its FailureReason.

    Attributes:
        exception_type: The failure's exception type in retry policies, if they have one for it.
    """

    def __init__(self, reason: str, exception_type: str | None = None) -> None:
        super().__init__(reason)
        self.exception_type = exception_type


@dataclass
class StepRun:
    """One running step.

    Attributes:
        step: The step, as in the definition.
        scope: What its expressions can refer to.
        execution_arn: The execution that it belongs to.
        record: Its entry in ListPipelineExecutionSteps.
        save: Saves the record.
        stopping: Set when the execution is being stopped.
        role: The name of the pipeline's role, as which the step calls SageMaker.
        branch: The branch that a Condition step has chosen.
        end: Stops what the step has started.
    """

    step: Document
    scope: Scope
    execution_arn: str
    record: Document
    save: Callable[[], None]
    stopping: threading.Event
    role: str = ""
    branch: str | None = None
    end: Callable[[], Any] = field(default=lambda: None)

    @property
    def name(self) -> str:
        """The step's name."""
        return self.step["Name"]

    def note(self, **metadata: Any) -> None:
        """Set and save the step's Metadata."""
        self.record["Metadata"] = metadata
        self.save()


Authorize = Callable[[str, str, str, Mapping[str, str]], None]


class Creation(NamedTuple):
    """How a step creates something: the operation, and the resource that IAM is asked about.

    Attributes:
        operation: The operation of SageMaker.
        kind: The kind of resource that it creates, or creates something in, as in ARNs.
        field: The field of the request with the resource's name.
    """

    operation: str
    kind: str
    field: str


@dataclass(frozen=True)
class Services:
    """The services that steps call.

    Attributes:
        authorize: Refuses what a role may not do: its name, the action, the resource, the condition keys.
    """

    store: Store
    processing: ProcessingJobs
    training: TrainingJobs
    tuning: TuningJobs
    transform: TransformJobs
    models: Endpoints
    registry: Registry
    functions: Functions
    callbacks: Callbacks
    authorize: Authorize


class StepType:
    """A type of step. Every subclass with a `type` is registered automatically.

    Attributes:
        type: Its name in definitions.
        operation: The operation of SageMaker whose request its Arguments become, if it calls one.
        retriable: Whether it can have RetryPolicies.
        branches: The arguments that contain nested steps.
        found: All step types, by name.
    """

    type: ClassVar[str]
    operation: ClassVar[str | None] = None
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
        """Refuse a step whose definition cannot be executed; its Name and Arguments exist.

        Raises:
            AwsError: The step is refused; the message names it.
        """

    def execute(self, run: StepRun) -> None:
        """Run a step and put its properties into the scope.

        Raises:
            AwsError: A request was refused.
            StepFailed: The step did not succeed.
        """
        raise NotImplementedError

    def restore(self, run: StepRun) -> None:
        """Put the properties of a step that succeeded earlier into the scope.

        Raises:
            AwsError: What the step created no longer exists.
        """
        raise NotImplementedError

    def check_request(self, run: StepRun, creation: Creation, request: Document) -> None:
        """Record a request for inspection, and check whether AWS would accept it.

        That is a matter of botocore's model, and of what the pipeline's role may do.

        Raises:
            AwsError: AWS would not accept it.
        """
        document = {
            "PipelineExecutionArn": run.execution_arn,
            "StepName": run.name,
            "Operation": creation.operation,
            "Request": request,
        }
        self.services.store.put("request", f"{run.execution_arn}/{run.name}", document)
        validate("sagemaker", creation.operation, request)
        check_tags(request)
        for action, resource, context in _actions(run, creation, request):
            self.services.authorize(run.role, action, resource, context)


def _actions(
    run: StepRun, creation: Creation, request: Document
) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """What IAM is asked about a step's request; SageMaker tags everything that a pipeline creates."""
    resource = f"{run.execution_arn.rpartition(':')[0]}:{creation.kind}/{request[creation.field]}"
    status = request.get("ModelApprovalStatus")
    yield (
        f"sagemaker:{creation.operation}",
        resource,
        {"sagemaker:ModelApprovalStatus": status} if status else {},
    )
    yield "sagemaker:AddTags", resource, {}
    trials = [request.get("TrainingJobDefinition"), *request.get("TrainingJobDefinitions", [])]
    parts = [part for part in (request, *trials) if part]
    for role in {part[name] for part in parts for name in ("RoleArn", "ExecutionRoleArn") if name in part}:
        yield "iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"}
