"""What RefitBestModel and SearchAndRefit have in common: fit on all rows, and write the model's files."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from tabular.data.features import as_rows
from tabular.data.splits.files import read_groups, read_split
from tabular.data.splits.statistics import ROWS, row_hashes
from tabular.judging.agreement import check_equal
from tabular.judging.champion import Champion
from tabular.learning.ensemble import Ensemble
from tabular.learning.fitting import fit, rounds_of, versions
from tabular.portable.export import export, export_ensemble
from tabular.portable.exporters import NotPortable
from tabular.portable.files import load_model, save_model
from tabular.portable.fleet import POOLED
from tabular.portable.model import FORMAT, FORMAT_VERSION, MANIFEST, PortableModel
from tabular.portable.pickled import save_pickled
from tabular.searching.proposals.proposals import former
from tabular.searching.trials import Configuration, Trial
from tabular.spec import opt_ml, own_steps
from tabular.spec.algorithms import exporter_of
from tabular.spec.columns import Family, Schema
from tabular.spec.documents.models import CrossValidation
from tabular.spec.documents.searches import SEARCH_FILE, SearchReport

__all__ = ["FITS", "Chosen", "Split", "good_before", "read_training_split", "write_model"]

SAMPLE_ROWS = 3
FITS = 2  # how many fits `write_model` takes as long as: one, and the comparison on all rows


class Split(NamedTuple):
    """The training split: features (n_rows, n_columns), encoded target, schema, and groups or None."""

    frame: pd.DataFrame
    target: np.ndarray
    schema: Schema
    groups: np.ndarray | None


class Chosen(NamedTuple):
    """What is fitted on all rows: the winner, or a member of the winning ensemble with its weight.

    `rounds` is how many trees or epochs the folds found best; None if the algorithm is not fitted in rounds.
    """

    algorithm: str
    hyperparameters: Mapping[str, str]
    rounds: int | None
    trial: int = 0
    weight: float = 1.0

    @classmethod
    def of(cls, trial: Trial, weight: float) -> "Chosen":
        """A trial of a search."""
        what = trial.configuration
        return cls(what.algorithm, what.hyperparameters, trial.rounds, trial.number, weight)

    def described(self, schema: Schema) -> dict[str, str]:
        """The hyperparameters with the number of rounds."""
        kind = rounds_of(self.algorithm, schema)
        return {**self.hyperparameters, **({kind.argument: str(self.rounds)} if kind else {})}


def read_training_split() -> Split:
    """The training split in the channel of the job."""
    folder = opt_ml.channel("train")
    return Split(*read_split(folder), read_groups(folder))


def good_before(champion: Champion, family: Family) -> Iterable[Configuration]:
    """The configurations of the model in service, then the other trials of its search, the best first.

    Of a fleet, those of its pooled model. A model without a search.json was tuned by training jobs, so only
    its own configuration is known.
    """
    pooled = champion.folder / POOLED
    file = (pooled if pooled.is_dir() else champion.folder) / SEARCH_FILE
    if not file.exists():
        found = former(champion.manifest["algorithm"], champion.manifest["hyperparameters"], family)
        yield from [] if found is None else [found]
        return
    report: SearchReport = json.loads(file.read_text())
    combined = report["ensemble"]
    first = (
        [one["trial"] for one in sorted(combined["members"], key=lambda one: -one["weight"])]
        if combined is not None and combined["chosen"]
        else [report["best"]]
    )
    complete = {one["number"]: one for one in report["trials"] if one["state"] == "complete"}
    rest = sorted(set(complete) - set(first), key=lambda number: -complete[number]["score"])
    for number in [*first, *rest]:
        yield Configuration(complete[number]["algorithm"], complete[number]["hyperparameters"], "warm")


def write_model(
    split: Split,
    chosen: Sequence[Chosen],
    random_state: int,
    cross_validation: CrossValidation,
    others: Mapping[str, bytes] | None = None,
    folder: str = "",
    data_sha256: str = "",
) -> str:
    """Fit what was chosen, and write the portable model to model.tar.gz, the pipeline to output.tar.gz.

    Args:
        split: the rows to fit on.
        chosen: the winner, or several members of an ensemble.
        random_state: the seed of everything random.
        cross_validation: how what was chosen was scored, for the manifest.
        others: further files of the model.
        folder: in which the model and the pipeline are, within what becomes the two archives.
        data_sha256: of the training rows; empty if it is that of the one file in the channel.

    Returns:
        What was fitted, in a sentence for the log.
    """
    frame, target, schema, groups = split
    pipelines = [
        fit(frame, target, schema, one.algorithm, one.hyperparameters, random_state, one.rounds, groups)
        for one in chosen
    ]
    weights = [one.weight for one in chosen]
    pipeline = pipelines[0] if len(chosen) == 1 else Ensemble(pipelines, weights)
    described = [one.described(schema) for one in chosen]
    if isinstance(pipeline, Ensemble):
        members = [
            {
                "algorithm": one.algorithm,
                "hyperparameters": hyperparameters,
                "weight": weight,
                "trial": one.trial,
            }
            for one, hyperparameters, weight in zip(chosen, described, pipeline.weights, strict=True)
        ]
        facts = {"algorithm": "Ensemble", "hyperparameters": {}, "ensemble": {"members": members}}
    else:
        facts = {"algorithm": chosen[0].algorithm, "hyperparameters": described[0]}
    manifest = {
        **facts,
        "cross_validation": cross_validation,
        "training": {
            "job": os.environ.get("TRAINING_JOB_NAME", ""),
            "rows": len(frame),
            "data_sha256": data_sha256 or _of_channel(),
            "random_state": random_state,
        },
        "libraries": versions(),
        "sample": _sample(pipeline, frame, schema),
    }
    hashes = {ROWS: row_hashes(frame, _labels(target, schema), list(frame)).tobytes()}
    files = {**hashes, **(others or {})}
    said = _save(opt_ml.model_dir() / folder, manifest, pipeline, chosen, frame, schema, files)
    output = opt_ml.output_data_dir() / folder
    output.mkdir(parents=True, exist_ok=True)
    joblib.dump(pipeline, output / "pipeline.joblib")
    what = ", ".join(
        f"{one.algorithm} {hyperparameters}" for one, hyperparameters in zip(chosen, described, strict=True)
    )
    return f"{what} fitted on {len(frame)} rows; {said}"


def _of_channel() -> str:
    """The SHA-256 of the training split."""
    return hashlib.sha256((opt_ml.channel("train") / "data.parquet").read_bytes()).hexdigest()


def _save(
    folder: Path,
    manifest: dict[str, Any],
    pipeline: Pipeline | Ensemble,
    chosen: Sequence[Chosen],
    frame: pd.DataFrame,
    schema: Schema,
    files: Mapping[str, bytes],
) -> str:
    """Write the model in the form in which it can be kept, and say which."""
    known = own_steps.algorithms()
    exporters = [exporter_of(one.algorithm, schema.family, known) for one in chosen]
    try:
        if isinstance(pipeline, Ensemble):
            exported = export_ensemble(pipeline.pipelines, pipeline.weights, schema, exporters)
        else:
            exported = export(pipeline, schema, exporters[0])
        return _save_portable(folder, manifest, exported, pipeline, frame, schema, files)
    except NotPortable as error:
        if len(chosen) == 1 and chosen[0].algorithm in own_steps.pickles():
            save_pickled(folder, manifest | schema.to_dict(), pipeline, files)
            return "kept as a pickle, because PICKLES names the algorithm"
        _save_refusal(folder, manifest | schema.to_dict(), str(error))
        return str(error)


def _save_portable(
    folder: Path,
    manifest: dict[str, Any],
    exported: tuple[dict[str, Any], dict[str, np.ndarray]],
    pipeline: Pipeline | Ensemble,
    frame: pd.DataFrame,
    schema: Schema,
    files: Mapping[str, bytes],
) -> str:
    """Write the portable model and the other files, and report its agreement with the pipeline."""
    model, arrays = exported
    agreement = check_equal(PortableModel(model, arrays), pipeline, frame, schema)
    save_model(folder, {**manifest, "agreement": asdict(agreement), **model}, arrays, files)
    load_model(folder)  # check that the files can be read
    return str(agreement)


def _labels(target: np.ndarray, schema: Schema) -> Any:
    return [schema.classes[position] for position in target] if schema.classes else target


def _save_refusal(folder: Path, manifest: dict[str, Any], reason: str) -> None:
    """Write only a manifest, which says why there is no model; EvaluateBestModel then refuses it."""
    folder.mkdir(parents=True, exist_ok=True)
    refusal = {"format": FORMAT, "format_version": FORMAT_VERSION, "portable": False, "reason": reason}
    (folder / MANIFEST).write_text(json.dumps({**refusal, **manifest}, indent=1))


def _sample(pipeline: Pipeline | Ensemble, frame: pd.DataFrame, schema: Schema) -> dict[str, Any]:
    """A few training rows and their predictions, with which a deployment can check that the model works."""
    rows = frame.head(SAMPLE_ROWS)
    predicted = pipeline.predict(rows).tolist()
    return {
        "instances": [dict(zip(rows, cells, strict=True)) for cells in as_rows(rows, schema)],
        "predictions": _labels(predicted, schema),
    }
