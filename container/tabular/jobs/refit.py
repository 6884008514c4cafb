"""RefitBestModel: fit the winner of the tuning on the whole training split and make it portable."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import boto3
import joblib
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from tabular.data.features import as_rows
from tabular.data.split_files import read_groups, read_split
from tabular.data.statistics import ROWS, row_hashes
from tabular.jobs.command import command
from tabular.judging.agreement import check_equal
from tabular.learning.fitting import fit, rounds_of
from tabular.learning.samples import sample_rows
from tabular.portable.export import NotPortable, export
from tabular.portable.files import load_model, save_model
from tabular.portable.model import FORMAT, FORMAT_VERSION, MANIFEST, PortableModel
from tabular.portable.pickled import save_pickled
from tabular.spec import opt_ml, own_steps
from tabular.spec.algorithms import exporter_of
from tabular.spec.columns import Schema
from tabular.spec.trial import ROUNDS, SCORE, Trial

__all__ = ["Winner", "main", "winning_trial"]

SAMPLE_ROWS = 3
LIBRARIES = ("lightgbm", "numpy", "pandas", "scikit-learn", "xgboost", "xgboost-cpu")


def main() -> None:
    """Write the portable model to model.tar.gz, and the fitted pipeline for people to output.tar.gz."""
    winner = winning_trial(opt_ml.hyperparameters()["best_training_job"])
    trial = winner.trial
    frame, target, schema = read_split(opt_ml.channel("train"))
    groups = read_groups(opt_ml.channel("train"))
    searched = sample_rows(target, schema, trial.search_rows, trial.folds, trial.random_state, groups)
    what = (trial.algorithm, trial.hyperparameters, trial.random_state)
    pipeline = fit(frame, target, schema, *what, winner.rounds, groups)
    kind = rounds_of(trial.algorithm, schema)
    hyperparameters = {**trial.hyperparameters, **({kind.argument: str(winner.rounds)} if kind else {})}
    manifest = {
        "algorithm": trial.algorithm,
        "hyperparameters": hyperparameters,
        "cross_validation": {
            "scorer": trial.scorer,
            "folds": trial.folds,
            "rows": len(searched),
            "score": winner.score,
            "training_job": winner.training_job,
        },
        "training": {
            "job": os.environ.get("TRAINING_JOB_NAME", ""),
            "rows": len(frame),
            "data_sha256": hashlib.sha256(
                (opt_ml.channel("train") / "data.parquet").read_bytes()
            ).hexdigest(),
            "random_state": trial.random_state,
        },
        "libraries": _versions(),
        "sample": _sample(pipeline, frame, schema),
    }
    hashes = {ROWS: row_hashes(frame, _labels(target, schema), list(frame)).tobytes()}
    try:
        exporter = exporter_of(trial.algorithm, schema.family, own_steps.algorithms())
        said = _save(manifest, export(pipeline, schema, exporter), pipeline, frame, schema, hashes)
    except NotPortable as error:
        said = str(error)
        if trial.algorithm in own_steps.pickles():
            said = "kept as a pickle, because PICKLES names the algorithm"
            save_pickled(opt_ml.model_dir(), manifest | schema.to_dict(), pipeline, hashes)
        else:
            _save_refusal(manifest | schema.to_dict(), said)
    opt_ml.output_data_dir().mkdir(parents=True, exist_ok=True)
    joblib.dump(pipeline, opt_ml.output_data_dir() / "pipeline.joblib")
    print(f"{trial.algorithm} {hyperparameters} fitted on {len(frame)} rows; {said}")


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


def _save(
    manifest: dict[str, Any],
    exported: tuple[dict[str, Any], dict[str, np.ndarray]],
    pipeline: Pipeline,
    frame: pd.DataFrame,
    schema: Schema,
    hashes: dict[str, bytes],
) -> str:
    """Write the portable model and the hashes of its rows, and report its agreement with the pipeline."""
    model, arrays = exported
    agreement = check_equal(PortableModel(model, arrays), pipeline, frame, schema)
    save_model(opt_ml.model_dir(), {**manifest, "agreement": asdict(agreement), **model}, arrays, hashes)
    load_model(opt_ml.model_dir())  # check that the files can be read
    return str(agreement)


def _labels(target: np.ndarray, schema: Schema) -> Any:
    return [schema.classes[position] for position in target] if schema.classes else target


def _save_refusal(manifest: dict[str, Any], reason: str) -> None:
    """Write only a manifest, which says why there is no model; EvaluateBestModel then refuses it."""
    opt_ml.model_dir().mkdir(parents=True, exist_ok=True)
    refusal = {"format": FORMAT, "format_version": FORMAT_VERSION, "portable": False, "reason": reason}
    (opt_ml.model_dir() / MANIFEST).write_text(json.dumps({**refusal, **manifest}, indent=1))


def _sample(pipeline: Pipeline, frame: pd.DataFrame, schema: Schema) -> dict[str, Any]:
    """A few training rows and their predictions, with which a deployment can check that the model works."""
    rows = frame.head(SAMPLE_ROWS)
    predicted = pipeline.predict(rows).tolist()
    return {
        "instances": [dict(zip(rows, cells, strict=True)) for cells in as_rows(rows, schema)],
        "predictions": _labels(predicted, schema),
    }


def _versions() -> dict[str, str]:
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue  # XGBoost is installed under one of two names
    return found


if __name__ == "__main__":
    command(main)
