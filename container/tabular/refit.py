"""RefitBestModel: fit the winner of the tuning on the whole training split and make it portable."""

import hashlib
import os
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import boto3
import joblib
import pandas as pd
from sklearn.pipeline import Pipeline

from tabular import paths
from tabular.agreement import check_equal
from tabular.errors import command
from tabular.export import export
from tabular.pipeline import build_pipeline
from tabular.portable import PortableModel, load_model, save_model
from tabular.schema import Schema, read_split

__all__ = ["main", "winning_trial"]

SAMPLE_ROWS = 3
LIBRARIES = ("lightgbm", "numpy", "pandas", "scikit-learn", "xgboost", "xgboost-cpu")
# What every trial is given beside the hyperparameters of its algorithm.
COMMON = ("algorithm", "scorer", "folds", "random_state")


def main() -> None:
    """Write the portable model to model.tar.gz and the fitted pipeline, for people, to output.tar.gz."""
    trial = winning_trial(paths.hyperparameters()["best_training_job"])
    frame, target, schema = read_split(paths.channel("train"))
    settings = {name: value for name, value in trial["hyperparameters"].items() if name not in COMMON}
    common = {name: trial["hyperparameters"][name] for name in COMMON}
    pipeline = build_pipeline(schema, common["algorithm"], settings, int(common["random_state"]))
    pipeline.fit(frame, target)

    model, arrays = export(pipeline, schema)
    agreement = check_equal(PortableModel(model, arrays), pipeline, frame, schema)
    manifest = {
        "algorithm": common["algorithm"],
        "hyperparameters": settings,
        "cross_validation": {
            "scorer": common["scorer"],
            "folds": int(common["folds"]),
            "score": trial["score"],
            "training_job": trial["name"],
        },
        "training": {
            "job": os.environ.get("TRAINING_JOB_NAME", ""),
            "rows": len(frame),
            "data_sha256": hashlib.sha256((paths.channel("train") / "data.parquet").read_bytes()).hexdigest(),
            "random_state": int(common["random_state"]),
        },
        "agreement": asdict(agreement),
        "libraries": _versions(),
        "sample": _sample(pipeline, frame, schema),
        **model,
    }
    save_model(paths.model_dir(), manifest, arrays)
    load_model(paths.model_dir())  # what was written can be read
    paths.output_data_dir().mkdir(parents=True, exist_ok=True)
    joblib.dump(pipeline, paths.output_data_dir() / "pipeline.joblib")
    print(f"{common['algorithm']} {settings} fitted on {len(frame)} rows; {agreement}")


def winning_trial(training_job: str) -> dict[str, Any]:
    """Name, hyperparameters and score of a trial; the tuning step can name the trial but not pass them on."""
    described = boto3.client("sagemaker").describe_training_job(TrainingJobName=training_job)
    given = paths.plain(described["HyperParameters"])
    scores = {metric["MetricName"]: metric["Value"] for metric in described["FinalMetricDataList"]}
    return {"name": training_job, "hyperparameters": given, "score": scores["cross_validation_score"]}


def _sample(pipeline: Pipeline, frame: pd.DataFrame, schema: Schema) -> dict[str, Any]:
    """A few training rows and the answer to them, by which a deployment can tell that the model works."""
    rows = frame.head(SAMPLE_ROWS)
    predicted = pipeline.predict(rows).tolist()
    return {
        "instances": rows.astype(object).where(rows.notna(), None).to_dict("records"),
        "predictions": [schema.classes[position] for position in predicted] if schema.classes else predicted,
    }


def _versions() -> dict[str, str]:
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue  # XGBoost comes under one of two names
    return found


if __name__ == "__main__":
    command(main)
