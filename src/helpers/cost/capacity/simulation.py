"""Simulates the instances of a multi-model endpoint: which models are in memory, who waits, and for what.

Requests arrive at random times (Poisson), and each asks for a model by its popularity, independently of those
before. An instance keeps as many models as fit, and unloads the one least recently used to make room, as
SageMaker's multi-model endpoints and local_aws do. A request for another model waits for its download, unless
the instance still has its files on disk, and for its load. Then it waits for a worker.

Nothing has to warm up: the simulation begins with a memory as it is after a long time. With independent
requests, the time since the last request for a model is exponential, and the least recently used memory
contains the models with the shortest such times.
"""

import heapq
import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

__all__ = ["Instance", "Model", "Outcome", "popularity", "simulate"]


@dataclass(frozen=True)
class Model:
    """What a model takes. All are taken to be alike, so give averages.

    Attributes:
        memory_bytes: Of an instance, when loaded. Its files are taken to need as much of the disk.
        answer_seconds: That a request keeps a worker busy: one number, or measured ones to draw from.
        load_seconds: That loading keeps a worker busy, likewise.
        download_seconds: Until the files are on the disk. No worker is needed for that.
        path_seconds: That every request takes on its way there and back, without keeping a worker busy; one
            number, or measured ones to draw from.
    """

    memory_bytes: float
    answer_seconds: float | tuple[float, ...]
    load_seconds: float | tuple[float, ...]
    download_seconds: float
    path_seconds: float | tuple[float, ...] = 0.0


@dataclass(frozen=True)
class Instance:
    """What an instance has.

    Attributes:
        memory_bytes: For models.
        workers: Requests that it works on at the same time, each at full speed; others wait for their turn.
        disk_bytes: For the files of models. The least recently used ones make room for others.
        throughput: Of one request at a time, of two and so on, relative to that of one; the last holds for
            more. If it is given, no request waits for a worker. All that are there advance together, at this
            speed divided by their number, as threads do that take turns.
    """

    memory_bytes: float
    workers: int = 1
    disk_bytes: float = math.inf
    throughput: tuple[float, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a simulation found.

    Attributes:
        hit_ratio: The fraction of requests whose model was in memory.
        p50: The median latency in seconds, of cold requests, too.
        p99: The 99th percentile likewise.
        busy: The fraction of the time that the workers of the busiest instance are busy. From 1 on, its queue
            has no end, and the latencies depend on how long one looks.
        models_in_memory: On all instances.
    """

    hit_ratio: float
    p50: float
    p99: float
    busy: float
    models_in_memory: int


def popularity(models: int, exponent: float) -> np.ndarray:
    """The share of requests for each model, by Zipf's law: rank to the power of minus the exponent.

    Returns:
        Shares `(models,)`, the most popular first, which add up to 1.
    """
    weights = np.arange(1, models + 1, dtype=float) ** -exponent
    return weights / weights.sum()


def simulate(
    rates: np.ndarray,
    model: Model,
    instance: Instance,
    instances: int = 1,
    *,
    requests: int = 100_000,
    seed: int = 0,
) -> Outcome:
    """Simulate some requests to all instances together.

    Each model is served by one instance, chosen at random. A model that gets more than an instance's fair
    share of all requests is served by all of them, as SageMaker does with models that get much traffic.

    Args:
        rates: Requests a second for each model `(models,)`.
        model: What a model takes.
        instance: What an instance has.
        instances: How many there are.
        requests: How many to simulate, on all instances together.
        seed: Of the random numbers.
    """
    rng = np.random.default_rng(seed)
    home = rng.integers(instances, size=len(rates))
    shared = rates > rates.sum() / instances
    parts = [
        _on_one(
            np.where(shared, rates / instances, np.where(home == number, rates, 0.0)),
            model,
            instance,
            requests / rates.sum(),
            rng,
        )
        for number in range(instances)
    ]
    p50, p99 = np.quantile(np.concatenate([part.seconds for part in parts]), [0.5, 0.99])
    return Outcome(
        hit_ratio=float(np.concatenate([part.hits for part in parts]).mean()),
        p50=float(p50),
        p99=float(p99),
        busy=max(part.busy for part in parts),
        models_in_memory=sum(part.models_in_memory for part in parts),
    )


@dataclass(frozen=True)
class _Part:
    """The requests to one instance: whether each was a hit, and its latency."""

    hits: np.ndarray
    seconds: np.ndarray
    busy: float
    models_in_memory: int


def _on_one(
    rates: np.ndarray, model: Model, instance: Instance, duration: float, rng: np.random.Generator
) -> _Part:
    models = np.flatnonzero(rates)
    rates = rates[models]
    room = min(int(instance.memory_bytes // model.memory_bytes), len(models))
    count = int(rng.poisson(rates.sum() * duration))
    arrivals = np.sort(rng.uniform(0, duration, count))
    asked = np.searchsorted(np.cumsum(rates / rates.sum())[:-1], rng.uniform(size=count), side="right")
    ages = rng.exponential(1 / rates)
    loading = rng.choice(np.atleast_1d(model.load_seconds), count)
    kept = max(room, int(min(instance.disk_bytes / model.memory_bytes, len(models))))
    cold = _cold(asked, arrivals, ages, room, kept, loading, model.download_seconds)
    work = rng.choice(np.atleast_1d(model.answer_seconds), count) + loading * cold.loads
    ready = arrivals + cold.seconds
    if instance.throughput:
        done, most = _shared(ready, work, instance.throughput), max(instance.throughput)
    else:
        done, most = _queue(ready, work, instance.workers), instance.workers
    busy = float(work.sum() / (duration * most))
    path = rng.choice(np.atleast_1d(model.path_seconds), count)
    return _Part(cold.hits, done - arrivals + path, busy, room)


@dataclass(frozen=True)
class _Cold:
    """Which requests find their model in memory, which load it, and the seconds until a worker can begin."""

    hits: np.ndarray
    loads: np.ndarray
    seconds: np.ndarray


def _cold(
    asked: np.ndarray,
    arrivals: np.ndarray,
    ages: np.ndarray,
    room: int,
    kept: int,
    loading: np.ndarray,
    download_seconds: float,
) -> _Cold:
    """Follow the memory from request to request.

    Args:
        asked: The model of each request `(requests,)`.
        arrivals: When each came, in seconds `(requests,)`, ascending.
        ages: For how many seconds nobody had asked for each model before `(models,)`.
        room: How many models fit into the memory.
        kept: How many have their files on the disk.
        loading: The seconds that each request's model takes to load, if it does `(requests,)`.
        download_seconds: Until a model's files are on the disk.
    """
    hits, loads = np.ones(len(asked), dtype=bool), np.zeros(len(asked), dtype=bool)
    seconds = np.zeros(len(asked))
    if room >= len(ages):  # all of them are in memory, and stay there
        return _Cold(hits, loads, seconds)
    newest = np.argsort(ages)
    memory, disk = (  # the least recently used first
        OrderedDict.fromkeys(newest[:number][::-1].tolist()) for number in (room, kept)
    )
    makes_room = kept < len(ages)  # otherwise the disk has the files of all models, in whatever order
    there: dict[int, float] = {}  # when a model that was not in memory is there
    for number, (name, now) in enumerate(zip(asked.tolist(), arrivals.tolist(), strict=True)):
        if name in memory:
            memory.move_to_end(name)
            if there.get(name, now) > now:  # others wait for the same load
                hits[number], seconds[number] = False, there[name] - now
        else:
            hits[number], loads[number] = False, True
            wait = 0.0 if name in disk else download_seconds
            seconds[number] = wait
            there[name] = now + wait + loading[number]
            if room:
                memory[name] = None
                if len(memory) > room:
                    memory.popitem(last=False)
        if makes_room:
            disk[name] = None
            disk.move_to_end(name)
            if len(disk) > kept:
                disk.popitem(last=False)
    return _Cold(hits, loads, seconds)


def _queue(ready: np.ndarray, work: np.ndarray, workers: int) -> np.ndarray:
    """When each request is done, if whoever is ready first gets the next free worker."""
    order = np.argsort(ready, kind="stable")
    done = np.empty(len(ready))
    if workers == 1:
        # Lindley's recursion without a loop: all work since the start of the latest busy period.
        worked = np.cumsum(work[order])
        done[order] = worked + np.maximum.accumulate(ready[order] - worked + work[order])
        return done
    free = [0.0] * workers
    finished = []
    for begin, seconds in zip(ready[order].tolist(), work[order].tolist(), strict=True):
        end = max(begin, free[0]) + seconds
        heapq.heapreplace(free, end)
        finished.append(end)
    done[order] = finished
    return done


def _shared(ready: np.ndarray, work: np.ndarray, throughput: tuple[float, ...]) -> np.ndarray:
    """When each request is done, if all that are there advance together: processor sharing.

    What one request has advanced by since the start is the same for all. So a request is done when this has
    grown by its work, and the next to be done is the one with the least such mark.
    """
    order = np.argsort(ready, kind="stable")
    done = np.empty(len(ready))
    there: list[tuple[float, int]] = []  # mark, request
    now = advanced = 0.0

    def advance(until: float) -> None:
        """Let those that are there advance until a time, and those leave that are done by then."""
        nonlocal now, advanced
        while there:
            speed = throughput[min(len(there), len(throughput)) - 1] / len(there)
            end = now + (there[0][0] - advanced) / speed
            if end > until:
                advanced += (until - now) * speed
                break
            now, (advanced, request) = end, heapq.heappop(there)
            done[request] = end
        now = until

    for request, begin, seconds in zip(
        order.tolist(), ready[order].tolist(), work[order].tolist(), strict=True
    ):
        advance(begin)
        heapq.heappush(there, (advanced + seconds, request))
    advance(math.inf)
    return done
