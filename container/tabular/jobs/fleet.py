"""SearchAndRefit for a table with partitions, on one of its instances: own models, and the pooled one.

Each instance searches the partitions in its shards. The first of them also searches and fits the pooled model
on the rows of all. Names at the top of what an instance leaves are those of its shards or of itself, because
SageMaker joins what all instances leave.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import numpy as np
import pandas as pd
from safetensors.numpy import save

from tabular.data.splits.shards import Contents, Shard, read_contents, read_shard, shard_files
from tabular.data.splits.statistics import ROWS
from tabular.fleets.crew import candidates
from tabular.fleets.own import NOT_SEARCHED, Candidate, Task, task_of, without_search
from tabular.fleets.pooled import Pool, pool, pooled_losses
from tabular.fleets.unchanged import before, conditions
from tabular.jobs.model_files import FITS, Chosen, Split, good_before, write_model
from tabular.judging.champion import Champion, fetch_champion
from tabular.portable.fleet import FORMAT as FLEET
from tabular.portable.fleet import POOLED
from tabular.searching.running.checkpoint import keep_files, not_kept, take_files
from tabular.searching.running.cores import cores_now
from tabular.searching.search import search
from tabular.searching.whole_table import for_all_rows
from tabular.spec import opt_ml
from tabular.spec.columns import Schema
from tabular.spec.documents.partitions import OwnModel, Partition
from tabular.spec.documents.searches import SEARCH_FILE
from tabular.spec.search import PROGRESS, Plan
from tabular.spec.trial import score_line

__all__ = ["Clock", "is_fleet", "search_fleet"]

FORMAT, FORMAT_VERSION = "tabular-own-models", 1
OWN_SHARE = 0.75  # of the seconds of a search; the pooled model, which is one search, gets what is left
SECONDS_BETWEEN = 5.0  # of two lines that say how far the search is
FIRST = 5  # partitions that say nothing about the pace: the libraries are imported meanwhile


def is_fleet(folder: Path) -> bool:
    """Whether a channel is that of a table with partitions; of a few shards, an instance may get none."""
    return not (folder / "schema.json").exists()


def search_fleet(plan: Plan, width: int, began: float) -> None:
    """Search the partitions in this instance's shards, and on the first instance the pooled model.

    Args:
        plan: what to search.
        width: how many processes of one thread each.
        began: when the seconds of the plan began, by `time.perf_counter`.

    Raises:
        BadInput: if the pooled model cannot be searched.
    """
    host, hosts = opt_ml.hosts()
    folder = opt_ml.channel("train")
    opt_ml.model_dir().mkdir(parents=True, exist_ok=True)
    opt_ml.output_data_dir().mkdir(parents=True, exist_ok=True)
    champion = fetch_champion(plan.models_map_uri, plan.group) if plan.models_map_uri else None
    started = time.perf_counter()
    counts = _search_shards(shard_files(folder), plan, width, champion, began)
    seconds = time.perf_counter() - started
    about: dict[str, Any] = {"host": host, **counts, "seconds": round(seconds, 1)}
    if host == hosts[0]:  # whatever it is called
        _copy_rows(champion)
        about["pooled_seconds"] = _search_pooled(folder, plan, width, champion, began)
    (opt_ml.output_data_dir() / f"fleet-search-{host}.json").write_text(json.dumps(about, indent=1))
    print(json.dumps(about), flush=True)


def _copy_rows(champion: Champion | None) -> None:
    """Keep the hashes of the rows that models have learned which the fleet in service has kept, if any."""
    if champion is not None and champion.manifest["format"] == FLEET:
        rows = champion.folder / ROWS
        if rows.exists():
            shutil.copyfile(rows, opt_ml.model_dir() / ROWS)


def _search_shards(
    files: Sequence[Path], plan: Plan, width: int, champion: Champion | None, began: float
) -> dict[str, int]:
    """Search shard after shard, in which partitions are searched side by side; write each when it is done."""
    if not files:
        return dict.fromkeys(("shards", "partitions", "candidates", "taken_over", "unfinished"), 0)
    work = _Work(plan, width, champion, read_contents(files[0]).schema, began)
    left = [file for file in files if not work.restore(file)]
    if len(left) < len(files):
        print(f"{len(files) - len(left)} of {len(files)} shards are taken from the checkpoint", flush=True)
    work.begin([one for file in left for one in read_contents(file).partitions])
    for candidate in candidates(work.tasks(left), width):
        work.accept(candidate)
    documents: list[OwnModel] = [
        one
        for file in files
        for one in json.loads((opt_ml.model_dir() / f"own-{_number(file)}.json").read_text())["partitions"]
    ]
    return {
        "shards": len(files),
        "partitions": len(documents),
        "candidates": sum(one["model"] is not None for one in documents),
        "taken_over": sum("taken_over" in one for one in documents),
        "unfinished": sum("unfinished" in one for one in documents),
    }


class _Work:
    """The partitions of one instance: which are searched, for how long, and where their results go.

    Args:
        plan: what to search.
        width: how many partitions are searched side by side.
        champion: the model in service, if there is one.
        schema: of the table.
        began: when the seconds of the plan began.
    """

    def __init__(
        self, plan: Plan, width: int, champion: Champion | None, schema: Schema, began: float
    ) -> None:
        self.plan, self.width, self.began = plan, width, began
        self.conditions = conditions(plan, schema)
        self.before = None if champion is None else before(champion, schema, self.conditions)
        folder = opt_ml.base_dir() / "checkpoints"
        self.kept = folder if folder.is_dir() else None
        self._keeps = True
        self._waiting: list[tuple[Shard, dict[int, Candidate]]] = []

    def begin(self, partitions: Sequence[Partition]) -> None:
        """Count what is to be searched, and start the clock."""
        taken = sum(self._is_taken(one) for one in partitions)
        if self.before is not None:
            why = f": {self.before.changed}" if self.before.changed else ""
            print(
                f"{taken} of {len(partitions)} partitions are taken over from version {self.before.version}, "
                f"in service{why}",
                flush=True,
            )
        self.progress = _Progress(len(partitions) - taken)
        seconds = self.plan.seconds * OWN_SHARE
        searched = len(partitions) - taken
        self.clock = Clock(seconds, searched, lambda: cores_now(self.width), self.began)

    def tasks(self, files: Sequence[Path]) -> Iterator[Task]:
        """The tasks of all shards, of which only those are in memory whose partitions are not all done."""
        for file in files:
            shard = read_shard(file)
            found: dict[int, Candidate] = {}
            self._waiting.append((shard, found))
            for one in shard.partitions:
                if self.before is not None and self._is_taken(one):
                    found[one["number"]] = self.before.take(one)
                elif (seconds := self.clock.share()) == 0:
                    self._put(without_search(shard, one, NOT_SEARCHED), found)
                else:
                    warm = () if self.before is None else tuple(self.before.good(one))
                    yield task_of(shard, one, self.plan, warm, seconds, self.clock.end)
            self._write_finished()

    def accept(self, candidate: Candidate) -> None:
        """Keep the result of a task; they come in the order of the tasks."""
        found = next(found for shard, found in self._waiting if len(found) < len(shard.partitions))
        self._put(candidate, found)
        self._write_finished()

    def restore(self, file: Path) -> bool:
        """Take what an interrupted job has made of a shard; False if there is nothing, or not all of it."""
        if self.kept is None:
            return False
        return take_files(self.kept / self._key(read_contents(file)), _files(_number(file)))

    def _is_taken(self, partition: Partition) -> bool:
        return self.before is not None and self.before.takes(partition)

    def _put(self, candidate: Candidate, found: dict[int, Candidate]) -> None:
        found[candidate.document["number"]] = candidate
        self.clock.done += 1
        self.progress.note(candidate)

    def _write_finished(self) -> None:
        finished = [each for each in self._waiting if len(each[1]) == len(each[0].partitions)]
        self._waiting = [each for each in self._waiting if len(each[1]) < len(each[0].partitions)]
        for shard, found in finished:
            self._write(shard, [found[one["number"]] for one in shard.partitions])

    def _write(self, shard: Shard, found: Sequence[Candidate]) -> None:
        """Write the candidates of a shard and the losses of its rows, and keep a copy for a restart."""
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
            "searched_with": self.conditions,
            "partitions": [one.document for one in found],
        }
        files = _files(f"{shard.number:03d}")
        files["arrays"].write_bytes(save(arrays))
        files["models"].write_text(json.dumps(about))
        lost = np.concatenate([one.losses for one in found]) if found else np.empty(0)
        pd.DataFrame({"own": lost}).to_parquet(files["losses"], index=False)
        if self.kept is None or not self._keeps:
            return
        try:
            keep_files(self.kept / self._key(shard), files)
        except OSError as error:
            self._keeps = False
            print(not_kept(error), flush=True)

    def _key(self, shard: Shard | Contents) -> str:
        """A name for what the result of a shard depends on: the plan, the fleet in service, and the rows."""
        version = None if self.before is None else self.before.version
        said = [repr(self.plan), str(version), *(one["sha256"] for one in shard.partitions)]
        return f"own-{shard.number:03d}-{sha256(json.dumps(said).encode()).hexdigest()[:16]}.zip"


class Clock:
    """The seconds of a search for many partitions, of which each that is left gets the same.

    Args:
        seconds: in all; 0 stands for no limit.
        partitions: how many are to be searched.
        width: gives how many of them are searched side by side now.
        started: when the seconds began.
        now: gives the time in seconds.
    """

    def __init__(
        self,
        seconds: float,
        partitions: int,
        width: Callable[[], int],
        started: float,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.seconds, self.partitions, self.width, self.now = seconds, partitions, width, now
        self.done = 0
        self.end = started + seconds if seconds else None

    def share(self) -> float | None:
        """The seconds of the next partition, 0 if the time is over; None without a limit.

        What one does not use, those after it get.
        """
        if self.end is None:
            return None
        left = max(0.0, self.end - self.now())
        unfinished = self.partitions - self.done
        return left * min(self.width(), unfinished) / unfinished


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

    def __init__(self, count: int, now: Callable[[], float] = time.perf_counter) -> None:
        self.count, self.now = count, now
        self.done = self.own = 0
        self.started = self.said = self.paced = now()

    def note(self, candidate: Candidate) -> None:
        """Count a partition, and say so if the last line was some time ago, or it is the last one."""
        self.done += 1
        self.own += candidate.document["model"] is not None
        now = self.now()
        if self.done == FIRST:
            self.paced = now
        if self.done == self.count or now - self.said >= SECONDS_BETWEEN:
            self.said = now
            print(
                f"{PROGRESS}{self.done} of {self.count} partitions, {self.own} with a model of their own "
                f"({now - self.started:.0f} s{self._left(now)})",
                flush=True,
            )

    def _left(self, now: float) -> str:
        """How long the others may take, by those after the first few, which also wait for libraries."""
        if self.done <= 2 * FIRST or self.done == self.count:
            return ""
        left = (now - self.paced) / (self.done - FIRST) * (self.count - self.done)
        return f", about {left:.0f} s left" if left < 120 else f", about {left / 60:.0f} min left"


def _search_pooled(folder: Path, plan: Plan, width: int, champion: Champion | None, began: float) -> float:
    """Search and fit the pooled model, and write its losses on the partitions' folds; return the seconds."""
    started = time.perf_counter()
    rows = pool([read_shard(file) for file in _all_shards(folder)])
    say = partial(print, flush=True)
    split = Split(rows.frame, rows.target, rows.schema, rows.groups)
    checkpoints = opt_ml.base_dir() / "checkpoints"
    checkpoint = checkpoints / POOLED if checkpoints.is_dir() else None
    warm = [] if champion is None else list(good_before(champion, rows.schema.family))
    # What is found is fitted on all rows, and once more for each fold of the partitions.
    beside = {"started": began, "fits": FITS + plan.folds}
    found = search(*split, plan, warm, checkpoint, width, _say_of_pooled, **beside)
    members = for_all_rows(found, *split, say=say)
    cross_validation = found.cross_validation(os.environ.get("TRAINING_JOB_NAME", ""))
    chosen = [Chosen.of(one, weight) for one, weight in members]
    report = found.report(champion.version if champion is not None and warm else None)
    text = json.dumps(report, indent=1, allow_nan=False)
    others = {SEARCH_FILE: text.encode()}
    print(write_model(split, chosen, plan.random_state, cross_validation, others, POOLED, _digest(rows)))
    (opt_ml.output_data_dir() / SEARCH_FILE).write_text(text)
    lost = pooled_losses(rows, members, plan, say)
    groups = {} if rows.groups is None else {"group": rows.groups}  # which are chosen by, not their rows
    pd.DataFrame({"shard": rows.shard, "row": rows.row, "loss": lost, **groups}).to_parquet(
        opt_ml.output_data_dir() / "pooled-losses.parquet", index=False
    )
    print(score_line(found.score), flush=True)
    return round(time.perf_counter() - started, 1)


def _say_of_pooled(line: str) -> None:
    """Print a line; one that sums up the search names the model, since the partitions' came before."""
    print(line.replace(PROGRESS, f"{PROGRESS}pooled model, ", 1), flush=True)


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
