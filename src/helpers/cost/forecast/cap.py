"""MAX_COST_USD: refuses a run whose forecast may exceed it, before anything is uploaded or started.

The upper end of the forecast for AWS counts, also on a laptop: a parameter file that passes here must pass
there, and one that is refused there must be refused here.
"""

import math

from helpers.cost.forecast.estimate import Forecast
from helpers.cost.ranges import up_to_cents
from helpers.errors import BadInput

__all__ = ["NOTHING_STARTED", "check_cap"]

NOTHING_STARTED = "nothing was uploaded or started."


def check_cap(forecast: Forecast, cap: float | None) -> None:
    """Refuse a run that may cost more than it is allowed.

    Args:
        forecast: for AWS.
        cap: what MAX_COST_USD allows; 0 or None for no cap.

    Raises:
        BadInput: it may cost more, or what it costs is not known.
    """
    if not cap:
        return
    dollars = forecast.dollars
    if dollars is None:
        raise BadInput(
            f"MAX_COST_USD is {cap:g}, but it is not known what this run may cost, because "
            f"{' and '.join(forecast.unknown)}; give a price with PRICES, choose another instance type, or "
            f"set MAX_COST_USD to 0; {NOTHING_STARTED}"
        )
    most = up_to_cents(dollars.high)  # compared as it is shown
    if most <= cap:
        return
    raise BadInput(
        f"This run may cost {dollars.low:.2f} to {most:.2f} dollars on AWS, and MAX_COST_USD allows {cap:g}; "
        f"{_less(forecast, cap)}or raise MAX_COST_USD; {NOTHING_STARTED}"
    )


def _less(forecast: Forecast, cap: float) -> str:
    """What would make it cheaper, with the number of trials that would fit."""
    trials = [it for table in forecast.tables for it in table.steps if it.step.trials and it.dollars]
    others = (forecast.dollars.high if forecast.dollars else 0) - sum(
        it.dollars.high for it in trials if it.dollars
    )
    each = sum(it.dollars.high / it.step.jobs for it in trials if it.dollars)
    fitting = math.floor((cap - others) / each) if each else 0
    shorter = "shorten DATASETS, " if len(forecast.tables) > 1 else ""
    if any(it.step.packed for table in forecast.tables for it in table.steps):
        return f"lower MAX_TUNING_JOBS, limit SEARCH_SECONDS, {shorter}"
    if fitting >= 1:
        return f"lower MAX_TUNING_JOBS to {fitting}, {shorter}"
    return f"lower MAX_TUNING_JOBS, {shorter}"
