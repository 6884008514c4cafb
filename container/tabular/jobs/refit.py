"""RefitBestModel: fit the winner of the tuning on the whole training split and make it portable."""

import json
from dataclasses import dataclass

import boto3

from tabular.jobs.command import command
from tabular.jobs.model_files import Chosen, read_training_split, write_model
from tabular.jobs.tuned import combined, trials_beside
from tabular.learning.folds import folds_to_search
from tabular.learning.samples import sample_rows
from tabular.searching.dummy import dummy_score
from tabular.searching.scoring import Scoring
from tabular.searching.trials import Configuration
from tabular.searching.trials import Trial as Tried
from tabular.searching.whole_table import Members, for_all_rows, rounds_for_all_rows
from tabular.spec import opt_ml
from tabular.spec.documents.searches import SEARCH_FILE
from tabular.spec.trial import ROUNDS, SCORE, Trial

__all__ = ["Winner", "main", "winning_trial"]


def main() -> None:
    """Write the portable model to model.tar.gz, and the fitted pipeline for people to output.tar.gz.

    It is the winner of the tuning, or, if the hyperparameter `ensemble` is true, the greedy ensemble of its
    trials if that is better. The model has a search.json with all trials, as one that SearchAndRefit makes.
    """
    winner = winning_trial(opt_ml.hyperparameters()["best_training_job"])
    trial, split = winner.trial, read_training_split()
    what = (trial.search_rows, trial.folds, trial.random_state, split.groups)
    how = (trial.scorer, trial.folds, trial.random_state, trial.search_rows, split.groups)
    folds = folds_to_search(split.target, split.schema, *how)
    cross_validation = {
        "scorer": trial.scorer,
        "folds": trial.folds,
        "rows": len(sample_rows(split.target, split.schema, *what)),
        "score": winner.score,
        "dummy_score": dummy_score(split.target, split.schema, folds, Scoring(trial.scorer, split.schema)),
        "training_job": winner.training_job,
    }
    members: Members = []
    others = {}
    ensemble = opt_ml.hyperparameters().get("ensemble") == "true"
    if beside := trials_beside(winner.training_job, with_answers=ensemble):
        found = combined(trial, beside, split, ensemble)
        again = for_all_rows(found, *split, say=print)
        text = json.dumps(found.report(), indent=1, allow_nan=False)
        others[SEARCH_FILE] = text.encode()
        opt_ml.output_data_dir().mkdir(parents=True, exist_ok=True)
        (opt_ml.output_data_dir() / SEARCH_FILE).write_text(text)
        cross_validation["nested_score"] = found.nested_score
        if found.ensemble is not None:
            print(f"{len(beside)} trials; an ensemble of them: {found.ensemble.reason}")
        if found.winner is not None or (found.ensemble is not None and found.ensemble.chosen):
            cross_validation["score"] = found.score
            members = again
    if not members:
        judged = (trial.scorer, trial.folds, trial.random_state)
        tried = Tried(
            0, Configuration(trial.algorithm, trial.hyperparameters, "sampler"), rounds=winner.rounds
        )
        seen = cross_validation["rows"]
        members = [(rounds_for_all_rows(tried, seen, *split, *judged, say=print), 1.0)]
    chosen = [Chosen.of(one, weight) for one, weight in members]
    print(write_model(split, chosen, trial.random_state, cross_validation, others))


@dataclass(frozen=True)
class Winner:
    """The trial that won the tuning, its training job and its score.

    `rounds` is how many trees or epochs the folds found best; None if the algorithm is not fitted in rounds.
    """

    trial: Trial
    training_job: str
    score: float
    rounds: int | None


def winning_trial(training_job: str) -> Winner:
    """The trial and the score of a training job; the tuning step can pass on only the name of the job."""
    described = boto3.client("sagemaker").describe_training_job(TrainingJobName=training_job)
    trial = Trial.from_hyperparameters(opt_ml.plain(described["HyperParameters"]))
    found = {metric["MetricName"]: metric["Value"] for metric in described["FinalMetricDataList"]}
    rounds = int(found[ROUNDS]) if ROUNDS in found else None
    return Winner(trial, training_job, found[SCORE], rounds)


if __name__ == "__main__":
    command(main)
