"""A version that an earlier run registered, and that a new execution would only register once more."""

from collections.abc import Iterable, Sequence

from helpers.errors import JobFailed
from helpers.runs.executions.earlier import Earlier
from helpers.runs.executions.execution import Execution, Standing
from helpers.runs.executions.request import Request
from helpers.runs.results import evaluation, registered_version
from helpers.session import Session
from lambdas import models_map
from lambdas.errors import MapError

__all__ = ["take_over"]

AWAITS = "PendingManualApproval"


def take_over(session: Session, request: Request, known: Iterable[Earlier]) -> Execution | None:
    """The earlier execution to take over instead of starting one, or None.

    It had the same definition, parameters and data. Its version is the newest, nobody has approved it, and it
    was compared with the version that is in service now. So another execution would come to the same model.

    Args:
        session: where they ran.
        request: what is asked for.
        known: earlier executions, newest first.

    Raises:
        JobFailed: what the deployer wrote is not a models map.
    """
    wanted = (request.dataset, request.digest, "Succeeded")
    same = [one for one in known if (one.dataset, one.digest, one.status) == wanted]
    version, status = _newest(session, request.dataset) if same else (0, "")
    if not version or status == "Approved":
        return None
    execution = _registering(session, same, version)
    if execution is None or evaluation(session, execution)["gate"]["champion_version"] != _serving(
        session, request.dataset
    ):
        return None
    execution.standing = Standing(version, status == AWAITS)
    return execution


def _newest(session: Session, dataset: str) -> tuple[int, str]:
    """The newest version of a data set's model and its status; 0 if none was ever registered."""
    sagemaker = session.client("sagemaker")
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=session.group(dataset)
    )
    try:
        listed = [summary for page in pages for summary in page["ModelPackageSummaryList"]]
    except sagemaker.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        return 0, ""  # the group is created with the first version
    found = [(summary["ModelPackageVersion"], summary["ModelApprovalStatus"]) for summary in listed]
    return max(found, default=(0, ""))


def _registering(session: Session, known: Sequence[Earlier], version: int) -> Execution | None:
    """The execution that registered a version."""
    for one in known:
        execution = Execution(one.dataset, one.arn, one.run_id)
        if registered_version(session, execution) == version:
            return execution
    return None


def _serving(session: Session, dataset: str) -> int | None:
    try:
        entries = models_map.read(session.client("s3"), session.bucket).entries
    except MapError as error:
        raise JobFailed(str(error)) from None
    entry = entries.get(session.group(dataset))
    return entry["version"] if entry else None
