"""TuningWithCrossValidation: one trial, which scores an algorithm's hyperparameters by cross-validation."""

import json
import math
from typing import Any, NamedTuple

import numpy as np

from tabular.data.splits.files import read_groups, read_split
from tabular.jobs.command import command
from tabular.learning.fitting import rounds_of, scores_of_fold
from tabular.learning.folds import folds_to_search
from tabular.learning.pipeline import build_pipeline
from tabular.learning.rounds import Scores, best_rounds, numbers_of_rounds
from tabular.searching.scoring import Scoring
from tabular.spec import opt_ml
from tabular.spec.errors import BadInput
from tabular.spec.trial import ANSWERS_FILE, SCORES_FILE, Trial, rounds_line, score_line

__all__ = ["CrossValidated", "cross_validate", "main"]

MOST_CELLS = 1_000_000  # rows times classes: more would take too much memory after every number of rounds


class CrossValidated(NamedTuple):
    """What is known of a trial.

    Attributes:
        scores: the score on each fold of the rows to search with.
        rounds: the number of rounds that it takes; None if the algorithm has none.
        answers: what is predicted for the scored rows of each fold, see `tabular.searching.scoring`; none if
            there are too many.
    """

    scores: list[float]
    rounds: int | None
    answers: list[np.ndarray]


def main() -> None:
    """Score the hyperparameters of this training job and print the lines that the tuner reads.

    RefitBestModel makes an ensemble of the trials from what they leave in output.tar.gz.
    """
    trial = Trial.from_hyperparameters(opt_ml.hyperparameters())
    scores, rounds, answers = cross_validate(trial)
    opt_ml.output_data_dir().mkdir(parents=True, exist_ok=True)
    kept = {"scorer": trial.scorer, "scores": scores, "rounds": rounds}
    (opt_ml.output_data_dir() / SCORES_FILE).write_text(json.dumps(kept))
    if answers:
        np.savez(opt_ml.output_data_dir() / ANSWERS_FILE, *answers)
    if rounds is not None:
        print(rounds_line(rounds))
    print(score_line(float(np.mean(scores))), flush=True)


def cross_validate(trial: Trial) -> CrossValidated:
    """Score a trial on each fold, for which the pipeline is fitted again.

    Raises:
        BadInput: if the scorer, the algorithm or a hyperparameter is unknown, there are too few rows for the
            folds, or a fold cannot be fitted or scored.
    """
    frame, target, schema = read_split(opt_ml.channel("train"))
    groups = read_groups(opt_ml.channel("train"))
    what = (trial.algorithm, trial.hyperparameters, trial.random_state)
    build_pipeline(schema, *what)  # refuses unknown names before any work starts
    scoring = Scoring(trial.scorer, schema)
    found: list[list[Scores]] = []
    answers: list[list[np.ndarray]] = []

    def keep(estimator: Any, features: Any) -> None:
        answers[-1].append(scoring.answers(estimator, features))

    search = (trial.scorer, trial.folds, trial.random_state, trial.search_rows, groups)
    folds = folds_to_search(target, schema, *search)
    cells = sum(len(rows.scored) for rows in folds) * max(1, len(schema.classes))
    kept = keep if cells <= MOST_CELLS else None
    for rows in folds:
        fold = f"Fold {len(found) + 1} of {trial.folds}"
        answers.append([])
        try:
            found.append(scores_of_fold(frame, target, rows, schema, *what, scoring.scorer, groups, kept))
        except (ValueError, ArithmeticError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise BadInput(
                f"{fold} cannot be fitted and scored with {trial.algorithm} {trial.hyperparameters}: "
                f"{reason}. Try other hyperparameters or fewer folds."
            ) from error
        if strange := [one.score for one in found[-1] if not math.isfinite(one.score)]:
            raise BadInput(
                f"The {trial.scorer} of {trial.algorithm} is {strange[0]} on {fold.lower()}, which cannot be "
                "compared; use another scorer, or divide the target by a large number."
            )
    kind = rounds_of(trial.algorithm, schema)
    if kind is None:
        scores, rounds, place = [one.score for (one,) in found], None, 0
    else:
        rounds, scores = best_rounds(found, kind)
        place = numbers_of_rounds(kind.most).index(rounds)
    return CrossValidated(scores, rounds, [of_fold[place] for of_fold in answers if of_fold])


if __name__ == "__main__":
    command(main)
