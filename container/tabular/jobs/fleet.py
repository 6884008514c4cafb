"""SearchAndRefit for a table with partitions, on one of its instances: own models, and the pooled one.

Each instance searches the partitions in its shards. The first of them also searches and fits the pooled model
on the rows of all. Names at the top of what an instance leaves are those of its shards or of itself, because
SageMaker joins what all instances leave.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import numpy as np
import pandas as pd
from safetensors.numpy import save

from tabular.data.shards import Contents, Shard, read_contents, read_shard, shard_files
from tabular.fleets.crew import candidates
from tabular.fleets.own import Candidate, Task, tasks_of
from tabular.fleets.pooled import Pool, pool, pooled_losses
from tabular.jobs.model_files import SEARCH, Chosen, Split, write_model
from tabular.searching.search import search
from tabular.spec import opt_ml
from tabular.spec.search import Plan
from tabular.spec.trial import score_line

__all__ = ["is_fleet", "search_fleet"]

FORMAT, FORMAT_VERSION = "tabular-own-models", 1
POOLED = "pooled"
SECONDS_BETWEEN = 5.0  # of two lines that say how far the search is


def is_fleet(folder: Path) -> bool:
    """Whether a channel is that of a table with partitions; of a few shards, an instance may get none."""
    return not (folder / "schema.json").exists()


def search_fleet(plan: Plan, width: int) -> None:
    """Search the partitions in this instance's shards, and on the first instance the pooled model.

    Raises:
        BadInput: if the pooled model cannot be searched.
    """
    host, hosts = opt_ml.hosts()
    folder = opt_ml.channel("train")
    opt_ml.model_dir().mkdir(parents=True, exist_ok=True)
    opt_ml.output_data_dir().mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    counts = _search_shards(shard_files(folder), plan, width)
    about: dict[str, Any] = {"host": host, **counts, "seconds": round(time.perf_counter() - started, 1)}
    if host == hosts[0]:  # whatever it is called
        about["pooled_seconds"] = _search_pooled(folder, plan, width)
    (opt_ml.output_data_dir() / f"fleet-search-{host}.json").write_text(json.dumps(about, indent=1))
    print(json.dumps(about), flush=True)


def _search_shards(files: Sequence[Path], plan: Plan, width: int) -> dict[str, int]:
    """Search shard after shard, in which partitions are searched side by side; write each when it is done."""
    checkpoints = opt_ml.base_dir() / "checkpoints"
    kept = checkpoints if checkpoints.is_dir() else None
    left = [file for file in files if not _restore(file, plan, kept)]
    if len(left) < len(files):
        print(f"{len(files) - len(left)} of {len(files)} shards are taken from the checkpoint", flush=True)
    waiting: list[Shard] = []
    found: list[Candidate] = []
    progress = _Progress(left)
    for candidate in candidates(_tasks(left, plan, waiting), width):
        found.append(candidate)
        progress.note(candidate)
        if len(found) == len(waiting[0].partitions):
            _write_shard(waiting.pop(0), found, plan, kept)
            found = []
    documents = [
        one
        for file in files
        for one in json.loads((opt_ml.model_dir() / f"own-{_number(file)}.json").read_text())["partitions"]
    ]
    own = sum(one["model"] is not None for one in documents)
    return {"shards": len(files), "partitions": len(documents), "candidates": own}


def _tasks(files: Sequence[Path], plan: Plan, waiting: list[Shard]) -> Iterator[Task]:
    """The tasks of all shards, of which only those are in memory whose partitions are not all done."""
    for file in files:
        shard = read_shard(file)
        waiting.append(shard)
        yield from tasks_of(shard, plan)


def _write_shard(shard: Shard, found: Sequence[Candidate], plan: Plan, kept: Path | None) -> None:
    """Write the candidates of a shard and the losses of its rows, and keep a copy for a restart."""
    number = f"{shard.number:03d}"
    arrays = {
        f"{one.document['number']}/{name}": np.ascontiguousarray(array)
        for one in found
        for name, array in one.arrays.items()
    }
    about = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "shard": shard.number,
        "shards": shard.of,
        "partitions": [one.document for one in found],
    }
    files = _files(number)
    files["arrays"].write_bytes(save(arrays))
    files["models"].write_text(json.dumps(about))
    lost = np.concatenate([one.losses for one in found]) if found else np.empty(0)
    pd.DataFrame({"own": lost}).to_parquet(files["losses"], index=False)
    if kept is not None:
        folder = kept / _key(shard, plan)
        unfinished = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        for file in files.values():
            shutil.copyfile(file, unfinished / file.name)
        unfinished.replace(folder)


def _restore(file: Path, plan: Plan, kept: Path | None) -> bool:
    """Take what an interrupted job has made of a shard; False if there is nothing, or not all of it."""
    if kept is None:
        return False
    folder = kept / _key(read_contents(file), plan)
    files = _files(_number(file))
    if not all((folder / one.name).is_file() for one in files.values()):
        return False
    for one in files.values():
        shutil.copyfile(folder / one.name, one)
    return True


def _key(shard: Shard | Contents, plan: Plan) -> str:
    """A name for what the result of a shard depends on: the plan and the rows."""
    said = [repr(plan), *(one["sha256"] for one in shard.partitions)]
    return f"own-{shard.number:03d}-{sha256(json.dumps(said).encode()).hexdigest()[:16]}"


def _files(number: str) -> dict[str, Path]:
    model, data = opt_ml.model_dir(), opt_ml.output_data_dir()
    return {
        "arrays": model / f"own-{number}.safetensors",
        "models": model / f"own-{number}.json",
        "losses": data / f"losses-{number}.parquet",
    }


def _number(file: Path) -> str:
    return file.stem.removeprefix("shard-")


class _Progress:
    """Lines that say how far the search is, at most one in a few seconds."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.count = sum(len(read_contents(file).partitions) for file in files)
        self.done = self.own = 0
        self.started = self.said = time.perf_counter()

    def note(self, candidate: Candidate) -> None:
        """Count a partition, and say so if the last line was some time ago, or it is the last one."""
        self.done += 1
        self.own += candidate.document["model"] is not None
        now = time.perf_counter()
        if self.done == self.count or now - self.said >= SECONDS_BETWEEN:
            self.said = now
            left = (now - self.started) / self.done * (self.count - self.done)
            print(
                f"progress: {self.done} of {self.count} partitions, {self.own} with a model of their own "
                f"({now - self.started:.0f} s, about {left:.0f} s left)",
                flush=True,
            )


def _search_pooled(folder: Path, plan: Plan, width: int) -> float:
    """Search and fit the pooled model, and write its losses on the partitions' folds; return the seconds."""
    started = time.perf_counter()
    rows = pool([read_shard(file) for file in _all_shards(folder)])
    say = partial(print, flush=True)
    split = Split(rows.frame, rows.target, rows.schema, rows.groups)
    checkpoints = opt_ml.base_dir() / "checkpoints"
    checkpoint = checkpoints / POOLED if checkpoints.is_dir() else None
    found = search(*split, plan, checkpoint=checkpoint, width=width, say=say)
    cross_validation = found.cross_validation(os.environ.get("TRAINING_JOB_NAME", ""))
    chosen = [Chosen.of(one, weight) for one, weight in found.members]
    text = json.dumps(found.report(), indent=1, allow_nan=False)
    others = {SEARCH: text.encode()}
    print(write_model(split, chosen, plan.random_state, cross_validation, others, POOLED, _digest(rows)))
    (opt_ml.output_data_dir() / SEARCH).write_text(text)
    lost = pooled_losses(rows, found, plan, say)
    beside = {} if rows.groups is None else {"group": rows.groups}  # which are chosen by, not their rows
    pd.DataFrame({"shard": rows.shard, "row": rows.row, "loss": lost, **beside}).to_parquet(
        opt_ml.output_data_dir() / "pooled-losses.parquet", index=False
    )
    print(score_line(found.score), flush=True)
    return round(time.perf_counter() - started, 1)


def _digest(rows: Pool) -> str:
    """A SHA-256 of all training rows."""
    hashed = pd.util.hash_pandas_object(rows.frame.assign(**{rows.schema.target: rows.target}), index=False)
    return sha256(hashed.to_numpy().tobytes()).hexdigest()


def _all_shards(folder: Path) -> list[Path]:
    """All shards: this instance's, and copies of what the others got, from where the channel is in S3."""
    files = {file.name: file for file in shard_files(folder)}
    of = read_contents(next(iter(files.values()))).of if files else None
    if len(files) == of:
        return list(files.values())
    job = boto3.client("sagemaker").describe_training_job(TrainingJobName=os.environ["TRAINING_JOB_NAME"])
    (uri,) = (
        one["DataSource"]["S3DataSource"]["S3Uri"]
        for one in job["InputDataConfig"]
        if one["ChannelName"] == "train"
    )
    parts = urlsplit(uri)
    s3, copies = boto3.client("s3"), opt_ml.base_dir() / "others"
    copies.mkdir(exist_ok=True)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=parts.path.lstrip("/"))
    for found in (each for page in pages for each in page.get("Contents", [])):
        name = found["Key"].rpartition("/")[2]
        if name not in files:
            files[name] = copies / name
            s3.download_file(parts.netloc, found["Key"], str(files[name]))
    return [files[name] for name in sorted(files)]
