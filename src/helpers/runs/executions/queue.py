"""The queue: an account may run a limited number of executions at the same time, and the others wait."""

from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from helpers.errors import BadInput
from helpers.runs import facts
from helpers.runs.executions.execution import Execution
from helpers.session import Session
from helpers.session.patience import hindrance

__all__ = ["MOST", "refuse", "start_waiting"]

# How many executions an account may run at the same time, unless AWS has raised it:
# https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-feature-processor-quotas.html
MOST = 20


def start_waiting(session: Session, executions: Sequence[Execution], room: int) -> int:
    """Start the first executions that wait, as many as there is room for, and return how many still wait.

    One whose request the pipeline refuses does not keep the others from being started.

    Raises:
        BadInput: there is no such pipeline; the message says which executions have been started.
        BotoCoreError: AWS cannot be called.
        ClientError: likewise.
    """
    waiting = [execution for execution in executions if execution.waits]
    for execution in waiting:
        try:
            if room <= 0 or not _start(session, execution):
                break
        except BadInput as error:
            raise BadInput(f"{error}{_also(waiting)}") from None
        room -= bool(execution.arn)
    return sum(execution.waits for execution in waiting)


def refuse(execution: Execution, why: str) -> None:
    """Give up an execution that cannot be started; what is known of its table from an earlier call stays."""
    execution.request, execution.refused = {}, why
    print(f"{execution.dataset} is not started. {why}")
    facts.record(execution.dataset, unless_known=True, outcome="failed", said=why)


def _start(session: Session, execution: Execution) -> bool:
    """Start an execution, unless the pipeline refuses it; return False if it must be tried again later.

    Where it is unknown whether AWS started it, its token makes sure that trying again starts it once.
    """
    sagemaker, pipeline = session.client("sagemaker"), execution.request["PipelineName"]
    try:
        execution.arn = sagemaker.start_pipeline_execution(**execution.request)["PipelineExecutionArn"]
    except sagemaker.exceptions.ResourceNotFound:
        raise BadInput(f"There is no pipeline {pipeline!r}; run 02_define_pipeline first.") from None
    except (BotoCoreError, ClientError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        found = hindrance(error)
        if code == "ResourceLimitExceeded" or (found is not None and not found.credentials):
            return False
        if code != "ValidationException":
            raise
        said = error.response["Error"]["Message"]
        refuse(
            execution,
            f"The pipeline {pipeline!r} refuses the parameters of {execution.dataset}: {said} Fix them, or "
            "run 02_define_pipeline again.",
        )
    return True


def _also(executions: Sequence[Execution]) -> str:
    started = ", ".join(execution.arn for execution in executions if execution.arn)
    return f" These have started and go on: {started}." if started else ""
