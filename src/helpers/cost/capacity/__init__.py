"""How many models an endpoint holds, how fast, and for what: a simulation, and the cheapest instances.

- `simulation`: the memories and queues of some instances, under a law of popularity.
- `sizing`: how many instances of which type hold p99, and what they cost.

docs/operations/cost.md explains it and says how well it was found to predict.
"""

from helpers.cost.capacity.simulation import Instance, Model, Outcome, popularity, simulate
from helpers.cost.capacity.sizing import TYPES, Demand, Fleet, by_models, by_type, cheapest, table

__all__ = [
    "TYPES",
    "Demand",
    "Fleet",
    "Instance",
    "Model",
    "Outcome",
    "by_models",
    "by_type",
    "cheapest",
    "popularity",
    "simulate",
    "table",
]
__dir__ = __all__.copy
