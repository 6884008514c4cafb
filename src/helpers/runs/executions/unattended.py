"""What is said when nobody watches executions any more: that they go on, how to find and how to stop them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from helpers.errors import Interrupted, UserError, one_line
from helpers.runs.executions.execution import Execution
from helpers.session.patience import hindrance

__all__ = ["unattended"]


@contextmanager
def unattended(executions: Sequence[Execution]) -> Iterator[None]:
    """Turn an interrupt, and a call that AWS does not answer, into a sentence about these executions.

    Raises:
        Interrupted: somebody interrupted this.
        UserError: AWS refused a call, or cannot be called.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted. {_going_on(executions)}") from None
    except (BotoCoreError, ClientError) as error:
        why = hindrance(error) or f"AWS refused: {one_line(error)}"
        raise UserError(f"{why}. {_going_on(executions)}") from None


def _going_on(executions: Sequence[Execution]) -> str:
    started = sum(bool(execution.arn) and not execution.standing for execution in executions)
    waiting = sum(execution.waits for execution in executions)
    if not started:
        return "No execution was started; run this again."
    run_id = next(execution.run_id for execution in executions if not execution.standing)
    others = f"; the {waiting} that wait are started only by watching" if waiting else ""
    return (
        f"Of run {run_id}, the executions that have started and not ended go on, {started} at most{others}. "
        "To watch them again, run 03 again, here or in another kernel: it finds them, by itself or by "
        f"RUN_ID = {run_id!r}. To stop them, run `runs.stop(session, runs.find(session, {run_id!r}, "
        f"DEVELOPER))` in a cell of 03, or `many-models stop FILE -p RUN_ID {run_id}`."
    )
