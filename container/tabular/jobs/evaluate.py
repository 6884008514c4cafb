"""EvaluateBestModel: evaluate the model on held-out rows, through the server that will serve it.

The server is the image's `serve`, not the code shipped with the job. So a model that the image cannot serve
as it was trained fails here, and not after its approval.
"""

import hashlib
import json
import shutil
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa

import tabular.learning.ensemble
import tabular.learning.pipeline  # noqa: F401 - the fitted pipeline is a pickle that names what is in both
from tabular.data.splits.files import read_cells, read_split, read_subgroups, read_training
from tabular.data.splits.held_out import as_json, cells_of
from tabular.data.splits.shards import partition_of_rows, read_partitions
from tabular.fleets.assembling.assemble import Assembled, assemble
from tabular.fleets.assembling.champion import ChampionFleet
from tabular.fleets.summary import metrics, summary, table
from tabular.jobs.asking import in_every_way, predict, read_alike
from tabular.jobs.command import ArgumentParser, command
from tabular.judging.agreement import Answers, Known, check_answers
from tabular.judging.champion import Champion, changed, fetch_champion, not_comparable, too_few, unseen
from tabular.judging.gate import (
    MARGIN,
    check_champion_rule,
    compare,
    no_champion,
    passes_threshold,
    same_as_champion,
)
from tabular.judging.importance import permutation_importance
from tabular.judging.metrics.answers import positive_last
from tabular.judging.metrics.bootstrap import resample
from tabular.judging.metrics.quality import (
    calibration,
    intervals,
    model_quality,
    per_class,
    residuals,
    thresholds,
)
from tabular.judging.metrics.scores import score
from tabular.judging.mistakes import mistakes
from tabular.judging.reporting.card import model_card
from tabular.judging.reporting.page import html
from tabular.judging.served_model import ServerProcess
from tabular.judging.subgroups import by_subgroup
from tabular.monitoring.baseline import FORMAT, Baseline, Distribution, distribution, packed
from tabular.portable.files import load_model
from tabular.portable.fleet import FORMAT as FLEET_FORMAT
from tabular.portable.fleet import FleetModel
from tabular.spec import opt_ml, own_steps
from tabular.spec.columns import Schema
from tabular.spec.documents.models import Manifest, ModelFacts
from tabular.spec.documents.partitions import HeldOut
from tabular.spec.documents.reports import FLEET_FILE, MISTAKES_FILE, ChampionReport, Report, quality
from tabular.spec.documents.words import scored
from tabular.spec.errors import BadInput
from tabular.spec.metrics import METRICS
from tabular.spec.opt_ml import extract, pack

__all__ = ["main"]

CHALLENGER, CHAMPION, FORMER = "challenger", "champion", "champion-of-partitions"
DRIFT_BASELINE = "drift_baseline.json.gz"
CONFIDENCE = 0.95
SEED = 20  # for the resamples and the shuffles: the same rows and predictions give the same report


def main() -> None:
    """Write the model that was judged, evaluation.json, report.html, mistakes.json and three others.

    The others are for the registry: card.json, baseline.json with statistics of the training rows, and
    drift_baseline.json.gz, with which the requests of the model in service are compared.
    """
    arguments = _arguments()
    check_champion_rule(arguments.champion_margin, arguments.champion_confidence)
    split = opt_ml.processing("input/test")
    pickles = own_steps.pickles()
    with ServerProcess(pickles) as server:  # which starts while the files are read
        frame, truth, schema = read_split(split)
        cells = read_cells(split)
        cells = cells_of(frame, schema) if cells is None else cells
        champion = fetch_champion(arguments.models_map_uri, arguments.group)
        partitions, fleet, clusters, pipeline = read_partitions(split), None, None, None
        if partitions is None:
            folder, manifest = _challenger()
            pipeline = _fitted()
        else:
            fleet, said = _fleet(arguments, server, champion, partitions, frame, cells, truth, schema)
            folder, manifest = fleet.folder, fleet.manifest
            clusters = partition_of_rows(partitions)
        server.load(CHALLENGER, folder)
        model = load_model(folder, pickles)
        answers, *others = in_every_way(server, CHALLENGER, cells, schema, model)
        against = _against(
            arguments, server, champion, manifest, frame, cells, truth, schema, answers, clusters
        )
    expected = pipeline if fleet is None else Known(*fleet.answers)
    same = asdict(
        check_answers([answers, *others], expected, frame, schema, model.tolerance, read_alike(frame, model))
    )
    worst = mistakes(schema, truth, answers, cells)
    schema, truth, (answers,) = positive_last(schema, truth, [answers])
    value = score(arguments.metric, schema.task, truth, *answers)
    gate = passes_threshold(arguments.metric, arguments.threshold, schema, value) | against
    side_by_side = gate.pop("metrics", {})
    (resampled,) = resample(schema.task, truth, [answers], SEED, clusters)
    subgroups = read_subgroups(split)
    report: Report = {
        **model_quality(schema, truth, *answers, resampled),
        "gate": gate,
        "model": _facts(manifest),
        "cross_validated": scored(manifest),
        "model_sha256": _hand_over(fleet),
        "rows": {"held_out": len(frame), "training": manifest["training"].get("rows")},
        **({} if schema.positive is None else {"positive": schema.positive}),
        "agreement": same,
        "intervals": intervals(schema, truth, answers, resampled),
        **_details(schema, truth, answers),
        "subgroups": {} if subgroups is None else by_subgroup(subgroups, schema, truth, answers, SEED),
        "permutation_importance": permutation_importance(model, frame, truth, schema, arguments.metric, SEED),
        "champion": None if champion is None else _of_champion(champion, manifest, side_by_side),
    }
    if fleet is not None:
        values = metrics(arguments.metric, schema, truth, answers, fleet.partitions)
        report["fleet"] = summary(arguments.metric, schema, fleet, values, said)
    _write(report, manifest.get("baseline", {}), arguments.group)
    (opt_ml.processing("output/evaluation") / MISTAKES_FILE).write_text(json.dumps(worst, allow_nan=False))
    if fleet is not None:
        every = json.dumps(table(schema, fleet, values), allow_nan=False)
        (opt_ml.processing("output/evaluation") / FLEET_FILE).write_text(every)
    if (training := read_training(split)) is not None:
        _write_drift_baseline(report, manifest, training, schema, answers[0])
    print(json.dumps({"gate": gate}))


def _fitted() -> Any:
    """The fitted pipeline, with whose predictions the server's are compared.

    It is a pickle, which is code. RefitBestModel wrote it, with the same role and to the same bucket as the
    source that this job runs. Anyone who could change it could also change this code.
    """
    folder = extract(opt_ml.processing("input/pipeline/output.tar.gz"), opt_ml.base_dir() / "pipeline")
    return joblib.load(folder / "pipeline.joblib")


def _fleet(
    arguments: Namespace,
    server: ServerProcess,
    champion: Champion | None,
    partitions: Sequence[HeldOut],
    frame: pd.DataFrame,
    cells: pa.Table,
    truth: np.ndarray,
    schema: Schema,
) -> tuple[Assembled, str]:
    """Put the fleet together, and say whether its partitions were compared with the champion's."""
    models = opt_ml.base_dir() / "models"
    found = extract(opt_ml.processing("input/model/model.tar.gz"), models / "found")
    output = extract(opt_ml.processing("input/pipeline/output.tar.gz"), opt_ml.base_dir() / "pipeline")
    opponent, said = _champion_fleet(server, champion, frame, cells, truth, schema)
    rule = arguments.champion_margin, arguments.champion_confidence
    what = found, output, models / CHALLENGER, frame, truth, schema, partitions, opponent
    return assemble(*what, *rule), said


def _champion_fleet(
    server: ServerProcess,
    champion: Champion | None,
    frame: pd.DataFrame,
    cells: pa.Table,
    truth: np.ndarray,
    schema: Schema,
) -> tuple[ChampionFleet | None, str]:
    """The fleet in service, with its answers; None if no partition can keep what serves it, and why."""
    if champion is None:
        return None, "No model of this data set is in service."
    why = "so no partition keeps what serves it."
    if champion.manifest["format"] != FLEET_FORMAT:
        return None, f"Version {champion.version}, in service, is one model of the whole table, {why}"
    if wrong := not_comparable(champion, schema):
        return None, f"Version {champion.version}, in service, {wrong}, {why}"
    theirs = champion.schema
    if theirs.options.partition != schema.options.partition:
        columns = ", ".join(theirs.options.partition)
        return None, f"Version {champion.version}, in service, has the partitions of {columns}, {why}"
    labels = np.array(schema.classes)[truth.astype(np.intp)] if schema.classes else truth
    rows = unseen(champion, champion.manifest, frame, labels)
    model = load_model(champion.folder)
    if rows is None or not isinstance(model, FleetModel):
        return None, f"Version {champion.version}, in service, does not record its training rows, {why}"
    server.load(FORMER, champion.folder)
    answers = predict(server, FORMER, as_json(cells, theirs), theirs)
    said = (
        f"A partition keeps its own model of version {champion.version} if the new one may be worse, and its "
        "pooled model if the new one is shown to be worse."
    )
    return ChampionFleet(champion.version, champion.folder, model, answers, rows), said


def _challenger() -> tuple[Path, Manifest]:
    """The new model, unpacked, and its manifest.

    Raises:
        BadInput: if RefitBestModel could not make it portable.
    """
    folder = extract(opt_ml.processing("input/model/model.tar.gz"), opt_ml.base_dir() / "models" / CHALLENGER)
    manifest = json.loads((folder / "manifest.json").read_text())
    if manifest.get("portable") is False:
        raise BadInput(f"{manifest['reason']} The model is not registered.")
    return folder, manifest


def _hand_over(fleet: Assembled | None) -> str:
    """Write the model that was judged, which RegisterBestModel names; only one of this SHA-256 is served.

    That of a table without partitions is what the training job left, byte by byte.
    """
    archive = opt_ml.processing("output/model/model.tar.gz")
    if fleet is None:
        archive.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(opt_ml.processing("input/model/model.tar.gz"), archive)
    else:
        pack(fleet.folder, archive)
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _against(
    arguments: Namespace,
    server: ServerProcess,
    champion: Champion | None,
    manifest: Manifest,
    frame: pd.DataFrame,
    cells: pa.Table,
    truth: np.ndarray,
    schema: Schema,
    answers: Answers,
    clusters: np.ndarray | None,
) -> dict[str, Any]:
    """The champion's part of the gate, on the rows on which a comparison is fair."""
    if champion is None:
        return no_champion("No model of this data set is in service.")
    version = champion.version
    judged, turned, (ours,) = positive_last(schema, truth, [answers])
    if champion.is_same_as(manifest):
        return same_as_champion(version, score(arguments.metric, judged.task, turned, *ours))
    if why := not_comparable(champion, schema, server.pickles):
        return no_champion(f"Version {version}, in service, {why}; only the threshold decides.", version)
    labels = np.array(schema.classes)[truth.astype(np.intp)] if schema.classes else truth
    rows = unseen(champion, manifest, frame, labels)
    if rows is None:
        return no_champion(
            f"Version {version}, in service, does not record its training rows, so it may have learned the "
            "held-out rows; only the threshold decides.",
            version,
        )
    if why := too_few(truth, rows, schema):
        return no_champion(
            f"Version {version} is in service, but {why}; only the threshold decides.", version
        )
    theirs = champion.schema
    server.load(CHAMPION, champion.folder)
    asked = as_json(cells.filter(pa.array(rows)), theirs)
    answered = predict(server, CHAMPION, asked, theirs)
    _, _, (champions,) = positive_last(schema, truth[rows], [answered])
    return {
        **compare(
            arguments.metric,
            judged,
            version,
            turned[rows],
            (ours[0][rows], None if ours[1] is None else ours[1][rows]),
            champions,
            arguments.champion_margin,
            arguments.champion_confidence,
            SEED,
            None if clusters is None else clusters[rows],
        ),
        "rows": int(rows.sum()),
        "rows_left_out": int((~rows).sum()),
    }


def _details(schema: Schema, truth: np.ndarray, answers: Answers) -> dict[str, Any]:
    predicted, probabilities = answers
    if probabilities is None:
        return {"residuals": residuals(truth, predicted, SEED)}
    return {
        "per_class": per_class(schema, truth, predicted),
        "calibration": calibration(schema, truth, probabilities),
        **({"thresholds": thresholds(truth, probabilities)} if schema.task == "binary" else {}),
    }


def _of_champion(champion: Champion, manifest: Manifest, metrics: dict[str, Any]) -> ChampionReport:
    return {
        "version": champion.version,
        "model": _facts(champion.manifest),
        "metrics": metrics,
        "changed": changed(champion, manifest),
    }


def _facts(manifest: Manifest) -> ModelFacts:
    names = ("algorithm", "hyperparameters", "cross_validation", "training", "libraries", "task", "target")
    return {name: manifest[name] for name in (*names, "ensemble") if name in manifest}


def _write(report: Report, baseline: dict[str, Any], group: str) -> None:
    output = opt_ml.processing("output/evaluation")
    output.mkdir(parents=True, exist_ok=True)
    (output / "evaluation.json").write_text(json.dumps(report, indent=1, allow_nan=False))
    (output / "baseline.json").write_text(json.dumps(baseline, indent=1))
    (output / "report.html").write_text(html(report, group))
    (output / "card.json").write_text(json.dumps({"content": model_card(report, group, opt_ml.job())}))


def _write_drift_baseline(
    report: Report,
    manifest: Manifest,
    training: dict[str, Distribution],
    schema: Schema,
    predicted: np.ndarray,
) -> None:
    """Write what the requests of this model are compared with once it serves."""
    # Not the copies: the cells of columns that the model does not use may be left out of stored requests.
    names = ("task", "target", "classes", "positive", "others", "columns", "options")
    labels = [str(schema.classes[position]) for position in predicted] if schema.classes else predicted
    values = quality(report)
    baseline: Baseline = {
        "format": FORMAT,
        "others": [],
        **{name: manifest[name] for name in names if name in manifest},
        "training": training,
        "held_out": distribution(labels),
        "metric": report["gate"]["metric"],
        "quality": {
            name: {"value": values[name]["value"], **report["intervals"].get(name, {})}
            for name in METRICS[schema.task]
            if name in values
        },
    }
    (opt_ml.processing("output/evaluation") / DRIFT_BASELINE).write_bytes(packed(baseline))


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="evaluate")
    parser.add_argument("--metric", required=True)
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--models-map-uri", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--champion-margin", type=float, default=MARGIN)
    parser.add_argument("--champion-confidence", type=float, default=CONFIDENCE)
    return parser.parse_args()


if __name__ == "__main__":
    command(main)
