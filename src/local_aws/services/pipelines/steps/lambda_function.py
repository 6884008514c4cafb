"""Invokes a Lambda function.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-lambda
"""

import json
from collections.abc import Mapping
from typing import Any

from local_aws.core.errors import invalid
from local_aws.services.pipelines.outputs import check_declared, listed, restored, typed
from local_aws.services.pipelines.step import StepFailed, StepRun, StepType

__all__ = ["Lambda"]


class Lambda(StepType):
    """The arguments are the event; later steps can refer to the outputs that the step declares."""

    type = "Lambda"

    @classmethod
    def check(cls, step: Mapping[str, Any]) -> None:
        """Refuse a step without a function, or with outputs that have no name or type."""
        if not step.get("FunctionArn"):
            raise invalid(f"Step {step['Name']} has no FunctionArn.")
        check_declared(step)

    def execute(self, run: StepRun) -> None:
        """Invoke the function and take the outputs from its result."""
        arn, event = run.scope.resolve(run.step["FunctionArn"]), run.scope.resolve(run.step["Arguments"])
        self.services.authorize(run.role, "lambda:InvokeFunction", arn, {})
        run.note(Lambda={"Arn": arn})
        invocation = self.services.functions.invoke(arn, event)
        result = json.loads(invocation.payload)
        if invocation.error:
            raise StepFailed(
                f"ClientError: Lambda error: {result.get('errorType')}: {result.get('errorMessage')}"
            )
        values = typed(run.step, result)
        run.note(Lambda={"Arn": arn, "OutputParameters": listed(values)})
        self._show(run, values)

    def restore(self, run: StepRun) -> None:
        """Show the outputs of an earlier attempt."""
        self._show(run, restored(run.step, run.record["Metadata"]["Lambda"]["OutputParameters"]))

    def _show(self, run: StepRun, values: Mapping[str, Any]) -> None:
        run.scope.properties[run.name] = {"OutputParameters": values}
