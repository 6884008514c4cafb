"""EvaluateBestModel: judge the model on held-out rows, through the server that will serve it.

The server is the image's `serve`, not the code that travels with the job: a model that the image cannot
serve as it was trained fails here and not after its approval.
"""

import json
import math
import tarfile
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import joblib
import numpy as np
import pandas as pd
from botocore.exceptions import ClientError
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from tabular import paths
from tabular.agreement import TOLERANCES, Answers, check_answers, positions
from tabular.errors import ArgumentParser, BadInput, command
from tabular.metrics import evaluate, signed_margin
from tabular.schema import Schema, read_split
from tabular.server_process import ServerProcess

__all__ = ["agreement", "gate", "main", "model_quality"]

CHALLENGER, CHAMPION = "challenger", "champion"


def main() -> None:
    """Write evaluation.json: the metrics, the champion's on the same rows, and the gate's two margins."""
    arguments = _arguments()
    frame, truth, schema = read_split(paths.processing("input/test"))
    folder = extract(paths.processing("input/model/model.tar.gz"), paths.base_dir() / "models" / CHALLENGER)
    manifest = json.loads((folder / "manifest.json").read_text())
    champion = fetch_champion(arguments.models_map_uri, arguments.group)
    with ServerProcess() as server:
        server.load(CHALLENGER, folder)
        predicted, probabilities = predict(server, CHALLENGER, frame, schema)
        alone = predict(server, CHALLENGER, frame, schema, together=1)
        metrics = evaluate(schema.task, truth, predicted, probabilities)
        if champion is not None and _same_table(champion, schema):
            server.load(CHAMPION, champion["folder"])
            champion["metrics"] = evaluate(schema.task, truth, *predict(server, CHAMPION, frame, schema))
    report = model_quality(schema, truth, predicted, probabilities, metrics)
    report["gate"] = gate(arguments.metric, arguments.threshold, schema, metrics, champion)
    report["model"] = _facts(manifest)
    report["agreement"] = agreement([(predicted, probabilities), alone], frame, schema, manifest)
    output = paths.processing("output/evaluation")
    output.mkdir(parents=True, exist_ok=True)
    (output / "evaluation.json").write_text(json.dumps(report, indent=1))
    print(json.dumps({"metrics": metrics, "gate": report["gate"]}))


def predict(
    server: ServerProcess, name: str, frame: pd.DataFrame, schema: Schema, together: int | None = None
) -> Answers:
    """Positions (n_rows,) and probabilities (n_rows, n_classes); for a regression numbers and None."""
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    answer = server.predict(name, rows, together)
    probabilities = np.array(answer["probabilities"]) if schema.classes else None
    return positions(answer["predictions"], schema), probabilities


def agreement(
    answers: Sequence[Answers], frame: pd.DataFrame, schema: Schema, manifest: dict[str, Any]
) -> dict[str, Any]:
    """How near the server's answers are to scikit-learn's.

    The fitted pipeline is a pickle, which is code. It is opened here and nowhere else: RefitBestModel wrote
    it, under the same role and to the same bucket as the source that this job runs, so that whoever could
    change it could as well change this. The server never opens it.

    Raises:
        BadInput: an answer differs; the model is not registered.
    """
    folder = extract(paths.processing("input/pipeline/output.tar.gz"), paths.base_dir() / "pipeline")
    pipeline = joblib.load(folder / "pipeline.joblib")
    tolerance = TOLERANCES[manifest["estimator"]["kind"]]
    return asdict(check_answers(answers, pipeline, frame, schema, tolerance))


def gate(
    metric: str, threshold: float, schema: Schema, metrics: dict[str, float], champion: dict[str, Any] | None
) -> dict[str, Any]:
    """The two margins that the pipeline's conditions read; not negative passes, whatever the direction.

    Without a champion, or with one of another table, its margin is zero: only the threshold decides.

    Raises:
        BadInput: a metric that the task does not have, or that is not defined on the held-out rows.
    """
    value = metrics.get(metric, math.nan)
    margin = signed_margin(metric, schema.task, value, threshold)
    if not math.isfinite(margin):
        raise BadInput(
            f"The {metric} is {value} on the held-out rows, which cannot be compared with {threshold}; "
            "set MetricForRegistrationThreshold to another metric, or give more rows."
        )
    result: dict[str, Any] = {
        "metric": metric,
        "value": value,
        "threshold": threshold,
        "threshold_margin": margin,
        "champion_version": None,
        "champion_value": None,
        "champion_margin": 0.0,
    }
    if champion is None:
        return {**result, "comparison": "No model of this data set is in service."}
    result["champion_version"] = champion["version"]
    if "metrics" not in champion:
        return {**result, "comparison": "The model in service was trained on other columns or classes."}
    result["champion_value"] = champion["metrics"][metric]
    result["champion_margin"] = signed_margin(metric, schema.task, value, champion["metrics"][metric])
    return {**result, "comparison": "Both were judged on the same held-out rows."}


def model_quality(
    schema: Schema,
    truth: np.ndarray,
    predicted: np.ndarray,
    probabilities: np.ndarray | None,
    metrics: dict[str, float],
) -> dict[str, Any]:
    """The report in the layout of SageMaker's model quality statistics, which Studio shows.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
    """
    values: dict[str, Any] = {
        name: {"value": value, "standard_deviation": "NaN"}
        for name, value in metrics.items()
        if np.isfinite(value)
    }
    if schema.task == "regression":
        return {"regression_metrics": values}
    labels = [str(label) for label in schema.classes]
    counts = confusion_matrix(truth, predicted, labels=range(len(labels))).tolist()
    values["confusion_matrix"] = {
        label: dict(zip(labels, row, strict=True)) for label, row in zip(labels, counts, strict=True)
    }
    if schema.task == "multiclass":
        return {"multiclass_classification_metrics": values}
    false_positive, true_positive, _ = roc_curve(truth, probabilities[:, 1])
    precision, recall, _ = precision_recall_curve(truth, probabilities[:, 1])
    values["receiver_operating_characteristic_curve"] = {
        "false_positive_rates": false_positive.tolist(),
        "true_positive_rates": true_positive.tolist(),
    }
    values["precision_recall_curve"] = {"precisions": precision.tolist(), "recalls": recall.tolist()}
    return {"binary_classification_metrics": values}


def fetch_champion(models_map_uri: str, group: str) -> dict[str, Any] | None:
    """The model in service, downloaded, with its manifest; None when there is none.

    Raises:
        BadInput: the models map names an artifact that is not there.
    """
    s3 = boto3.client("s3")
    bucket, key = _location(models_map_uri)
    try:
        entry = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"]).get(group)
    except s3.exceptions.NoSuchKey:
        return None
    if entry is None:
        return None
    archive = paths.base_dir() / "models" / "champion.tar.gz"
    archive.parent.mkdir(parents=True, exist_ok=True)
    try:
        s3.download_file(bucket, entry["key"], str(archive))
    except ClientError as error:
        raise BadInput(
            f"The models map names s3://{bucket}/{entry['key']} for {group}, which cannot be read ({error}). "
            "Run the deployer to mend the map."
        ) from None
    folder = extract(archive, paths.base_dir() / "models" / CHAMPION)
    manifest = json.loads((folder / "manifest.json").read_text())
    return {"version": entry["version"], "folder": folder, "manifest": manifest}


def extract(archive: Path, folder: Path) -> Path:
    """Unpack an archive of files and folders, none of which may land outside the folder.

    Raises:
        BadInput: it holds anything else. Links are not needed, and Python's own filter, which came with
            3.11.4 only, follows some of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as contents:
        for member in contents:
            if not (member.isreg() or member.isdir()):
                raise BadInput(f"{archive.name} holds {member.name!r}, which is neither a file nor a folder.")
            target = folder / member.name
            if not target.resolve().is_relative_to(folder.resolve()):
                raise BadInput(f"{archive.name} holds {member.name!r}, which is outside its own folder.")
            if member.isreg():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(contents.extractfile(member).read())
    return folder


def _same_table(champion: dict[str, Any], schema: Schema) -> bool:
    ours = json.loads(json.dumps(schema.to_dict()))
    return all(champion["manifest"].get(name) == ours[name] for name in ours)


def _facts(manifest: dict[str, Any]) -> dict[str, Any]:
    names = ("algorithm", "hyperparameters", "cross_validation", "training", "libraries", "task", "target")
    return {name: manifest[name] for name in names}


def _location(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="evaluate")
    parser.add_argument("--metric", required=True)
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--models-map-uri", required=True)
    parser.add_argument("--group", required=True)
    return parser.parse_args()


if __name__ == "__main__":
    command(main)
