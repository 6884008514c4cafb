"""What EvaluateBestModel found on held-out rows, as tables.

- `metrics`: with their intervals, beside cross-validation, and for each subgroup.
- `mistakes`: where the model is wrong and most sure; `thresholds`: when to act on a probability.
- `fleets`: what serves the partitions of a table, and how well.
"""

from helpers.runs.evaluations.metrics import intervals, optimism, save_page, subgroups, verdicts

__all__ = ["intervals", "optimism", "save_page", "subgroups", "verdicts"]
__dir__ = __all__.copy
