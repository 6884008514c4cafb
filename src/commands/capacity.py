"""Simulate an endpoint with many models, and say which instances hold the latency for the least money."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from helpers.cost import capacity
from helpers.errors import BadInput, ExitCode

__all__ = ["find"]


def find(
    demand: capacity.Demand,
    model: capacity.Model,
    types: Sequence[str],
    region: str,
    prices: str,
    disk_bytes: float,
    requests: int,
    seed: int,
    as_json: bool,
) -> ExitCode:
    """Print a row for each instance type, and the cheapest that holds p99.

    Raises:
        BadInput: an instance type or the prices cannot be used.
    """
    if model.memory_bytes <= 0:
        raise BadInput(f"--memory-mb is {model.memory_bytes / 1e6:g}; a model needs more than 0.")
    options = {"region": region, "prices": prices, "disk_bytes": disk_bytes}
    options |= {"requests": requests, "seed": seed}
    fleets = capacity.by_type(demand, model, types or capacity.TYPES, **options)
    best = capacity.cheapest(fleets)
    if as_json:
        inputs = {**asdict(demand), **asdict(model), **options}
        found = [asdict(fleet) for fleet in fleets]
        recommended = best and {"instance_type": best.instance_type, "instances": best.instances}
        print(json.dumps({"inputs": inputs, "fleets": found, "recommended": recommended}, indent=1))
        return ExitCode.DONE
    print(capacity.table(fleets, demand.models).to_string(na_rep="unknown"))
    print(_advice(demand, fleets, best))
    return ExitCode.DONE


def _advice(demand: capacity.Demand, fleets: Sequence[capacity.Fleet], best: capacity.Fleet | None) -> str:
    limit = f"{1000 * demand.p99_seconds:g} ms"
    if best is not None:
        number = "One instance" if best.instances == 1 else f"{best.instances} instances"
        return (
            f"\n{number} of {best.instance_type} for {best.dollars:,.2f} dollars a month: the least that "
            f"holds p99 under {limit}."
        )
    if any(fleet.holds for fleet in fleets):
        return f"\nSome hold p99 under {limit}, but none of these has a known price; give one with --prices."
    return f"\nNone of these holds p99 under {limit}; allow more with --p99-ms, or give another --instance."
