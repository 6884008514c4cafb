"""How the search for a model goes and went: its trials and its ensemble, whichever way they run.

With `SEARCH: jobs`, each trial is a job, which SageMaker lists; a packed search writes `search.json`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError
from tabular.spec.documents.searches import SEARCH_FILE, SearchReport, TrialReport
from tabular.spec.documents.words import listed
from tabular.spec.search import PROGRESS

from helpers.errors import JobFailed
from helpers.runs.executions.execution import name_of
from helpers.runs.summary import Ensemble
from helpers.session import Session
from helpers.session.storage import read_member

__all__ = ["COLUMNS", "PACKED", "TUNING", "Search", "by_algorithm", "members", "progress"]
__all__ += ["of_report", "of_steps", "searched"]

TUNING, REFIT, PACKED = "TuningWithCrossValidation", "RefitBestModel", "SearchAndRefit"
COLUMNS = ["algorithm", "score", "lowest", "highest", "number", "state", "source", "weight", "seconds"]
COLUMNS += ["hyperparameters", "reason"]
NUMBERS = ["score", "lowest", "highest", "weight", "seconds"]
# The state of a trial that is a job, by its status. A tuner draws all hyperparameters itself.
STATES = {"Completed": "complete", "Failed": "failed", "Stopped": "stopped"}
SAMPLER = "sampler"
# Where a packed search says what it is doing: the log group, and how many lines are looked through.
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
LAST_LINES = 100


@dataclass(frozen=True)
class Search:
    """How the search for one model went.

    Attributes:
        way: `jobs` or `packed`.
        trials: a row for each, best first: COLUMNS, of which `weight` is that in an ensemble that was fitted,
            `lowest` and `highest` are the scores of folds, if they are known, and `number` is the place in
            the order in which the trials began, from 1 on, as in the names of a tuner's jobs.
        ensemble: fitted or not, as in a summary; None if none was made.
        stopped: of a packed search, what ended it: `trials` or `time`.
        warm_started_from: of a packed search, the version whose search it began with, if any.
        scorer: what scores the trials; greater is better for all scorers. Empty if it is not known.
        dummy_score: the score of a model that ignores all columns; None if it is not known.
    """

    way: str
    trials: pd.DataFrame
    ensemble: Ensemble | None = None
    stopped: str | None = None
    warm_started_from: int | None = None
    scorer: str = ""
    dummy_score: float | None = None

    def count(self, state: str) -> int:
        """How many trials ended in this state."""
        return int((self.trials["state"] == state).sum())

    @property
    def chosen(self) -> bool:
        """Whether the ensemble was fitted, and not the best trial."""
        return bool(self.ensemble and self.ensemble["chosen"])

    def facts(self) -> dict[str, Any]:
        """The same for a summary, without the trials."""
        return {
            "way": self.way,
            "trials": len(self.trials),
            **{state: self.count(state) for state in ("complete", "pruned", "failed")},
            "stopped": self.stopped,
            "warm_started_from": self.warm_started_from,
            "ensemble": self.ensemble,
        }


def of_steps(session: Session, dataset: str, steps: Iterable[Mapping[str, Any]]) -> Search:
    """How an execution with these steps searched for its model.

    Args:
        session: where it ran.
        dataset: its data set.
        steps: its steps.

    Raises:
        JobFailed: it did not get that far.
    """
    jobs = {
        step["StepName"]: name_of(next(iter(step["Metadata"].values()))["Arn"])
        for step in steps
        if step["StepName"] in (TUNING, REFIT, PACKED)
        and step.get("Metadata")
        and (step["StepName"] != REFIT or step["StepStatus"] == "Succeeded")
    }
    if PACKED in jobs and (report := _said(session, jobs[PACKED])):
        return of_report(report)
    if TUNING in jobs:
        return _tuned(session, jobs[TUNING], jobs.get(REFIT))
    raise JobFailed(f"{dataset}: the execution did not reach {TUNING} or {PACKED}.")


def progress(session: Session, job: str) -> str:
    """How many trials it has run and which is the best; the job's own state until it says so.

    Args:
        session: where it runs.
        job: the name of the training job.
    """
    described = session.client("sagemaker").describe_training_job(TrainingJobName=job)
    if described["TrainingJobStatus"] == "InProgress" and described["SecondaryStatus"] != "Training":
        return described["SecondaryStatus"].lower()
    return _last_said(session, job) or described["SecondaryStatus"].lower()


def searched(searches: Mapping[str, Search]) -> pd.DataFrame:
    """A row for each data set: its trials by state, what the ensemble gains, and what was fitted and why."""
    rows = {name: _row(one) for name, one in searches.items()}
    whole = pd.DataFrame.from_dict(rows, orient="index").rename_axis("data set")
    return whole.loc[:, whole.notna().any()]


def by_algorithm(searches: Mapping[str, Search]) -> pd.DataFrame:
    """A row for each data set: the score of the best trial of each algorithm, and of the ensemble."""
    rows = {}
    for name, one in searches.items():
        rows[name] = one.trials.groupby("algorithm")["score"].max().to_dict()
        if one.ensemble:
            rows[name]["Ensemble"] = one.ensemble["score"]
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("data set")


def members(searches: Mapping[str, Search]) -> pd.DataFrame:
    """A row for each member of the ensembles that were fitted: weight, algorithm, score, hyperparameters."""
    columns = ["weight", "algorithm", "score", "hyperparameters"]
    found = {
        name: one.trials.dropna(subset="weight").sort_values("weight", ascending=False)[columns]
        for name, one in searches.items()
        if one.chosen
    }
    if not found:
        nothing = pd.MultiIndex.from_arrays([[], []], names=["data set", "place"])
        table = pd.DataFrame(columns=columns, index=nothing)
        table.attrs["instead"] = (
            "No ensemble was fitted: for each table, its best trial won alone. The column `why` above says "
            "by how much an ensemble would have had to be better."
        )
        return table
    return pd.concat(found, names=["data set", "place"])


def _row(one: Search) -> dict[str, Any]:
    found = one.ensemble
    best = one.trials.iloc[0] if len(one.trials) else None
    return {
        "trials": len(one.trials),
        **{state: one.count(state) or None for state in ("pruned", "failed", "stopped")},
        "ended by": "its time" if one.stopped == "time" else None,
        "began with": f"trials of version {one.warm_started_from}" if one.warm_started_from else None,
        "best trial": None if best is None else f"{best['algorithm']} {best['score']:.4f}",
        "ensemble": f"{found['score']:.4f}" if found else None,
        "nested": f"{found['nested_score']:.4f}" if found else None,
        "gain": f"{found['gain']:+.4f} ({found['gain_low']:+.4f} to {found['gain_high']:+.4f})"
        if found
        else None,
        "fitted": f"the ensemble of {len(found['members'])}"
        if found and found["chosen"]
        else "the best trial",
        "why": found["reason"] if found else None,
    }


def _tuned(session: Session, job: str, refit: str | None) -> Search:
    """A tuning job's trials, as SageMaker lists them, and the ensemble that the refit made of them."""
    report = _said(session, refit) if refit else None
    ensemble = _ensemble(report) if report else None
    members = _members(report) if report and ensemble and ensemble["chosen"] else []
    pages = (
        session.client("sagemaker")
        .get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
        .paginate(HyperParameterTuningJobName=job, SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    )
    rows = []
    trials = [trial for page in pages for trial in page["TrainingJobSummaries"]]
    began = sorted(trials, key=lambda trial: (trial["CreationTime"], trial["TrainingJobName"]))
    order = {trial["TrainingJobName"]: number for number, trial in enumerate(began, 1)}
    for trial in trials:
        objective = trial.get("FinalHyperParameterTuningJobObjectiveMetric", {})
        begin, end = trial.get("TrainingStartTime"), trial.get("TrainingEndTime")
        algorithm = trial["TrainingJobDefinitionName"]
        given = {name: text.strip('"') for name, text in trial["TunedHyperParameters"].items()}
        weights = [weight for one, weight in members if _is_of(one, algorithm, given)]
        known = [one for one in (report["trials"] if report else []) if _is_of(one, algorithm, given)]
        rows.append(
            {
                "algorithm": algorithm,
                "score": objective.get("Value"),
                **_fold_scores(known[0]["scores"] if known else []),
                "number": order[trial["TrainingJobName"]],
                "state": STATES.get(trial["TrainingJobStatus"], trial["TrainingJobStatus"]),
                "source": SAMPLER,
                "weight": weights[0] if weights else None,
                "seconds": round((end - begin).total_seconds(), 1) if begin and end else None,
                "hyperparameters": ", ".join(listed(given)),
                "reason": trial.get("FailureReason"),
            }
        )
    return Search("jobs", _table(rows), ensemble)


def _fold_scores(scores: Sequence[float]) -> dict[str, float | None]:
    return {"lowest": min(scores, default=None), "highest": max(scores, default=None)}


def _is_of(trial: TrialReport, algorithm: str, given: Mapping[str, str]) -> bool:
    return trial["algorithm"] == algorithm and trial["hyperparameters"] == given


def _said(session: Session, job: str) -> SearchReport | None:
    """What a job wrote about the trials that it ran or combined; None if it only fitted the best one."""
    described = session.client("sagemaker").describe_training_job(TrainingJobName=job)
    output = f"{described['OutputDataConfig']['S3OutputPath']}/{job}/output/output.tar.gz"
    try:
        return json.loads(read_member(session, output, SEARCH_FILE))
    except KeyError:
        return None


def of_report(report: SearchReport) -> Search:
    """How a search went, by its `search.json`."""
    ensemble, weights = _ensemble(report), {}
    if ensemble and ensemble["chosen"]:
        weights = {trial["number"]: weight for trial, weight in _members(report)}
    rows = [
        {
            **{name: trial[name] for name in ("algorithm", "score", "state", "source", "reason")},
            "number": trial["number"] + 1,  # in a report, as in Optuna, the first one is 0
            **_fold_scores(trial["scores"] if trial["state"] == "complete" else []),
            "weight": weights.get(trial["number"]),
            "seconds": round(trial["seconds"], 1),
            "hyperparameters": ", ".join(listed(trial["hyperparameters"])),
        }
        for trial in report["trials"]
    ]
    how = report["stopped"], report["warm_started_from"], report["scorer"]
    return Search("packed", _table(rows), ensemble, *how)


def _ensemble(report: SearchReport) -> Ensemble | None:
    """The ensemble of a search as in a summary."""
    made = report["ensemble"]
    if not made:
        return None
    return {
        **{name: made[name] for name in ("chosen", "reason", "score", "nested_score")},
        **{"gain": made["gain"]["value"], "gain_low": made["gain"]["low"], "gain_high": made["gain"]["high"]},
        "members": [
            {"algorithm": trial["algorithm"], "weight": weight} for trial, weight in _members(report)
        ],
    }


def _members(report: SearchReport) -> list[tuple[TrialReport, float]]:
    trials = {trial["number"]: trial for trial in report["trials"]}
    return [(trials[it["trial"]], it["weight"]) for it in (report["ensemble"] or {"members": []})["members"]]


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The trials, best first; those without a score come last."""
    table = pd.DataFrame(rows, columns=COLUMNS)
    numbers = {name: pd.to_numeric(table[name]) for name in NUMBERS}
    table = table.assign(**numbers).sort_values("score", ascending=False, kind="stable")
    table.index = pd.RangeIndex(1, len(table) + 1, name="place")
    return table


def _last_said(session: Session, job: str) -> str:
    """The last line about its trials; empty if there is none yet, or if the log may not be read."""
    logs = session.client("logs")
    try:
        streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/")[
            "logStreams"
        ]
        if not streams:
            return ""
        events = logs.get_log_events(
            logGroupName=LOG_GROUP,
            logStreamName=streams[-1]["logStreamName"],
            limit=LAST_LINES,
            startFromHead=False,
        )["events"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDeniedException", "ResourceNotFoundException"):
            raise
        return ""
    said = [event["message"] for event in events if event["message"].startswith(PROGRESS)]
    return said[-1].removeprefix(PROGRESS).rstrip() if said else ""
