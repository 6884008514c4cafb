"""Stops executions and waits until they have stopped."""

import time
import uuid
from collections.abc import Sequence

import pandas as pd
from botocore.exceptions import ClientError

from helpers.runs.executions.execution import RUNNING, Execution
from helpers.session import Session
from helpers.session.patience import patiently

__all__ = ["stop"]

LIMIT = 600.0  # seconds to wait for: a training job has 120 to end, and then its model is uploaded
POLL_SECONDS = {True: 0.2, False: 5.0}
# What StopPipelineExecution answers if an execution has ended, or another request stops it already.
TOO_LATE = ("ConflictException", "ValidationException")


def stop(session: Session, executions: Sequence[Execution]) -> pd.DataFrame:
    """Stop executions with their jobs, and return how each ended; what has been registered stays.

    Those that wait are given up. One that has not stopped within 10 minutes is listed as `Stopping`.
    """
    for execution in executions:
        if execution.waits:
            execution.request = {}
    started = [execution for execution in executions if execution.arn]
    for execution in started:
        token = uuid.uuid4().hex
        patiently(session, lambda it=execution, token=token: _stop(session, it, token))
    deadline = time.monotonic() + LIMIT
    while True:
        status = {it: patiently(session, lambda it=it: _status(session, it)) for it in started}
        if not set(status.values()) & set(RUNNING) or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS[session.is_local])
    rows = [
        {"data set": it.dataset, "run": it.run_id, "status": status.get(it, "not started")}
        for it in executions
    ]
    return pd.DataFrame(rows, columns=["data set", "run", "status"]).set_index("data set")


def _stop(session: Session, execution: Execution, token: str) -> None:
    try:
        session.client("sagemaker").stop_pipeline_execution(
            PipelineExecutionArn=execution.arn, ClientRequestToken=token
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in TOO_LATE or _status(session, execution) == "Executing":
            raise


def _status(session: Session, execution: Execution) -> str:
    described = session.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=execution.arn)
    return described["PipelineExecutionStatus"]
