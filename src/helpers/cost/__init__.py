"""What a run will cost on AWS, what it has cost, and what an endpoint costs in a month.

- `prices.json`, `prices`: list prices, each with its source and date; `ranges`: from the least to the most.
- `forecast`: a run, before it begins, and MAX_COST_USD.
- `actual`: what SageMaker bills for an execution, and how far off earlier forecasts were.
- `month`: an endpoint for a month; `capacity`: how many models it holds; `tables`: all of it, to look at.

docs/operations/cost.md explains the figures. Nothing here calls AWS but `actual` and `forecast.quotas`.
"""

from helpers.cost import capacity
from helpers.cost.forecast.cap import check_cap
from helpers.cost.month import Serving, by_month, per_million
from helpers.cost.tables import of_definition

__all__ = ["Serving", "by_month", "capacity", "check_cap", "of_definition", "per_million"]
__dir__ = __all__.copy
