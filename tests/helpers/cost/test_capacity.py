"""The simulation against closed forms, and what it recommends."""

import math
from collections import OrderedDict

import numpy as np
import pytest
from tabular.serving import memory

from helpers.cost import capacity
from helpers.cost.capacity import sizing
from helpers.cost.capacity.simulation import Instance, Model
from helpers.errors import BadInput

ONE = Model(memory_bytes=1, answer_seconds=1e-6, load_seconds=0, download_seconds=0)


def che(rates: np.ndarray, room: int) -> float:
    """The hit ratio of a least recently used memory, by the approximation of Che, Tung and Wang (2002)."""
    low, high = 0.0, 1e9
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 - np.exp(-rates * middle)).sum() < room else (low, middle)
    return float(rates @ (1 - np.exp(-rates * low)) / rates.sum())


def erlang_c(arrivals: float, service: float, workers: int) -> float:
    """The mean seconds that requests wait in a queue M/M/c."""
    offered = arrivals * service
    waiting = offered**workers / math.factorial(workers) / (1 - offered / workers)
    share = waiting / (sum(offered**k / math.factorial(k) for k in range(workers)) + waiting)
    return share * service / (workers - offered)


@pytest.mark.parametrize("zipf", [0.0, 0.7, 1.0, 1.3])
@pytest.mark.parametrize(("models", "room"), [(200, 60), (10_000, 2_000), (100_000, 90_000)])
def test_the_hit_ratio_is_ches(zipf: float, models: int, room: int) -> None:
    rates = 50 * capacity.popularity(models, zipf)
    found = capacity.simulate(rates, ONE, Instance(room), requests=50_000)
    assert found.hit_ratio == pytest.approx(che(rates, room), abs=0.01)
    assert found.models_in_memory == room


def test_the_memory_at_the_beginning_is_as_after_a_long_time() -> None:
    """As a memory that begins empty has become after many requests."""
    rates = 50 * capacity.popularity(300, 1.0)
    rng = np.random.default_rng(3)
    loaded, hits = OrderedDict(), []
    for name in rng.choice(300, 60_000, p=rates / rates.sum()).tolist():
        hits.append(name in loaded)
        loaded[name] = None
        loaded.move_to_end(name)
        if len(loaded) > 100:
            loaded.popitem(last=False)
    found = capacity.simulate(rates, ONE, Instance(100), requests=5_000)
    assert found.hit_ratio == pytest.approx(np.mean(hits[20_000:]), abs=0.02)


@pytest.mark.parametrize(("workers", "load"), [(1, 0.3), (1, 0.7), (2, 0.7), (4, 0.5)])
def test_requests_wait_as_long_as_in_a_queue_of_the_textbook(workers: int, load: float) -> None:
    service = 0.01
    answers = tuple(np.random.default_rng(1).exponential(service, 20_000))
    service = float(np.mean(answers))
    rate = load * workers / service
    model = Model(1, answers, 0, 0)
    found = capacity.simulate(np.full(10, rate / 10), model, Instance(10, workers), requests=300_000)
    assert found.hit_ratio == 1
    assert found.busy == pytest.approx(load, rel=0.03)
    if workers == 1:  # the time in a queue M/M/1 is exponential
        assert found.p50 == pytest.approx(math.log(2) * service / (1 - load), rel=0.06)
        assert found.p99 == pytest.approx(math.log(100) * service / (1 - load), rel=0.12)
    rng = np.random.default_rng(2)
    ready, work = np.cumsum(rng.exponential(1 / rate, 300_000)), rng.exponential(service, 300_000)
    waited = capacity.simulation._queue(ready, work, workers) - ready - work
    assert waited.mean() == pytest.approx(erlang_c(rate, service, workers), rel=0.1)


@pytest.mark.parametrize(("throughput", "load"), [((1.0,), 0.6), ((1.0, 1.5), 0.8), ((1.0, 2.0), 0.9)])
def test_requests_that_advance_together_take_as_long_as_in_a_textbook(
    throughput: tuple[float, ...], load: float
) -> None:
    """Processor sharing: how many are there depends on the mean of the work, not on its distribution."""
    rng = np.random.default_rng(4)
    count = 200_000
    work = np.where(rng.uniform(size=count) < 0.1, 5.0, 5 / 9)  # seconds, 1 in the mean
    ready = np.cumsum(rng.exponential(1 / load, count))
    took = capacity.simulation._shared(ready, work, throughput) - ready
    speeds = [throughput[min(n, len(throughput)) - 1] for n in range(1, 200)]
    chances = np.cumprod([1.0, *(load / speed for speed in speeds)])
    present = float(np.arange(200) @ chances / chances.sum())  # and by Little's law:
    assert took.mean() == pytest.approx(present / load, rel=0.05)
    assert (took >= work - 1e-9).all()
    # Nobody waits for long work: it slows those that come meanwhile by half, and takes longer itself.
    long, short = took[work > 1].mean(), took[work < 1].mean()
    assert long / short == pytest.approx(9, rel=0.06)


def test_instances_whose_requests_advance_together_are_busy_as_others() -> None:
    model = Model(1, 0.01, 0.02, 0.0)
    rates = 20 * capacity.popularity(100, 1.0)
    apart = capacity.simulate(rates, model, Instance(30), requests=20_000)
    together = capacity.simulate(rates, model, Instance(30, throughput=(1.0, 2.0)), requests=20_000)
    assert together.hit_ratio == pytest.approx(apart.hit_ratio, abs=0.001)
    assert together.busy == pytest.approx(apart.busy / 2, rel=0.01)
    assert together.p99 < apart.p99


def test_a_cold_request_waits_for_its_model_and_others_with_it() -> None:
    """One model that never fits, and one request in a thousand seconds: no queue."""
    slow = Model(1, 0.001, 0.1, 2.0, path_seconds=0.01)
    found = capacity.simulate(np.array([1e-3]), slow, Instance(0), requests=2_000)
    assert (found.hit_ratio, found.models_in_memory) == (0, 0)
    assert found.p50 == pytest.approx(0.111)  # its files stay on the disk
    empty = capacity.simulate(np.array([1e-3]), slow, Instance(0, disk_bytes=0), requests=2_000)
    assert empty.p50 == pytest.approx(2.111)


def test_what_fits_on_neither_memory_nor_disk_is_downloaded() -> None:
    """The disk keeps the least recently used models as the memory does, so Che says how often it helps."""
    rates, model = 1e-3 * capacity.popularity(1000, 0.8), Model(1, 0.001, 0.1, 2.0)
    found = capacity.simulate(rates, model, Instance(100, disk_bytes=1000 - 10), requests=20_000)
    assert found.p99 == pytest.approx(0.101)
    less = capacity.simulate(rates, model, Instance(100, disk_bytes=300), requests=20_000)
    assert che(rates, 990) > 0.995
    assert che(rates, 300) < 0.99
    assert less.p99 == pytest.approx(2.101)


def test_the_same_seed_gives_the_same_and_more_instances_hold_more() -> None:
    rates, model = 50 * capacity.popularity(1000, 1.0), Model(1, 0.001, 0.01, 0.1)
    one, again, four = (capacity.simulate(rates, model, Instance(100), n, seed=5) for n in (1, 1, 4))
    assert one == again
    assert four.models_in_memory > 390
    assert four.hit_ratio > one.hit_ratio + 0.1
    assert four.busy < one.busy


def test_the_fewest_instances_are_found_and_the_cheapest_type() -> None:
    demand = capacity.Demand(models=100, rate=2000, zipf=0.5, p99_seconds=0.01)
    fleets = capacity.by_type(demand, Model(1e6, 0.002, 0.01, 0.1), requests=20_000)
    assert {fleet.instances for fleet in fleets} == {fleets[0].instances}  # every type has the memory
    assert all(fleet.holds and fleet.outcome.p99 <= 0.01 and fleet.outcome.busy <= 0.8 for fleet in fleets)
    assert fleets[0].instances >= 2000 * 0.002 / 0.8
    best = capacity.cheapest(fleets)
    assert best is not None
    assert best.instance_type == "ml.c5.large"
    shown = capacity.table(fleets, demand.models)
    assert shown.loc["ml.c5.large", "for each model"] == pytest.approx(best.dollars / 100, abs=1e-3)


def test_more_memory_serves_where_less_is_too_cold() -> None:
    """A hundred thousand models of 5 MB, of which a cold one takes seconds."""
    demand = capacity.Demand(models=100_000, rate=20, zipf=1.2, p99_seconds=0.5)
    model = Model(5e6, 0.001, 0.002, 3.0)
    types = ("ml.c5.large", "ml.r5.2xlarge")
    small, large = capacity.by_type(demand, model, types, requests=10_000)
    assert small.outcome.models_in_memory / small.instances < large.outcome.models_in_memory / large.instances


def test_a_model_costs_less_the_more_there_are() -> None:
    demand = capacity.Demand(models=1, rate=20, p99_seconds=0.5)
    grown = capacity.by_models(demand, Model(5e6, 0.001, 0.002, 3.0), (10, 1000), requests=5_000)
    assert list(grown.index) == [10, 1000]
    assert grown["for each model"].is_monotonic_decreasing


def test_types_that_are_not_simulated_would_not_have_been_cheaper() -> None:
    demand, model, options = (
        capacity.Demand(1, 400, 1.0, 0.05),
        Model(2e7, 0.004, 0.01, 0.1),
        {"requests": 2_000},
    )
    shown = capacity.by_models(demand, model, (10, 3000), tuple(reversed(capacity.TYPES)), **options)
    for number, row in shown.iterrows():
        asked = capacity.Demand(number, demand.rate, demand.zipf, demand.p99_seconds)
        best = capacity.cheapest(capacity.by_type(asked, model, **options))
        assert (row["instance type"], row["instances"]) == (best.instance_type, best.instances)
    assert len(shown) == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"models": 0}, "models is 0; it must be from 1 to 1,000,000"),
        ({"rate": -1.0}, "rate is -1.0"),
        ({"rate": math.nan}, "rate is nan"),
        ({"zipf": 9}, "zipf is 9; it must be from 0 to 5"),
        ({"p99_seconds": 0}, "p99_seconds is 0"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        capacity.Demand(**{"models": 10, "rate": 1, **wrong})


@pytest.mark.parametrize("name", ["m5.large", "ml.p9.large", "ml.m5.tiny", "ml.m5"])
def test_an_unknown_type_is_refused(name: str) -> None:
    with pytest.raises(
        BadInput, match=f"The memory of '{name}' is not known; give a type such as ml.m5.large"
    ):
        sizing.instance_of(name)


def test_the_server_uses_as_much_of_the_memory_for_models() -> None:
    assert sizing.SHARE == memory.SHARE
    assert sizing.instance_of("ml.m5.2xlarge").memory_bytes == 0.75 * 32 * 2**30


def test_without_instances_that_hold_the_latency_a_sentence_says_what_to_allow() -> None:
    demand, model = sizing.Demand(models=1, rate=10, p99_seconds=0.0001), Model(1e6, 0.001, 0.01, 0.1)
    sized = sizing.by_models(demand, model, (10,), requests=100)
    assert sized.empty
    assert "allow more seconds" in sized.attrs["instead"]
