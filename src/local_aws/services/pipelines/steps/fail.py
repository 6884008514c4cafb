"""Ends the execution as failed, with a message."""

from collections.abc import Mapping
from typing import Any

from local_aws.core.errors import invalid
from local_aws.services.pipelines.expressions import literal_text
from local_aws.services.pipelines.step import StepFailed, StepRun, StepType

__all__ = ["Fail"]

_LENGTH = 3072  # characters of an ErrorMessage, from botocore's model of FailStepMetadata


class Fail(StepType):
    """Never succeeds, so it has nothing to restore."""

    type = "Fail"

    @classmethod
    def check(cls, step: Mapping[str, Any]) -> None:
        """Refuse a message that is too long, as far as it is known before the step runs."""
        if len(literal_text(step["Arguments"].get("ErrorMessage", ""))) > _LENGTH:
            raise invalid(f"Step {step['Name']}: ErrorMessage has more than {_LENGTH} characters.")

    def execute(self, run: StepRun) -> None:
        """Fail with the message."""
        message = str(run.scope.resolve(run.step["Arguments"].get("ErrorMessage", "")))[:_LENGTH]
        run.note(Fail={"ErrorMessage": message})
        raise StepFailed(message)
