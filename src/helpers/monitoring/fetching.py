"""Where the state of all models is read: one function for each source, each with as few calls as possible.

What never changes again (what a version was trained on, how an execution ended) is taken from the status
that was stored last, so only what is new is asked for one by one.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar, get_args
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import ClientError
from tabular.spec.columns import Family
from tabular.spec.options import OPTIONS_FILE

from contract.names import group_prefix, load
from helpers.cost.prices import load as load_prices
from helpers.deployment import deployments
from helpers.deployment.registry import PENDING
from helpers.errors import JobFailed
from helpers.monitoring import reports
from helpers.monitoring.document import Retraining, Status, Traffic
from helpers.runs import outcome
from helpers.runs.executions.execution import RUNNING, Execution, steps_of
from helpers.session import Session
from lambdas import ledger, models_map

__all__ = [
    "PERIODS",
    "STORED",
    "Details",
    "Source",
    "Version",
    "costs",
    "details",
    "in_service",
    "last_check",
    "last_status",
    "refusals",
    "registry",
    "retrainings",
    "stored",
    "traffic",
    "unhurried",
]

Found = TypeVar("Found")
Key = TypeVar("Key")

STORED = "status/status.json"  # under the monitoring prefix
PERIODS = {"day": timedelta(days=1), "week": timedelta(days=7)}
WINDOW = timedelta(days=30)  # of executions
AT_A_TIME = 10  # calls, and connections that a client keeps
ATTEMPTS = 10  # of a call
FIRST_PAUSE = {True: 0.02, False: 0.5}  # seconds; each pause is twice the one before, up to the longest
LONGEST_PAUSE = 2.0
LONGEST_QUERY = 120.0  # seconds
MISSING = ("404", "NoSuchBucket", "NoSuchKey", "NotFound", "ResourceNotFound", "ResourceNotFoundException")
DENIED = ("403", "AccessDenied", "AccessDeniedException", "Forbidden", "UnauthorizedOperation")
# For all models at once, by what the invoker writes into its log, whether METRICS_BY_MODEL is on or not:
# metrics of each model cost a call for 500 of them, and are billed by model and month beside that.
QUERY = """\
filter function = "invoker" and ispresent(group)
| stats count(*) as requests, sum(`4XXErrors`) as client_errors, sum(`5XXErrors`) as server_errors,
    sum(Rows) as rows_predicted, pct(milliseconds, 90) as p90 by group
| sort requests desc
| limit 10000"""


class Version(NamedTuple):
    """A version in the registry: its number, status, time of registration and ARN."""

    number: int
    status: str
    registered: datetime
    arn: str

    @property
    def pending(self) -> bool:
        """Whether it waits for approval."""
        return self.status == PENDING


class Details(NamedTuple):
    """What never changes about a version: the algorithm, and when its table was uploaded."""

    algorithm: str | None
    data_until: str | None


@dataclass(frozen=True)
class Source(Generic[Found]):
    """What was read from a source, or why there is nothing, in a sentence."""

    found: Found | None
    said: str | None = None


def unhurried(session: Session) -> Session:
    """The same session with clients that call more slowly when AWS throttles them.

    https://docs.aws.amazon.com/boto3/latest/guide/retries.html
    """
    retries = {"mode": "adaptive", "max_attempts": ATTEMPTS}
    return replace(session, config=Config(retries=retries, max_pool_connections=AT_A_TIME))


def registry(session: Session) -> dict[str, list[Version]]:
    """All versions of each data set's model, newest first."""
    prefix, found = group_prefix(session.pipeline_name), dict[str, list[Version]]()
    pages = (
        session.client("sagemaker")
        .get_paginator("list_model_packages")
        .paginate(ModelPackageType="Versioned", PaginationConfig={"PageSize": 100})
    )
    for each in (each for page in pages for each in page["ModelPackageSummaryList"]):
        if each["ModelPackageGroupName"].startswith(prefix) and each["ModelPackageStatus"] == "Completed":
            version = Version(
                each["ModelPackageVersion"],
                each["ModelApprovalStatus"],
                each["CreationTime"].astimezone(UTC),
                each["ModelPackageArn"],
            )
            found.setdefault(each["ModelPackageGroupName"].removeprefix(prefix), []).append(version)
    return {dataset: sorted(versions, reverse=True) for dataset, versions in sorted(found.items())}


def in_service(session: Session) -> dict[str, models_map.Entry]:
    """What the models map says of each data set in service.

    Raises:
        JobFailed: what the deployer wrote is not a models map.
    """
    return deployments.in_service(session)


def last_status(session: Session) -> Status | None:
    """The status that was stored last, if there is one of this schema."""
    try:
        found = _read(session, f"{load().monitoring_prefix}{STORED}")
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("schema") == 1 else None


def last_check(session: Session) -> reports.Report | None:
    """The report of the newest check of drift and quality, if one has run.

    Raises:
        JobFailed: it is not a report.
    """
    try:
        found = reports.latest(session)
    except ValueError:
        found = {}
    if found is None or (isinstance(found, dict) and isinstance(found.get("models"), dict)):
        return found
    raise JobFailed("What the last check left is not a report; run `many-models monitor` again.")


def details(session: Session, versions: Iterable[Version], known: Status | None) -> dict[str, Details]:
    """What never changes about versions, by ARN; asks only about those that the last status does not have."""
    rows = known["models"] if known else []
    kept = {
        (it["arn"], it["registered_at"]): Details(it["algorithm"], it["data_until"])
        for row in rows
        if (it := row["model"]) and it["arn"]
    }
    asked = list(versions)
    found = {it.arn: kept[key] for it in asked if (key := (it.arn, it.registered.isoformat())) in kept}
    return found | _each(
        lambda it: _described(session, it), {it.arn: it for it in asked if it.arn not in found}
    )


def refusals(session: Session, datasets: Iterable[str]) -> dict[str, str]:
    """Why the deployer does not serve an approved version of these data sets, if the ledger says so."""

    def last(dataset: str) -> str:
        records = ledger.read(session.client("s3"), session.bucket, session.group(dataset))
        return records[-1]["comment"] if records and records[-1].get("refused_version") else ""

    return _each(last, {dataset: dataset for dataset in datasets})


def retrainings(session: Session, known: Status | None, now: datetime) -> dict[str, Retraining]:
    """The newest execution of the last 30 days for each data set, and what came of it.

    Executions say in their description which data set they are about; others are left out.
    """
    rows = known["models"] if known else []
    kept = {it["execution"]: it for row in rows if (it := row["retraining"]) and it["outcome"] != "running"}
    newest: dict[str, dict[str, Any]] = {}
    for family in get_args(Family):
        for summary in _executions(session, session.pipeline(family), now - WINDOW):
            dataset, comma, _ = summary.get("PipelineExecutionDescription", "").partition(", ")
            before = newest.get(dataset)
            if comma and (before is None or before["StartTime"] < summary["StartTime"]):
                newest[dataset] = summary
    return _each(
        lambda pair: _retraining(session, *pair, kept), {name: (name, it) for name, it in newest.items()}
    )


def traffic(session: Session, now: datetime) -> dict[str, dict[str, Traffic]]:
    """By period and group: requests, errors, rows and latency, from the invoker's log.

    Raises:
        JobFailed: CloudWatch did not answer the query.
    """
    logs = session.client("logs")
    started = {
        period: logs.start_query(
            logGroupName=f"/aws/lambda/{session.invoker_function_name}",
            startTime=int((now - length).timestamp()),
            endTime=int(now.timestamp()) + 1,
            queryString=QUERY,
        )["queryId"]
        for period, length in PERIODS.items()
    }
    return {
        period: {row["group"]: _traffic(row) for row in _results(session, query)}
        for period, query in started.items()
    }


def costs(session: Session, prices: str, now: datetime) -> float | None:
    """What the endpoints have cost since the first of the month (UTC), in dollars; None on a laptop.

    That is at list prices, and with as many instances as there are now.

    Raises:
        JobFailed: the instance type or its price is not known.
    """
    if session.is_local:
        return None
    if not session.endpoint_instance_type:
        raise JobFailed(
            "Terraform's outputs do not name the endpoint's instance type; apply Terraform again."
        )
    hour = load_prices(prices).instance(session.region, session.endpoint_instance_type)
    if hour is None:
        raise JobFailed(
            f"The price of {session.endpoint_instance_type} in {session.region} is not known; PRICES may "
            "name a file that has it."
        )
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    hours = 0.0
    for name in session.endpoint_names:
        try:
            found = session.client("sagemaker").describe_endpoint(EndpointName=name)
        except ClientError as error:
            if "could not find endpoint" not in str(error).lower():
                raise
            continue  # it does not exist, so it costs nothing now
        instances = sum(it.get("CurrentInstanceCount", 0) for it in found.get("ProductionVariants", []))
        hours += instances * ((now - max(month, found["CreationTime"])) / timedelta(hours=1))
    return hours * hour.dollars


def stored(call: Callable[[], Found], what: str, missing: str = "") -> Source[Found]:
    """Return what a call finds, or why there is nothing.

    Args:
        call: reads the source.
        what: what the source is called in a sentence, such as `the invoker's log`.
        missing: what to say if it is not there.

    Raises:
        ClientError: AWS refuses the call for another reason than a missing permission or resource.
    """
    try:
        found = call()
    except JobFailed as error:
        return Source(None, str(error))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in MISSING and missing:
            return Source(None, missing)
        if code not in DENIED:
            raise
        return Source(None, f"You may not read {what} ({error.operation_name}: {code}).")
    return Source(found, (missing or None) if found is None else None)


def _each(call: Callable[[Any], Found], asked: Mapping[Key, Any]) -> dict[Key, Found]:
    """Call a function for each value, several at a time."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return dict(zip(asked, pool.map(call, asked.values()), strict=True))


def _read(session: Session, key: str) -> Any:
    """The contents of an object that is JSON, None if it does not exist.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        answer = session.client("s3").get_object(Bucket=session.bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in MISSING:
            raise
        return None
    return json.load(answer["Body"])


def _described(session: Session, version: Version) -> Details:
    found = session.client("sagemaker").describe_model_package(ModelPackageName=version.arn)
    metadata = found.get("CustomerMetadataProperties", {})
    return Details(metadata.get("algorithm"), _uploaded(session, metadata.get("input-data", "")))


def _uploaded(session: Session, uri: str) -> str | None:
    """When a table was uploaded: the time of its options, which come last, or of the file that it is.

    None if nobody here may see it, such as where a model was taken over from another account.
    """
    location = urlsplit(uri)
    key = location.path.lstrip("/")
    if not (location.netloc and key):
        return None  # a version that somebody made without the pipeline
    folder = key if key.endswith("/") else f"{key}/"
    names = (f"{folder}{OPTIONS_FILE}", key.rstrip("/"))
    for name in names:
        try:
            found = session.client("s3").head_object(Bucket=location.netloc, Key=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in (*MISSING, *DENIED):
                raise
        else:
            return found["LastModified"].astimezone(UTC).isoformat()
    return None


def _executions(session: Session, pipeline: str, since: datetime) -> Iterator[dict[str, Any]]:
    sagemaker = session.client("sagemaker")
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=pipeline, CreatedAfter=since, PaginationConfig={"PageSize": 100}
    )
    try:
        for page in pages:
            yield from page["PipelineExecutionSummaries"]
    except sagemaker.exceptions.ResourceNotFound:  # no such pipeline, so nothing was trained with it
        return


def _retraining(
    session: Session, dataset: str, summary: Mapping[str, Any], kept: Mapping[str, Retraining]
) -> Retraining:
    arn = summary["PipelineExecutionArn"]
    if arn in kept:
        return kept[arn]
    found = {"outcome": "running", "said": "Its execution goes on."}
    if summary["PipelineExecutionStatus"] not in RUNNING:
        execution = Execution(dataset, arn)
        found = outcome.verdict(session, execution, summary, steps_of(session, execution))
    at = summary["StartTime"].astimezone(UTC).isoformat(timespec="seconds")
    return Retraining(execution=arn, at=at, outcome=found["outcome"], said=found["said"])


def _results(session: Session, query: str) -> Iterator[dict[str, str]]:
    """The rows of a query, as soon as it has ended."""
    deadline, pause = time.monotonic() + LONGEST_QUERY, FIRST_PAUSE[session.is_local]
    while True:
        answer = session.client("logs").get_query_results(queryId=query)
        if answer["status"] == "Complete":
            break
        if answer["status"] not in ("Running", "Scheduled") or time.monotonic() > deadline:
            raise JobFailed(
                f"CloudWatch did not count the requests (the query's status is {answer['status']}); "
                "run this again."
            )
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    for row in answer["results"]:
        yield {cell["field"]: cell["value"] for cell in row}


def _traffic(row: Mapping[str, str]) -> Traffic:
    return Traffic(
        requests=int(float(row["requests"])),
        client_errors=int(float(row["client_errors"])),
        server_errors=int(float(row["server_errors"])),
        rows=int(float(row["rows_predicted"])),
        p90_milliseconds=float(row["p90"]),
    )
