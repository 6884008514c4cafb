"""TuningWithCrossValidation: one trial, an algorithm with some hyperparameters scored by cross-validation."""

import json
import math

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

from tabular import paths
from tabular.errors import BadInput, command
from tabular.metrics import check_scorer
from tabular.pipeline import build_pipeline
from tabular.schema import read_split

__all__ = ["cross_validate", "main"]


def main() -> None:
    """Score the hyperparameters of this training job and print the line that the tuner reads."""
    given = paths.hyperparameters()
    algorithm, scorer = given.pop("algorithm"), given.pop("scorer")
    folds, random_state = int(given.pop("folds")), int(given.pop("random_state"))
    scores = cross_validate(algorithm, given, scorer, folds, random_state)
    mean = float(np.mean(scores))
    if not math.isfinite(mean):
        raise BadInput(
            f"The {scorer} of {algorithm} is not defined on every fold: {scores}. Use fewer folds."
        )
    paths.output_data_dir().mkdir(parents=True, exist_ok=True)
    (paths.output_data_dir() / "scores.json").write_text(json.dumps({"scorer": scorer, "scores": scores}))
    # The tuner finds this line by the regular expression in the pipeline's definition.
    print(f"cross_validation_score={mean!r};", flush=True)


def cross_validate(
    algorithm: str, hyperparameters: dict[str, str], scorer: str, folds: int, random_state: int
) -> list[float]:
    """The score of each fold of the training split, the pipeline fitted anew in each.

    Raises:
        BadInput: an unknown scorer, algorithm or hyperparameter, or a class with fewer rows than folds.
    """
    frame, target, schema = read_split(paths.channel("train"))
    pipeline = build_pipeline(schema, algorithm, hyperparameters, random_state)
    check_scorer(scorer, schema.task)
    if schema.task == "regression":
        folding = KFold(folds, shuffle=True, random_state=random_state)
    else:
        folding = StratifiedKFold(folds, shuffle=True, random_state=random_state)
        rarest = int(np.bincount(target, minlength=len(schema.classes)).min())
        if rarest < folds:
            raise BadInput(
                f"The rarest class has {rarest} training rows, fewer than the {folds} folds; "
                f"set CrossValidationFolds to {max(rarest, 2)} or less, or give more rows of it."
            )
    scores = cross_val_score(pipeline, frame, target, cv=folding, scoring=scorer, error_score="raise")
    return [float(score) for score in scores]


if __name__ == "__main__":
    command(main)
