"""TuningWithCrossValidation: one trial, which scores an algorithm's hyperparameters by cross-validation."""

import json
import math

import numpy as np
from sklearn.metrics import get_scorer

from tabular.data.split_files import read_groups, read_split
from tabular.jobs.command import command
from tabular.learning.fitting import fit
from tabular.learning.folds import folds_of
from tabular.learning.pipeline import build_pipeline
from tabular.spec import opt_ml
from tabular.spec.errors import BadInput
from tabular.spec.metrics import check_scorer
from tabular.spec.trial import Trial, score_line

__all__ = ["cross_validate", "main"]


def main() -> None:
    """Score the hyperparameters of this training job and print the line that the tuner reads."""
    trial = Trial.from_hyperparameters(opt_ml.hyperparameters())
    scores = cross_validate(trial)
    opt_ml.output_data_dir().mkdir(parents=True, exist_ok=True)
    kept = {"scorer": trial.scorer, "scores": scores}
    (opt_ml.output_data_dir() / "scores.json").write_text(json.dumps(kept))
    print(score_line(float(np.mean(scores))), flush=True)


def cross_validate(trial: Trial) -> list[float]:
    """The score on each fold of the training split; the pipeline is refitted for every fold.

    Raises:
        BadInput: if the scorer, the algorithm or a hyperparameter is unknown, there are too few rows for the
            folds, or a fold cannot be fitted or scored.
    """
    frame, target, schema = read_split(opt_ml.channel("train"))
    groups = read_groups(opt_ml.channel("train"))
    what = (trial.algorithm, trial.hyperparameters, trial.random_state)
    build_pipeline(schema, *what)  # refuses unknown names before any work starts
    check_scorer(trial.scorer, schema.task)
    score, scores = get_scorer(trial.scorer), []
    for rows, held_out in folds_of(target, schema, trial.folds, trial.random_state, groups):
        among = None if groups is None else groups[rows]
        fold = f"Fold {len(scores) + 1} of {trial.folds}"
        try:
            pipeline = fit(frame.iloc[rows], target[rows], schema, *what, among)
            scores.append(float(score(pipeline, frame.iloc[held_out], target[held_out])))
        except (ValueError, ArithmeticError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise BadInput(
                f"{fold} cannot be fitted and scored with {trial.algorithm} {trial.hyperparameters}: "
                f"{reason}. Try other hyperparameters or fewer folds."
            ) from error
        if not math.isfinite(scores[-1]):
            raise BadInput(
                f"The {trial.scorer} of {trial.algorithm} is not defined on every fold: "
                f"{fold} has {scores[-1]}. Use fewer folds."
            )
    return scores


if __name__ == "__main__":
    command(main)
