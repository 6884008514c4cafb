"""TuningWithCrossValidation: one trial, which scores an algorithm's hyperparameters by cross-validation."""

import json
import math

import numpy as np

from tabular.data.split_files import read_groups, read_split
from tabular.jobs.command import command
from tabular.learning.fitting import rounds_of, scores_of_fold
from tabular.learning.folds import folds_to_search
from tabular.learning.pipeline import build_pipeline
from tabular.learning.rounds import best_rounds
from tabular.learning.scorers import scorer_of
from tabular.spec import opt_ml
from tabular.spec.errors import BadInput
from tabular.spec.trial import Trial, rounds_line, score_line

__all__ = ["cross_validate", "main"]


def main() -> None:
    """Score the hyperparameters of this training job and print the lines that the tuner reads."""
    trial = Trial.from_hyperparameters(opt_ml.hyperparameters())
    scores, rounds = cross_validate(trial)
    opt_ml.output_data_dir().mkdir(parents=True, exist_ok=True)
    kept = {"scorer": trial.scorer, "scores": scores, "rounds": rounds}
    (opt_ml.output_data_dir() / "scores.json").write_text(json.dumps(kept))
    if rounds is not None:
        print(rounds_line(rounds))
    print(score_line(float(np.mean(scores))), flush=True)


def cross_validate(trial: Trial) -> tuple[list[float], int | None]:
    """The score on each fold of the rows to search with, and the number of rounds that it takes.

    The pipeline is fitted again for every fold. The rounds are None if the algorithm has none.

    Raises:
        BadInput: if the scorer, the algorithm or a hyperparameter is unknown, there are too few rows for the
            folds, or a fold cannot be fitted or scored.
    """
    frame, target, schema = read_split(opt_ml.channel("train"))
    groups = read_groups(opt_ml.channel("train"))
    what = (trial.algorithm, trial.hyperparameters, trial.random_state)
    build_pipeline(schema, *what)  # refuses unknown names before any work starts
    score, found = scorer_of(trial.scorer, schema), []
    search = (trial.scorer, trial.folds, trial.random_state, trial.search_rows, groups)
    for rows in folds_to_search(target, schema, *search):
        fold = f"Fold {len(found) + 1} of {trial.folds}"
        try:
            found.append(scores_of_fold(frame, target, rows, schema, *what, score, groups))
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
        return [one.score for (one,) in found], None
    rounds, scores = best_rounds(found, kind)
    return scores, rounds


if __name__ == "__main__":
    command(main)
