"""Ends the execution as failed, with a message."""

from local_aws.services.pipelines.step import StepFailed, StepRun, StepType

__all__ = ["Fail"]


class Fail(StepType):
    """Never succeeds, so it has nothing to restore."""

    type = "Fail"

    def execute(self, run: StepRun) -> None:
        """Fail with the message."""
        message = str(run.scope.resolve(run.step["Arguments"].get("ErrorMessage", "")))
        run.note(Fail={"ErrorMessage": message})
        raise StepFailed(message)
