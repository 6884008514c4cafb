"""How many instances of which type hold the 99th percentile of the latency, and what they cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.cost.capacity.simulation import Instance, Model, Outcome, popularity, simulate
from helpers.cost.prices import HOURS_A_MONTH, load
from helpers.display.frames import INSTEAD
from helpers.errors import BadInput

__all__ = ["TYPES", "Demand", "Fleet", "by_models", "by_type", "cheapest", "instance_of", "table"]

TYPES = ("ml.c5.large", "ml.m5.large", "ml.r5.large", "ml.m5.xlarge", "ml.r5.xlarge", "ml.m5.2xlarge")
# Of families that multi-model endpoints may use: GiB of memory for each vCPU.
# https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-support.html
GIB_BY_VCPU = {"c5": 2, "c6i": 2, "c7i": 2, "m5": 4, "m6i": 4, "m7i": 4, "r5": 8, "r6i": 8, "r7i": 8}
VCPUS = {"large": 2, "xlarge": 4, **{f"{times}xlarge": 4 * times for times in (2, 4, 8, 9, 12, 16, 18, 24)}}
DISK_BYTES = 20e9  # for the files of models; assumed, because AWS does not say how much an instance gets
SHARE = 0.75  # of an instance's memory is for models: SHARE in container/tabular/serving/memory.py
WORKERS = 1  # small requests are answered one after another, by one process, on any instance
BUSY = 0.8  # the most that workers may be busy: nothing is left for an uneven hour beyond that
MOST = 64  # instances, far more than an account's quota at first
NO_FLEET = "No instance type holds the 99th percentile; allow more seconds, or fewer requests a second."


@dataclass(frozen=True)
class Demand:
    """What is asked of an endpoint.

    Attributes:
        models: In service.
        rate: Requests a second, to all models together.
        zipf: The exponent of the law of popularity: 0 if all are asked equally often, about 1 on the web.
        p99_seconds: What the 99th percentile of the latency may be.
    """

    models: int
    rate: float
    zipf: float = 1.0
    p99_seconds: float = 0.25

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            BadInput: a number is out of its range.
        """
        for name, value, low, high in (
            ("models", self.models, 1, 1_000_000),
            ("rate", self.rate, 1e-3, 1e6),
            ("zipf", self.zipf, 0, 5),
            ("p99_seconds", self.p99_seconds, 1e-4, 3600),
        ):
            if not low <= value <= high:
                raise BadInput(f"{name} is {value!r}; it must be from {low:,} to {high:,}.")


@dataclass(frozen=True)
class Fleet:
    """A number of instances of a type, what they do, and what they cost."""

    instance_type: str
    instances: int
    outcome: Outcome
    dollars: float | None  # a month; None if the price is not known
    holds: bool  # whether it keeps p99 and is not too busy


def instance_of(instance_type: str, disk_bytes: float = DISK_BYTES) -> Instance:
    """Return what an instance of a type has for models.

    Raises:
        BadInput: its memory is not known.
    """
    family, _, size = instance_type.removeprefix("ml.").partition(".")
    if not instance_type.startswith("ml.") or family not in GIB_BY_VCPU or size not in VCPUS:
        raise BadInput(
            f"The memory of {instance_type!r} is not known; give a type such as ml.m5.large, of the families "
            f"{', '.join(GIB_BY_VCPU)} and the sizes {', '.join(VCPUS)}."
        )
    return Instance(SHARE * GIB_BY_VCPU[family] * VCPUS[size] * 2**30, WORKERS, disk_bytes)


def by_type(
    demand: Demand,
    model: Model,
    types: Sequence[str] = TYPES,
    *,
    region: str = "us-east-1",
    prices: str = "",
    disk_bytes: float = DISK_BYTES,
    requests: int = 100_000,
    seed: int = 0,
) -> list[Fleet]:
    """Return for each type the fewest instances that hold p99, or the most that were tried, if none does.

    Args:
        demand: What is asked.
        model: What a model takes.
        types: The instance types.
        region: Whose prices hold.
        prices: A file with other prices, as PRICES names it.
        disk_bytes: That an instance has for the files of models.
        requests: How many to simulate for each fleet.
        seed: Of the simulation.

    Raises:
        BadInput: a type or the prices cannot be used.
    """
    rates, listed = demand.rate * popularity(demand.models, demand.zipf), load(prices)

    def fleet(instance_type: str, instances: int) -> Fleet:
        has = instance_of(instance_type, disk_bytes)
        outcome = simulate(rates, model, has, instances, requests=requests, seed=seed)
        price = listed.instance(region, instance_type)
        dollars = None if price is None else instances * price.dollars * HOURS_A_MONTH
        holds = outcome.busy <= BUSY and outcome.p99 <= demand.p99_seconds
        return Fleet(instance_type, instances, outcome, dollars, holds)

    return [_fewest(fleet, each, demand, model) for each in types]


def cheapest(fleets: Sequence[Fleet]) -> Fleet | None:
    """Return the cheapest fleet that holds p99, if one does and its price is known."""
    fit = [fleet for fleet in fleets if fleet.holds and fleet.dollars is not None]
    return min(fit, key=lambda fleet: (fleet.dollars, -fleet.outcome.hit_ratio), default=None)


def table(fleets: Sequence[Fleet], models: int) -> pd.DataFrame:
    """A row for each fleet: hit ratio, latencies in ms, and dollars a month, also for each model."""
    return pd.DataFrame(
        [
            {
                "instance type": fleet.instance_type,
                "instances": fleet.instances,
                "hit ratio": round(fleet.outcome.hit_ratio, 4),
                "p50 ms": round(1000 * fleet.outcome.p50, 2),
                "p99 ms": round(1000 * fleet.outcome.p99, 2),
                "busy": round(fleet.outcome.busy, 3),
                "dollars a month": None if fleet.dollars is None else round(fleet.dollars, 2),
                "for each model": None if fleet.dollars is None else round(fleet.dollars / models, 4),
                "holds p99": fleet.holds,
            }
            for fleet in fleets
        ]
    ).set_index("instance type")


def by_models(
    demand: Demand,
    model: Model,
    numbers: Sequence[int] = (10, 100, 1000, 10_000, 100_000),
    types: Sequence[str] = TYPES,
    *,
    region: str = "us-east-1",
    prices: str = "",
    **options: Any,
) -> pd.DataFrame:
    """A row for each number of models: the cheapest fleet that holds p99, if there is one, as in `table`.

    The arguments are those of `by_type`. A type of which a single instance costs more than a fleet that was
    found is not simulated.
    """
    listed = load(prices)
    prices_of = {each: price.dollars for each in types if (price := listed.instance(region, each))}

    def best(number: int) -> Fleet | None:
        asked, found = Demand(number, demand.rate, demand.zipf, demand.p99_seconds), None
        for each in sorted(prices_of, key=prices_of.__getitem__):
            if found and prices_of[each] * HOURS_A_MONTH > found.dollars:
                break
            fleets = by_type(asked, model, [each], region=region, prices=prices, **options)
            found = cheapest([found, *fleets] if found else fleets)
        return found

    rows = {number: best(number) for number in numbers}
    found = [
        table([fleet], number).reset_index().assign(models=number) for number, fleet in rows.items() if fleet
    ]
    sized = pd.concat(found).set_index("models") if found else pd.DataFrame()
    sized.attrs[INSTEAD] = NO_FLEET
    return sized


def _fewest(fleet: Any, instance_type: str, demand: Demand, model: Model) -> Fleet:
    """Double the number of instances until p99 holds or more of them would change nothing, then bisect."""
    room = instance_of(instance_type).memory_bytes // model.memory_bytes
    enough = min(MOST, 4 * max(1, math.ceil(demand.models / max(room, 1))))
    enough = min(MOST, max(enough, 4 * math.ceil(demand.rate * _mean(model) / (BUSY * WORKERS))))
    few, many = 0, 1
    while not (found := fleet(instance_type, many)).holds:
        if many >= enough:
            return found
        few, many = many, min(2 * many, enough)
    while many - few > 1:
        middle = (few + many) // 2
        if (tried := fleet(instance_type, middle)).holds:
            many, found = middle, tried
        else:
            few = middle
    return found


def _mean(model: Model) -> float:
    seconds = model.answer_seconds
    return sum(seconds) / len(seconds) if isinstance(seconds, tuple) else seconds
