"""List prices of AWS: the project's own table, and what a person's file says instead.

A file has the form of `prices.json` and needs only what differs, so a negotiated price of one instance type
is three lines. Its prices count as verified.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from helpers.errors import BadInput, one_line
from helpers.parameters import strict_yaml

__all__ = ["HOURS_A_MONTH", "Price", "Prices", "load"]

HOURS_A_MONTH = 730  # as AWS counts them: https://aws.amazon.com/calculator/calculator-assumptions/
OWN = Path(__file__).with_name("prices.json")
ELSEWHERE = "us-east-1"  # whose price of a service holds where a region has none


@dataclass(frozen=True)
class Price:
    """A price in dollars: of an hour of an instance, or of the unit that a service's name ends with."""

    dollars: float
    verified: bool
    source: str


@dataclass(frozen=True)
class Prices:
    """The prices of all regions, by region and name."""

    instances: Mapping[str, Mapping[str, Price]]
    services: Mapping[str, Mapping[str, Price]]

    def instance(self, region: str, instance_type: str) -> Price | None:
        """An hour of an instance, None if the price is not known."""
        return self.instances.get(region, {}).get(instance_type)

    def service(self, region: str, name: str) -> Price:
        """A unit of a service; a region without its own price takes that of us-east-1, not verified."""
        if found := self.services.get(region, {}).get(name):
            return found
        other = self.services[ELSEWHERE][name]
        return Price(other.dollars, False, f"the price of {ELSEWHERE}; {other.source}")


def load(path: str = "") -> Prices:
    """The project's prices, with those of a JSON or YAML file in their place.

    Args:
        path: what PRICES names; empty for none.

    Raises:
        BadInput: the file cannot be read, or a price in it is not a number.
    """
    own = _own()
    if not path:
        return own
    try:
        given = strict_yaml.load(Path(path).expanduser().read_text())  # JSON is YAML, too
        if not isinstance(given, Mapping):
            raise ValueError("it has no `instances:` or `services:`")
        return _with(own, given, path)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"PRICES is {path!r}, which cannot be used ({one_line(error)}); give a JSON or YAML file such as "
            '{"instances": {"us-east-1": {"ml.m5.large": {"dollars": 0.1}}}}.'
        ) from None


@cache
def _own() -> Prices:
    document = json.loads(OWN.read_text())
    sources = {
        name: (each["said"], each["date"], each["verified"]) for name, each in document["sources"].items()
    }

    def priced(cell: Mapping[str, Any]) -> Price:
        said, date, verified = sources[cell["source"]]
        return Price(cell["dollars"], verified, f"{said} ({date})")

    return Prices(
        *(
            {region: {name: priced(cell) for name, cell in cells.items()} for region, cells in part.items()}
            for part in (document["instances"], document["services"])
        )
    )


def _with(own: Prices, given: Mapping[str, Any], path: str) -> Prices:
    if strange := sorted(set(map(str, given)) - {"said", "sources", "instances", "services"}):
        raise ValueError(f"it has {', '.join(strange)}, but only instances and services are known")
    parts = {}
    for part in ("instances", "services"):
        known: dict[str, dict[str, Price]] = {name: dict(each) for name, each in getattr(own, part).items()}
        for region, cells in _mapping(given.get(part, {}), part).items():
            for name, cell in _mapping(cells, region).items():
                if part == "services" and name not in own.services[ELSEWHERE]:
                    raise ValueError(
                        f"there is no service {name!r}; there are {', '.join(own.services[ELSEWHERE])}"
                    )
                known.setdefault(region, {})[name] = Price(_dollars(cell, name), True, f"given in {path}")
        parts[part] = known
    return Prices(**parts)


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a mapping")
    return value


def _dollars(cell: Any, name: str) -> float:
    value = cell.get("dollars") if isinstance(cell, Mapping) else cell
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise ValueError(f"the price of {name} is {value!r}, not a number of dollars")
    return float(value)
