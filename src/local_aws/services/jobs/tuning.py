"""Hyperparameter tuning jobs: trials of one or several algorithms."""

import secrets
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from local_aws.core.concurrency import together
from local_aws.core.errors import AwsError, invalid, not_emulated
from local_aws.core.requests.listing import listing
from local_aws.core.store import Document
from local_aws.services.jobs.family import JobFamily
from local_aws.services.jobs.ranges import check_ranges
from local_aws.services.jobs.run import JobFailed, JobStopped, Platform, Run
from local_aws.services.jobs.search import Search, check_strategy
from local_aws.services.jobs.training.clusters import check_training_cluster
from local_aws.services.jobs.training.jobs import TrainingJobs, check_spot

__all__ = ["TuningJobs"]

_NAME_LENGTH = 20
_SEED_LIMIT = 2**31
_FUTILE_FAILURES = 5  # after this many failed trials without a completed one, AWS gives up
# What an account may have before AWS raises its quotas:
# https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html
_MOST_TRIALS = 750
_MOST_PARALLEL_TRIALS = 10
_MOST_HYPERPARAMETERS = 30
_MOST_METRICS = 20
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTrainingJobDefinition.html
_MOST_VARIABLES = 48
_COUNTERS = {
    "InProgress": "InProgress",
    "Stopping": "InProgress",
    "Completed": "Completed",
    "Failed": "NonRetryableError",
    "Stopped": "Stopped",
}
_STATUS_OF_OBJECTIVE = {"InProgress": "Pending", "Stopping": "Pending", "Completed": "Succeeded"}
_COPIED = (
    "AlgorithmSpecification",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
    "Environment",
    "InputDataConfig",
    "OutputDataConfig",
    "RetryStrategy",
    "RoleArn",
    "StoppingCondition",
    "VpcConfig",
)


class TuningJobs(JobFamily):
    """The operations on tuning jobs. Trials are training jobs, from which counts and rankings are read."""

    kind = "hyper-parameter-tuning-job"
    noun = "HyperParameterTuningJob"
    list_key = "HyperParameterTuningJobSummaries"

    def __init__(self, platform: Platform, training: TrainingJobs) -> None:
        super().__init__(platform)
        self._training = training

    def create_hyper_parameter_tuning_job(self, request: Document) -> dict[str, str]:
        """Start a job."""
        _check(request)
        seed = request["HyperParameterTuningJobConfig"].get("RandomSeed", secrets.randbelow(_SEED_LIMIT))
        return self.create(request, Seed=seed, Trials=[])

    def describe_hyper_parameter_tuning_job(self, request: Document) -> Document:
        """Return a job's record, with its trials' counts and its best trial so far."""
        job = self.find(request["HyperParameterTuningJobName"])
        trials = self._summaries(job)
        best = next((trial for trial in trials if _value(trial) is not None), None)
        return {
            **job,
            **_counters(trials),
            **({"BestTrainingJob": best} if best else {}),
            # For the properties of a pipeline's tuning step, best first.
            "TrainingJobSummaries": trials,
        }

    def list_hyper_parameter_tuning_jobs(self, request: Document) -> Document:
        """List jobs."""
        answer = self.listed(request)
        for job in answer[self.list_key]:
            configuration = job["HyperParameterTuningJobConfig"]
            job.update(
                Strategy=configuration["Strategy"],
                ResourceLimits=configuration["ResourceLimits"],
                **_counters(self._summaries(job)),
            )
        return answer

    def list_training_jobs_for_hyper_parameter_tuning_job(self, request: Document) -> Document:
        """List a job's trials, sorted as the request specifies."""
        trials = self._summaries(self.find(request["HyperParameterTuningJobName"]))
        request = {"SortBy": "Name", **request}
        if request["SortBy"] == "FinalObjectiveMetricValue":
            # With this sort order, AWS does not list trials without a score.
            trials = [{**trial, "FinalObjectiveMetricValue": _value(trial)} for trial in trials]
            trials = [trial for trial in trials if trial["FinalObjectiveMetricValue"] is not None]
        chosen, following = listing(
            trials, request, name="TrainingJobName", status="TrainingJobStatus", newest_first=False
        )
        return {"TrainingJobSummaries": chosen, **following}

    def stop_hyper_parameter_tuning_job(self, request: Document) -> Document:
        """Stop a job and its trials."""
        return self.stop(request["HyperParameterTuningJobName"])

    def run(self, run: Run, job: Document) -> dict[str, Any]:
        """Run all trials; the job fails if none of them completes."""
        configuration = job["HyperParameterTuningJobConfig"]
        limits = configuration["ResourceLimits"]
        search = Search(
            configuration["Strategy"], _definitions(job), job["Seed"], limits.get("MaxNumberOfTrainingJobs")
        )
        run.end = lambda: self._end_trials(self.find(run.name)["Trials"])
        trials = _Trials(search.count, min(limits["MaxParallelTrainingJobs"], search.count))
        with ThreadPoolExecutor(trials.parallel, thread_name_prefix=run.name) as pool:
            list(pool.map(lambda index: self._try(run, job, search, trials, index), range(search.count)))
        if run.stopping.is_set():
            raise JobStopped("StopRequested")
        summaries = self._summaries(self.find(run.name))
        if not any(trial["TrainingJobStatus"] == "Completed" for trial in summaries):
            failed = next(trial for trial in summaries if "FailureReason" in trial)
            text = f"None of {search.count} trials completed."
            if trials.futile:
                text = (
                    f"No training job succeeded after {_FUTILE_FAILURES} attempts. "
                    "Please take a look at the training job failures to get more details."
                )
            raise JobFailed(f"{text} {failed['TrainingJobName']}: {failed['FailureReason']}")
        return {"HyperParameterTuningEndTime": time.time()}

    def failed(self, job: Document) -> dict[str, Any]:
        """Return the field with the end time."""
        return {"HyperParameterTuningEndTime": time.time()}

    def stopped(self, job: Document, reason: str) -> dict[str, Any]:
        """Return the field with the end time."""
        return {"HyperParameterTuningEndTime": time.time()}

    def _try(self, run: Run, job: Document, search: Search, trials: "_Trials", index: int) -> None:
        """Run one trial, unless the job was stopped or has given up after too many failures."""
        ended = None
        try:
            past = trials.before(index) if search.learns else []
            if run.stopping.is_set() or trials.futile:
                return
            definition = search.definition(index)
            name_of_definition = definition.get("DefinitionName")
            known = [
                (trial["TunedHyperParameters"], _value(_summary(trial)))
                for trial in past
                if trial.get("TrainingJobDefinitionName") == name_of_definition
            ]
            ended = self._run_trial(run, job, definition, index, search.propose(index, known))
        finally:
            trials.end(index, ended)

    def _run_trial(
        self, run: Run, job: Document, definition: Document, index: int, tuned: dict[str, str]
    ) -> Document:
        """Run a training job and return its record."""
        name = f"{run.name[:_NAME_LENGTH].rstrip('-')}-{index:03d}-{secrets.token_hex(4)}"
        metric = definition["TuningObjective"]["MetricName"]
        request = {
            "TrainingJobName": name,
            **{field: definition[field] for field in _COPIED if field in definition},
            "HyperParameters": {
                **definition.get("StaticHyperParameters", {}),
                **tuned,
                "_tuning_objective_metric": metric,  # as AWS adds it
            },
            "ResourceConfig": _resources(definition),
            "Tags": job.get("Tags", []),
        }
        self._training.begin(
            request,
            TuningJobArn=self.arn(run.name),
            ObjectiveMetricName=metric,
            TunedHyperParameters=tuned,
            TrainingJobDefinitionName=definition.get("DefinitionName"),
            ObjectiveType=definition["TuningObjective"]["Type"],
            TrialIndex=index,
        )
        with self.platform.store.lock:
            trials = [*self.find(run.name)["Trials"], name]
            self.update(run.name, Trials=trials)
        if run.stopping.is_set():
            self._end_trials([name])
        return self._training.wait(name)

    def _end_trials(self, names: Sequence[str]) -> None:
        together(partial(self._training.end, name) for name in names)

    def _summaries(self, job: Document) -> list[Document]:
        """Return a job's trials, best first, then by trial number; those without a score come last."""
        trials = sorted(
            (self._training.find(name) for name in job["Trials"]), key=lambda it: it["TrialIndex"]
        )
        summaries = [_summary(trial) for trial in trials]
        sign = -1 if _definitions(job)[0]["TuningObjective"]["Type"] == "Maximize" else 1

        def rank(summary: Document) -> tuple[bool, float]:
            value = _value(summary)
            return (value is None, 0.0 if value is None else sign * value)

        return sorted(summaries, key=rank)


class _Trials:
    """The trials of one job while it runs.

    Attributes:
        parallel: How many run at a time.
        futile: Whether the job gives up, because many trials have failed and none has completed.
    """

    def __init__(self, count: int, parallel: int) -> None:
        self.parallel = parallel
        self.futile = False
        self._records: list[Document | None] = [None] * count
        self._ended = [threading.Event() for _ in range(count)]
        self._statuses: list[str] = []
        self._lock = threading.Lock()

    def before(self, index: int) -> list[Document]:
        """Wait for the trials that a trial may learn from, and return them.

        Trials that could still be running when it starts are left out, whether they are or not, so a proposal
        does not depend on how fast each trial was.
        """
        known = max(0, index - self.parallel + 1)
        for ended in self._ended[:known]:
            ended.wait()
        return [record for record in self._records[:known] if record is not None]

    def end(self, index: int, record: Document | None) -> None:
        """Record that a trial has ended or was never started."""
        with self._lock:
            self._records[index] = record
            if record is not None:
                self._statuses.append(record["TrainingJobStatus"])
            failures = self._statuses.count("Failed")
            self.futile = failures >= _FUTILE_FAILURES and "Completed" not in self._statuses
        self._ended[index].set()


def _value(summary: Document) -> float | None:
    return summary.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")


def _summary(trial: Document) -> Document:
    fields = (
        "TrainingJobDefinitionName",
        "TrainingJobName",
        "TrainingJobArn",
        "CreationTime",
        "TrainingStartTime",
        "TrainingEndTime",
        "TrainingJobStatus",
        "TunedHyperParameters",
        "FailureReason",
    )
    status = trial["TrainingJobStatus"]
    summary = {field: trial[field] for field in fields if trial.get(field) is not None}
    summary["ObjectiveStatus"] = _STATUS_OF_OBJECTIVE.get(status, "Failed")
    metric = next(
        (
            it
            for it in trial.get("FinalMetricDataList", [])
            if it["MetricName"] == trial["ObjectiveMetricName"]
        ),
        None,
    )
    if status == "Completed" and metric:
        summary["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": trial["ObjectiveType"],
            "MetricName": metric["MetricName"],
            "Value": metric["Value"],
        }
    return summary


def _counters(trials: list[Document]) -> Document:
    """Return the number of trials by status, and by whether they have a score."""
    counters = dict.fromkeys((*dict.fromkeys(_COUNTERS.values()), "RetryableError"), 0)
    objectives = {"Succeeded": 0, "Pending": 0, "Failed": 0}
    for trial in trials:
        counters[_COUNTERS[trial["TrainingJobStatus"]]] += 1
        objectives[trial["ObjectiveStatus"]] += 1
    return {"TrainingJobStatusCounters": counters, "ObjectiveStatusCounters": objectives}


def _definitions(job: Document) -> list[Document]:
    """Return a job's algorithms; the definition of a single one is partly in the job's configuration."""
    if several := job.get("TrainingJobDefinitions"):
        return several
    configuration = job["HyperParameterTuningJobConfig"]
    return [
        {
            **job["TrainingJobDefinition"],
            "HyperParameterRanges": configuration.get("ParameterRanges", {}),
            "TuningObjective": configuration.get("HyperParameterTuningJobObjective"),
        }
    ]


def _resources(definition: Document) -> Document:
    return definition.get("ResourceConfig") or definition.get("HyperParameterTuningResourceConfig") or {}


def _check(request: Document) -> None:
    configuration = request["HyperParameterTuningJobConfig"]
    if configuration.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise not_emulated("TrainingJobEarlyStoppingType Auto")
    for field in ("WarmStartConfig", "Autotune"):
        if request.get(field):
            raise not_emulated(f"{field} of a tuning job")
    if configuration.get("TuningJobCompletionCriteria"):
        raise not_emulated("TuningJobCompletionCriteria")
    limits = configuration["ResourceLimits"]
    if "MaxRuntimeInSeconds" in limits:
        raise not_emulated("MaxRuntimeInSeconds of a tuning job's ResourceLimits")
    if ("TrainingJobDefinition" in request) == bool(request.get("TrainingJobDefinitions")):
        raise invalid("The request needs exactly one of TrainingJobDefinition and TrainingJobDefinitions.")
    definitions = _definitions(request)
    _check_quotas(limits, definitions)
    variables = sum(len(definition.get("Environment", {})) for definition in definitions)
    if variables > _MOST_VARIABLES:
        raise invalid(
            f"The training job definitions have {variables} environment variables together; "
            f"at most {_MOST_VARIABLES} are allowed."
        )
    for definition in definitions:
        label = definition.get("DefinitionName", "TrainingJobDefinition")
        if not definition.get("TuningObjective"):
            raise invalid(f"{label}: a tuning objective is needed.")
        metric = definition["TuningObjective"]["MetricName"]
        known = [it["Name"] for it in definition["AlgorithmSpecification"].get("MetricDefinitions", [])]
        if metric not in known:
            raise invalid(f"{label}: the objective {metric!r} is not among the metric definitions {known}.")
        check_ranges(definition.get("HyperParameterRanges") or {})
        check_spot(definition)
        check_training_cluster(definition, _resources(definition))
    if len({definition["TuningObjective"]["Type"] for definition in definitions}) > 1:
        raise invalid("All training job definitions must have the same objective type.")
    names = [definition.get("DefinitionName") for definition in definitions]
    if len(definitions) > 1 and (None in names or len(set(names)) < len(names)):
        raise invalid("Every training job definition needs a unique DefinitionName.")
    check_strategy(configuration["Strategy"], definitions, limits.get("MaxNumberOfTrainingJobs"))


def _check_quotas(limits: Document, definitions: list[Document]) -> None:
    asked = [
        ("training jobs", limits.get("MaxNumberOfTrainingJobs", 0), _MOST_TRIALS),
        ("parallel training jobs", limits["MaxParallelTrainingJobs"], _MOST_PARALLEL_TRIALS),
    ]
    for definition in definitions:
        ranges = (definition.get("HyperParameterRanges") or {}).values()
        metrics = definition["AlgorithmSpecification"].get("MetricDefinitions", [])
        asked.append(("hyperparameters to search", sum(map(len, ranges)), _MOST_HYPERPARAMETERS))
        asked.append(("metrics", len(metrics), _MOST_METRICS))
    for what, count, most in asked:
        if count > most:
            raise AwsError(
                "ResourceLimitExceeded",
                f"The account-level service limit 'Number of {what} per hyperparameter tuning job' is "
                f"{most}, with a request of {count}.",
            )
