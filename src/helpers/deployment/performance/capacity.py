"""What a model takes at this very endpoint: the inputs of the capacity simulation, as far as known."""

import io
import statistics
import tarfile
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd

from helpers import display
from helpers.cost.capacity import Model
from helpers.deployment.asking.endpoint import invoke
from helpers.deployment.deployments import in_service
from helpers.deployment.performance.traffic import average
from helpers.errors import JobFailed
from helpers.session import Session
from helpers.session.storage import read

__all__ = ["inputs", "measured", "memory_bytes"]
__dir__ = __all__.copy

# How the server counts a model's memory, by the byte of each file: container/tabular/serving/models.py.
PER_MODEL, PER_BYTE = 8_192, {"manifest.json": 8, "model.safetensors": 1, "pipeline.joblib": 4}
MOST = 20  # artifacts to look into
SAMPLES = 20  # requests, one after another
# What `many-models capacity` takes a model for, if it is told nothing.
GUESS = Model(1e6, 0.0005, 0.0015, 0.150, 0.020)


def measured(session: Session, rows: Mapping[str, Sequence[Sequence[Any]]], calls: pd.DataFrame) -> Model:
    """Measure what a model takes: memory, answers, loads and downloads, and the way to the endpoint.

    Args:
        session: where the endpoint is.
        rows: rows of each data set in service; some are sent.
        calls: of `traffic.by_minute`. Without a cold call in it, a load and a download count as 0 seconds.

    Raises:
        JobFailed: a request is not answered.
    """
    if not rows:
        display.say(
            "No model is in service yet, so there is nothing to measure, and this is a guess at a small "
            "model; approve a version in notebook 4."
        )
        return GUESS
    kept = list(in_service(session).values())[:MOST]
    memory = statistics.mean(memory_bytes(read(session, session.uri(entry["key"]))) for entry in kept)
    dataset, examples = next(iter(rows.items()))
    seconds = statistics.median(_seconds(session, dataset, examples[:1]) for _ in range(SAMPLES))
    cold = calls[calls["cold"] > 0]
    loading, downloading = (
        float((cold[name] * cold["cold"]).sum() / max(cold["cold"].sum(), 1)) / 1000
        for name in ("loading", "downloading")
    )
    answer = min(average(session, "ModelLatency", timedelta(hours=1)), default=seconds * 1e6) / 1e6
    return Model(memory, min(answer, seconds), loading, downloading, max(0.0, seconds - answer))


def inputs(model: Model) -> pd.DataFrame:
    """What `measured` found, in the units of `many-models capacity`."""
    values = {
        "memory, MB": model.memory_bytes / 1e6,
        "an answer of the container, ms": 1000 * model.answer_seconds,
        "a load, ms": 1000 * model.load_seconds,
        "a download, ms": 1000 * model.download_seconds,
        "the rest of the way, ms": 1000 * model.path_seconds,
    }
    return pd.DataFrame.from_dict(values, orient="index", columns=["a model takes"]).round(3)


def memory_bytes(artifact: bytes) -> int:
    """The bytes that the server counts for a model, given its model.tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(artifact)) as archive:
        return PER_MODEL + sum(
            member.size * PER_BYTE.get(member.name.removeprefix("./"), 0) for member in archive
        )


def _seconds(session: Session, dataset: str, rows: Sequence[Sequence[Any]]) -> float:
    begin = time.perf_counter()
    answer = invoke(session, {"model": dataset, "data": rows})
    if answer.status_code != 200:
        raise JobFailed(f"{dataset}: the endpoint answers {answer.status_code}: {answer.text[:500]}")
    return time.perf_counter() - begin
