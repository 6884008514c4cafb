"""What a run will cost on AWS, what it has cost, and what an endpoint costs in a month.

- `prices.json`, `prices`: list prices, each with its source and date.
- `jobs`: which jobs a pipeline's definition runs; `pace`: how long one of them takes.
- `forecast`: both and the prices together, before a run; `cap`: MAX_COST_USD.
- `actual`: what SageMaker bills for an execution; `accuracy`: how far off earlier forecasts were.
- `month`: an endpoint for a month; `tables`: all of it, to look at.

docs/cost.md explains the figures. Nothing here calls AWS but `actual` and `quotas`.
"""

from helpers.cost.cap import check_cap
from helpers.cost.tables import of_definition

__all__ = ["check_cap", "of_definition"]
