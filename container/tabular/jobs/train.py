"""TuningWithCrossValidation: one trial, an algorithm with some hyperparameters scored by cross-validation."""

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

__all__ = ["cross_validate", "main"]


def main() -> None:
    """Score the hyperparameters of this training job and print the line that the tuner reads."""
    given = opt_ml.hyperparameters()
    algorithm, scorer = given.pop("algorithm"), given.pop("scorer")
    folds, random_state = int(given.pop("folds")), int(given.pop("random_state"))
    scores = cross_validate(algorithm, given, scorer, folds, random_state)
    opt_ml.output_data_dir().mkdir(parents=True, exist_ok=True)
    (opt_ml.output_data_dir() / "scores.json").write_text(json.dumps({"scorer": scorer, "scores": scores}))
    # The tuner finds this line by the regular expression in the pipeline's definition.
    print(f"cross_validation_score={float(np.mean(scores))!r};", flush=True)


def cross_validate(
    algorithm: str, hyperparameters: dict[str, str], scorer: str, folds: int, random_state: int
) -> list[float]:
    """The score of each fold of the training split, the pipeline fitted anew in each.

    Raises:
        BadInput: an unknown scorer, algorithm or hyperparameter; too few rows for the folds; a fold that
            cannot be fitted, or on which the score is not defined.
    """
    frame, target, schema = read_split(opt_ml.channel("train"))
    groups = read_groups(opt_ml.channel("train"))
    build_pipeline(schema, algorithm, hyperparameters, random_state)  # refuses what it does not know at once
    check_scorer(scorer, schema.task)
    score, scores = get_scorer(scorer), []
    for rows, held_out in folds_of(target, schema, folds, random_state, groups):
        among = None if groups is None else groups[rows]
        fold = f"Fold {len(scores) + 1} of {folds}"
        try:
            learnt = (frame.iloc[rows], target[rows], schema)
            pipeline = fit(*learnt, algorithm, hyperparameters, random_state, among)
            scores.append(float(score(pipeline, frame.iloc[held_out], target[held_out])))
        except (ValueError, ArithmeticError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise BadInput(
                f"{fold} cannot be fitted and scored with {algorithm} {hyperparameters}: {reason}. Other "
                "hyperparameters or fewer folds may do."
            ) from error
        if not math.isfinite(scores[-1]):
            raise BadInput(
                f"The {scorer} of {algorithm} is not defined on every fold: {fold} has {scores[-1]}. "
                "Use fewer folds."
            )
    return scores


if __name__ == "__main__":
    command(main)
