"""Sends a message to a queue, and waits until somebody answers with its token.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-callback
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from local_aws.core.errors import invalid
from local_aws.core.moto import send_message
from local_aws.services.pipelines.callbacks import Callback as Waiting
from local_aws.services.pipelines.outputs import check_declared, listed, restored
from local_aws.services.pipelines.step import StepFailed, StepRun, StepType

__all__ = ["Callback"]

_POLL_SECONDS = 0.1
_QUEUE = re.compile(r"https?://[^/]+/(\d{12})/([\w-]{1,80}(?:\.fifo)?)")


class Callback(StepType):
    """The arguments are in the message; later steps can refer to the outputs that the step declares."""

    type = "Callback"

    @classmethod
    def check(cls, step: Mapping[str, Any]) -> None:
        """Refuse a step without a queue, or with outputs that have no name or type."""
        if not step.get("SqsQueueUrl"):
            raise invalid(f"Step {step['Name']} has no SqsQueueUrl.")
        check_declared(step)

    def execute(self, run: StepRun) -> None:
        """Send the message and wait for the answer, also while the execution is being stopped."""
        url = run.scope.resolve(run.step["SqsQueueUrl"])
        queue = _QUEUE.fullmatch(str(url))
        if queue is None:
            raise StepFailed(f"ClientError: {url!r} is not the URL of a queue.")
        account, name = queue.groups()
        region = self.services.functions.region
        arn = f"arn:aws:sqs:{region}:{account}:{name}"
        self.services.authorize(run.role, "sqs:SendMessage", arn, {})
        waiting = self.services.callbacks.expect(run.execution_arn)
        message = {
            "token": waiting.token,
            "pipelineExecutionArn": run.execution_arn,
            "arguments": run.scope.resolve(run.step["Arguments"]),
        }

        def tell(status: str) -> None:
            send_message(region, name, json.dumps({**message, "status": status}))

        noted = {"CallbackToken": waiting.token, "SqsQueueUrl": url}
        run.note(Callback=noted)
        tell("Executing")
        run.end = lambda: tell("Stopping")
        try:
            self._wait(waiting)
        finally:
            run.end = lambda: None
        if waiting.failure is not None:
            raise StepFailed(f"ClientError: {waiting.failure}")
        values = restored(run.step, waiting.outputs)
        run.note(Callback={**noted, "OutputParameters": listed(values)})
        self._show(run, values)

    def restore(self, run: StepRun) -> None:
        """Show the outputs of an earlier attempt."""
        self._show(run, restored(run.step, run.record["Metadata"]["Callback"]["OutputParameters"]))

    def _wait(self, waiting: Waiting) -> None:
        closing = self.services.processing.platform.closing
        while not waiting.answered.wait(_POLL_SECONDS):
            if closing.is_set():
                raise StepFailed("InternalServerError: the local_aws server was stopped.")

    def _show(self, run: StepRun, values: Mapping[str, Any]) -> None:
        run.scope.properties[run.name] = {"OutputParameters": values}
