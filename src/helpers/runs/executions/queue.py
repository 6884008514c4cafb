"""The queue: an account may run a limited number of executions at the same time, and the others wait."""

from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from helpers.errors import BadInput
from helpers.runs.executions.execution import Execution
from helpers.runs.patience import hindrance
from helpers.session import Session

__all__ = ["MOST", "start_waiting"]

# How many executions an account may run at the same time, unless AWS has raised it:
# https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-feature-processor-quotas.html
MOST = 20


def start_waiting(session: Session, executions: Sequence[Execution], room: int) -> int:
    """Start the first executions that wait, as many as there is room for, and return how many still wait.

    Raises:
        BadInput: the pipeline refuses a request; the message says which executions have been started.
        BotoCoreError: AWS cannot be called.
        ClientError: likewise.
    """
    waiting = [execution for execution in executions if execution.waits]
    started: list[Execution] = []
    for execution in waiting[: max(room, 0)]:
        try:
            if not _start(session, execution):
                break
        except BadInput as error:
            raise BadInput(f"{error}{_also(started)}") from None
        started.append(execution)
    return len(waiting) - len(started)


def _start(session: Session, execution: Execution) -> bool:
    """Start an execution; return False if it must be tried again later.

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
        raise BadInput(
            f"The pipeline {pipeline!r} refuses the parameters of {execution.dataset}: "
            f"{error.response['Error']['Message']} Fix them, or run 02_define_pipeline again."
        ) from None
    return True


def _also(started: Sequence[Execution]) -> str:
    if not started:
        return ""
    return f" These have started and go on: {', '.join(execution.arn for execution in started)}."
