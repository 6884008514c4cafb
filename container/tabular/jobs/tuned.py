"""The trials of a tuning job, each a training job of its own, seen as one search that can be combined."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import boto3
import numpy as np
from botocore.exceptions import ClientError

from tabular.jobs.model_files import Split
from tabular.learning.folds import folds_to_search
from tabular.searching.running.prepared import Prepared
from tabular.searching.scoring import Scoring
from tabular.searching.search import Search, Settings, combine
from tabular.searching.trials import Configuration, Trial
from tabular.spec import opt_ml
from tabular.spec.opt_ml import extract
from tabular.spec.search import Plan
from tabular.spec.trial import ANSWERS_FILE, SCORES_FILE
from tabular.spec.trial import Trial as TrialOfJob

__all__ = ["combined", "trials_beside"]

GONE = ("404", "NoSuchKey")


def combined(winner: TrialOfJob, trials: list[Trial], split: Split, ensemble: bool = True) -> Search:
    """The trials of a tuning job and their greedy ensemble, as if one job had run them all.

    Args:
        winner: the best of them, with which they share everything but algorithm and hyperparameters.
        trials: at least one; with answers, if there is to be an ensemble.
        split: the rows that they were scored on.
        ensemble: whether to look for one.
    """
    frame, target, schema, groups = split
    what = (winner.scorer, winner.folds, winner.random_state, winner.search_rows, groups)
    folds = folds_to_search(target, schema, *what)
    names = ",".join(dict.fromkeys(one.configuration.algorithm for one in trials))
    plan = Plan(
        names, len(trials), winner.scorer, winner.folds, winner.random_state, search_rows=winner.search_rows
    )
    rows = len(np.unique(np.concatenate([rows for fold in folds for rows in fold])))
    found = Search(plan, trials, folds, rows, len(frame), seconds=sum(one.seconds for one in trials))
    if ensemble and len(trials) > 1:
        scoring = Scoring(winner.scorer, schema)
        prepared = Prepared(frame, target, schema, groups, folds, winner.random_state, scoring)
        found.ensemble = combine(found, prepared, Settings())
    return found


def trials_beside(training_job: str, with_answers: bool = True) -> list[Trial]:
    """The completed trials of the tuning job to which a trial belongs, in the order of their names.

    Without those whose output is gone from S3 and, if answers are needed, those that had too many to keep. A
    training job that belongs to no tuning job has none beside it.
    """
    sagemaker = boto3.client("sagemaker")
    described = sagemaker.describe_training_job(TrainingJobName=training_job)
    if "TuningJobArn" not in described:
        return []
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=described["TuningJobArn"].rpartition("/")[2],
        StatusEquals="Completed",
        SortBy="Name",  # which are numbered
        SortOrder="Ascending",
    )
    found: list[Trial] = []
    for page in pages:
        for summary in page["TrainingJobSummaries"]:
            where = f"{described['OutputDataConfig']['S3OutputPath']}/{summary['TrainingJobName']}"
            kept = _kept(f"{where}/output/output.tar.gz")
            if kept is None or (with_answers and not kept[-1]):
                continue
            scores, rounds, answers = kept
            configuration = Configuration(
                summary["TrainingJobDefinitionName"],
                opt_ml.plain(summary["TunedHyperParameters"]),
                "sampler",
            )
            seconds = (summary["TrainingEndTime"] - summary["TrainingStartTime"]).total_seconds()
            found.append(Trial(len(found), configuration, scores, rounds, "complete", None, seconds, answers))
    return found


def _kept(uri: str) -> tuple[list[float], int | None, list[np.ndarray]] | None:
    """The scores, the rounds and the answers of a trial, if it has kept any; None if its output is gone."""
    parts = urlsplit(uri)
    with TemporaryDirectory() as name:
        folder = Path(name)
        archive = folder / "output.tar.gz"
        try:
            boto3.client("s3").download_file(parts.netloc, parts.path.lstrip("/"), str(archive))
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise
        extract(archive, folder / "output")
        scores = json.loads((folder / "output" / SCORES_FILE).read_text())
        if not (folder / "output" / ANSWERS_FILE).is_file():
            return scores["scores"], scores["rounds"], []
        with np.load(folder / "output" / ANSWERS_FILE) as answers:
            return scores["scores"], scores["rounds"], [answers[name] for name in answers]
