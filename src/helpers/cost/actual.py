"""What SageMaker bills for an execution, and how far off the forecasts of earlier runs were.

Follows https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, TypedDict

from helpers.cost.forecast.pace import UNFINISHED
from helpers.cost.prices import HOURS_A_MONTH, Prices
from helpers.cost.ranges import Range, total
from helpers.session import Session

__all__ = ["Accuracy", "Billed", "Job", "StepBilled", "accuracy", "billed", "compared", "trained"]

KINDS = ("ProcessingJob", "TrainingJob", "TuningJob", "TransformJob")
LAST = 10  # runs with a forecast


class StepBilled(TypedDict):
    """What a step is billed; `jobs` is 0 if its result was taken from an earlier execution.

    `saved_seconds` is what spot capacity saved of the seconds that the jobs ran, and `waited_seconds` how
    long a job waited for its instance on average. `dollars` is null here, and if a price is not known.
    """

    jobs: int
    instances: list[str]
    spot: bool
    billable_seconds: float
    saved_seconds: float
    waited_seconds: float | None
    dollars: float | None


class Billed(TypedDict):
    """What all steps of an execution are billed."""

    jobs: int
    billable_seconds: float
    saved_seconds: float
    dollars: float | None
    steps: dict[str, StepBilled]


class Accuracy(TypedDict):
    """Of the last runs with a forecast: their number, how many were within it, and the median error.

    The error is the share by which the billed seconds differ from the middle of the forecast.
    """

    runs: int
    within: int
    error: float


@dataclass(frozen=True)
class Job:
    """A job that has started: seconds by the clock, and those billed, of each of its instances."""

    instance: str
    instances: int
    volume_gb: float
    spot: bool
    ran: float
    billable: float
    waited: float | None


def billed(session: Session, steps: Iterable[Mapping[str, Any]], prices: Prices) -> Billed:
    """What SageMaker bills for these steps of an execution; a step from the cache costs nothing.

    Args:
        session: where they ran; here, nothing is billed, and the seconds are those that AWS would bill.
        steps: as ListPipelineExecutionSteps returns them.
        prices: list prices.
    """
    found = {
        step["StepName"]: _of_step(session, list(_jobs(session, step)), prices)
        for step in steps
        if any(kind in KINDS for kind in step.get("Metadata", {}))
    }
    dollars = [each["dollars"] for each in found.values() if each["jobs"]]
    unknown = session.is_local or any(each is None for each in dollars)
    return {
        "jobs": sum(each["jobs"] for each in found.values()),
        "billable_seconds": round(sum(each["billable_seconds"] for each in found.values()), 1),
        "saved_seconds": round(sum(each["saved_seconds"] for each in found.values()), 1),
        "dollars": None if unknown else round(sum(each for each in dollars if each is not None), 6),
        "steps": found,
    }


def compared(tables: Iterable[Mapping[str, Any]], environment: str) -> tuple[Range, float] | None:
    """The forecast and the actual billed seconds of the steps that ran; None if there is nothing to compare.

    Seconds are known on AWS and here. A step that was taken from the cache counts on neither side.

    Args:
        tables: the data sets of a summary.
        environment: of the run.
    """
    found = []
    for table in tables:
        forecast = table.get("forecast" if environment == "aws" else "forecast_here")
        billed = table.get("billed")
        if forecast and billed and table["outcome"] not in UNFINISHED:
            spans = {name: step["billable_seconds"] for name, step in forecast["steps"].items()}
            found += [
                (Range(spans[name]["low"], spans[name]["high"]), step["billable_seconds"])
                for name, step in billed["steps"].items()
                if step["jobs"] and name in spans
            ]
    return (total(span for span, _ in found), sum(took for _, took in found)) if found else None


def accuracy(summaries: Iterable[Mapping[str, Any]], environment: str) -> Accuracy | None:
    """How far off the last forecasts were, in runs of the same kind; None without such a run."""
    latest = sorted(summaries, key=lambda each: each["started"], reverse=True)
    pairs = [
        compared(each["data_sets"].values(), environment)
        for each in latest
        if each["environment"] == environment
    ]
    found = [pair for pair in pairs if pair][:LAST]
    if not found:
        return None
    return {
        "runs": len(found),
        "within": sum(expected.low <= took <= expected.high for expected, took in found),
        "error": round(median(abs(took - expected.middle) / expected.middle for expected, took in found), 3),
    }


def _of_step(session: Session, jobs: list[Job], prices: Prices) -> StepBilled:
    waited = [job.waited for job in jobs if job.waited is not None]
    cost = [_dollars(session, job, prices) for job in jobs]
    unknown = session.is_local or any(each is None for each in cost)
    return {
        "jobs": len(jobs),
        "instances": sorted({job.instance for job in jobs}),
        "spot": any(job.spot for job in jobs),
        "billable_seconds": round(sum(job.billable * job.instances for job in jobs), 1),
        "saved_seconds": round(
            sum(max(job.ran - job.billable, 0) * job.instances for job in jobs if job.spot), 1
        ),
        "waited_seconds": round(sum(waited) / len(waited), 1) if waited else None,
        "dollars": None if unknown else round(sum(each for each in cost if each is not None), 6),
    }


def _dollars(session: Session, job: Job, prices: Prices) -> float | None:
    price = prices.instance(session.region, job.instance)
    if price is None:
        return None
    disk = job.volume_gb * prices.service(session.region, "job_volume_gb_month").dollars / HOURS_A_MONTH
    return job.billable * job.instances * (price.dollars + disk) / 3600


def _jobs(session: Session, step: Mapping[str, Any]) -> Iterator[Job]:
    """The jobs of a step that have started, those that failed or were stopped included."""
    if "CacheHitResult" in step:
        return
    sagemaker = session.client("sagemaker")
    for kind, about in step["Metadata"].items():
        name = about["Arn"].rsplit("/", 1)[1] if kind in KINDS else ""
        if kind == "ProcessingJob":
            job = sagemaker.describe_processing_job(ProcessingJobName=name)
            cluster = job["ProcessingResources"]["ClusterConfig"]
            yield from _started(job, cluster, "ProcessingStartTime", "ProcessingEndTime")
        elif kind == "TrainingJob":
            yield from trained(sagemaker.describe_training_job(TrainingJobName=name))
        elif kind == "TransformJob":
            job = sagemaker.describe_transform_job(TransformJobName=name)
            yield from _started(job, job["TransformResources"], "TransformStartTime", "TransformEndTime")
        elif kind == "TuningJob":
            yield from _trials(sagemaker, name)


def _trials(sagemaker: Any, name: str) -> Iterator[Job]:
    """The trials of a tuning job: only those on spot capacity have to be asked for one by one."""
    tuning = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    definitions = tuning.get("TrainingJobDefinitions") or [tuning["TrainingJobDefinition"]]
    clusters = {each.get("DefinitionName"): each.get("ResourceConfig") for each in definitions}
    spot = any(each.get("EnableManagedSpotTraining") for each in definitions)
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name
    )
    for trial in (trial for page in pages for trial in page["TrainingJobSummaries"]):
        cluster = clusters.get(trial.get("TrainingJobDefinitionName"))
        if spot or not cluster or "InstanceType" not in cluster:
            yield from trained(sagemaker.describe_training_job(TrainingJobName=trial["TrainingJobName"]))
        else:
            yield from _started(trial, cluster, "TrainingStartTime", "TrainingEndTime")


def trained(job: Mapping[str, Any]) -> Iterator[Job]:
    """A training job as DescribeTrainingJob tells it; on spot capacity, not all of its seconds are billed."""
    spot = bool(job.get("EnableManagedSpotTraining"))
    billable = job.get("BillableTimeInSeconds")
    ran = job.get("TrainingTimeInSeconds")
    times = ("TrainingStartTime", "TrainingEndTime")
    yield from _started(job, job["ResourceConfig"], *times, spot, billable, ran)


def _started(
    job: Mapping[str, Any],
    cluster: Mapping[str, Any],
    begin: str,
    end: str,
    spot: bool = False,
    billable: float | None = None,
    ran: float | None = None,
) -> Iterator[Job]:
    """A job, if it has started and ended; otherwise it is not billed, or not yet known."""
    if begin not in job or end not in job:
        return
    ran = (job[end] - job[begin]).total_seconds() if ran is None else ran
    waited = (job[begin] - job["CreationTime"]).total_seconds() if "CreationTime" in job else None
    yield Job(
        cluster["InstanceType"],
        cluster["InstanceCount"],
        cluster.get("VolumeSizeInGB", 0),
        spot,
        ran,
        ran if billable is None else billable,
        waited,
    )
