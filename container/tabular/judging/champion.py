"""The champion: the model in service, whether it can be compared, and on which rows a comparison is fair."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import numpy as np
import pandas as pd
from botocore.exceptions import ClientError

from tabular.data.features import texts
from tabular.data.splits.statistics import ROWS, row_hashes
from tabular.portable.fleet import FORMER, OWN, PARTITIONS, POOLED
from tabular.portable.model import ARRAYS
from tabular.portable.pickled import PIPELINE
from tabular.spec import opt_ml
from tabular.spec.columns import Schema, as_read
from tabular.spec.documents.models import Change, Manifest
from tabular.spec.documents.words import members
from tabular.spec.errors import BadInput
from tabular.spec.opt_ml import extract

__all__ = ["Champion", "changed", "fetch_champion", "not_comparable", "too_few", "unseen"]

FEWEST_ROWS = 30


@dataclass(frozen=True)
class Champion:
    """A model in service: its version in the registry and its unpacked artifact."""

    version: int
    folder: Path
    manifest: Manifest

    @property
    def schema(self) -> Schema:
        """The schema of the columns that it predicts from."""
        return Schema.from_dict(self.manifest)

    def is_same_as(self, manifest: Manifest) -> bool:
        """Whether a manifest describes the same model: the same training rows gave the same arrays."""
        return _identity(self.manifest) == _identity(manifest)


def fetch_champion(models_map_uri: str, group: str) -> Champion | None:
    """The model in service, downloaded and unpacked; None if no model is in service.

    Raises:
        BadInput: if the models map names an artifact that cannot be read.
    """
    s3 = boto3.client("s3")
    parts = urlsplit(models_map_uri)
    bucket, key = parts.netloc, parts.path.lstrip("/")
    try:
        entry = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"]).get(group)
    except s3.exceptions.NoSuchKey:
        return None
    if entry is None:
        return None
    if not (isinstance(entry, dict) and isinstance(entry.get("key"), str)):
        raise BadInput(
            f"The models map {models_map_uri} names no artifact for {group}. Run the deployer to repair it."
        )
    archive = opt_ml.base_dir() / "models" / "champion.tar.gz"
    archive.parent.mkdir(parents=True, exist_ok=True)
    try:
        s3.download_file(bucket, entry["key"], str(archive))
    except ClientError as error:
        raise BadInput(
            f"The models map names s3://{bucket}/{entry['key']} for {group}, which cannot be read ({error}). "
            "Run the deployer to repair the map."
        ) from None
    folder = extract(archive, archive.parent / "champion")
    return Champion(entry["version"], folder, json.loads((folder / "manifest.json").read_text()))


def not_comparable(champion: Champion, schema: Schema, pickles: frozenset[str] = frozenset()) -> str:
    """Why a champion cannot predict the rows of a table; empty if it can.

    It may have fewer columns than the table; it then gets only its own columns.
    """
    theirs = champion.schema
    kind = champion.manifest.get("estimator", {}).get("kind")  # a fleet has none
    if kind == "pickle" and champion.manifest["algorithm"] not in pickles:
        return f"is a pickle of {champion.manifest['algorithm']!r}, which PICKLES does not name"
    if (theirs.task, theirs.target) != (schema.task, schema.target):
        return f"predicts {theirs.target!r} ({theirs.task}), not {schema.target!r} ({schema.task})"
    if theirs.classes != schema.classes:
        return f"predicts the classes {', '.join(map(str, theirs.classes))}, not those of this table"
    kinds = {column.name: column.kind for column in schema.columns}
    for column in theirs.columns:
        if column.name not in kinds:
            return f"needs the column {column.name!r}, which this table does not have"
        if column.kind != kinds[column.name]:
            return f"reads the column {column.name!r} as {column.kind}, which is now {kinds[column.name]}"
    return ""


def unseen(
    champion: Champion, manifest: Manifest, frame: pd.DataFrame, labels: np.ndarray
) -> np.ndarray | None:
    """Which held-out rows (n_rows,) a champion was not trained on; None if this is not known.

    The champion's artifact contains a hash of each of its training rows. An artifact from before these were
    kept is known to be unaffected only if it was trained on the same split as the challenger.
    """
    path = champion.folder / ROWS
    if not path.exists():
        path = champion.folder / POOLED / ROWS  # of a fleet, unless it has models that learned other rows
    if path.exists():
        columns = champion.schema.columns
        # Their table may have written 1 for what is 1.0 in this one.
        theirs = {one.name: texts(frame[one.name], one) for one in columns if one.whole is not None}
        hashes = row_hashes(frame.assign(**theirs), labels, [column.name for column in columns])
        return ~np.isin(hashes, np.fromfile(path, dtype="<u8"))
    theirs, ours = (one["training"].get("data_sha256") for one in (champion.manifest, manifest))
    if theirs is not None and theirs == ours:
        return np.ones(len(frame), dtype=bool)
    return None


def too_few(truth: np.ndarray, rows: np.ndarray, schema: Schema) -> str:
    """Why the given rows are too few for a comparison; empty if they are enough."""
    if rows.sum() < FEWEST_ROWS:
        new = f"{rows.sum()} of the {len(rows)} held-out rows {'is' if rows.sum() == 1 else 'are'} new to it"
        return f"only {new}, and {FEWEST_ROWS} are needed"
    if schema.classes and (missing := sorted(set(truth) - set(truth[rows]))):
        return f"no held-out row of the class {schema.classes[int(missing[0])]!r} is new to it"
    return ""


def changed(champion: Champion, manifest: Manifest) -> list[Change]:
    """The differences between two models: what differs, and the values of both as text."""
    before, after = _described(champion.manifest), _described(manifest)
    return [
        {"what": what, "champion": before.get(what, ""), "challenger": after.get(what, "")}
        for what in {**before, **after}
        if before.get(what) != after.get(what)
    ]


def _identity(manifest: Manifest) -> tuple[Any, ...]:
    files = manifest.get("files", {})
    arrays = files.get(ARRAYS, files.get(PIPELINE)), files.get(OWN), files.get(PARTITIONS)
    arrays += (files.get(f"{FORMER}/{ARRAYS}"),)
    parts = ("classes", "encodings", "estimator", "members", "pooled_sha256")
    read = as_read(manifest["columns"])
    return manifest["training"].get("data_sha256"), arrays, read, *(manifest.get(part) for part in parts)


def _described(manifest: Manifest) -> dict[str, str]:
    training, validation = manifest["training"], manifest["cross_validation"]
    scorer = validation.get("scorer", "score")
    described = {
        "algorithm": manifest["algorithm"],
        "training rows": training.get("rows"),
        "training data (SHA-256)": str(training.get("data_sha256", ""))[:12],
        "columns": len(manifest["columns"]),
        "positive class": _positive(manifest),
        f"cross-validated {scorer}": validation.get("score"),
        f"nested cross-validated {scorer}": validation.get("nested_score"),
        **dict(sorted(manifest["hyperparameters"].items())),
        **members(manifest),
        **{f"{name} (library)": value for name, value in sorted(manifest["libraries"].items())},
    }
    return {what: _number(value) for what, value in described.items() if value is not None}


def _positive(manifest: Manifest) -> object:
    classes = manifest["classes"]
    return manifest.get("positive", classes[1] if len(classes) == 2 else None)


def _number(value: object) -> str:
    try:
        return f"{float(str(value)):.6g}"
    except ValueError:
        return str(value)
