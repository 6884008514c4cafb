"""What happens before the run whose notebooks are stored, so that 04 has something to decide on.

All of it really runs. The first version of each table knows only a few of its columns, and so is clearly
worse than all that follow. The second run must show that its model is better than the first, which one trial
on the same columns never does. So nothing here hangs on a last digit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.data.catalogue import DATASETS
from helpers.errors import ExitCode

__all__ = ["CHANGES", "LAST", "Episode", "episodes"]

# The columns of each table that the first runs know.
KNOWN = {
    "breast-cancer": ("mean texture", "mean smoothness", "texture error", "smoothness error"),
    "wine": ("malic_acid", "ash", "alcalinity_of_ash", "magnesium"),
    "deliveries": ("ordered", "region", "items", "weight_kg", "price"),
}
# Of the run that is stored, beside the defaults: a packed search, decisions, a rollback and a load test.
CHANGES: Mapping[str, Any] = {
    "SEARCH": "packed",
    "DATASETS": list(KNOWN),
    "APPROVE": {"breast-cancer": {3: "approve", 2: "reject"}, "default": "approve"},
    "ROLL_BACK": "breast-cancer",
    "LOAD_TEST": True,
}
# A threshold that models of a few columns reach; the table that names its own has it lowered, too.
LOW = {"MIN_METRIC_FOR_REGISTRATION": 0.5}


@dataclass(frozen=True)
class Episode:
    """Some notebooks, by their numbers, the parameters of their run, and the exit code that it must have."""

    notebooks: Sequence[str]
    values: Mapping[str, Any]
    code: ExitCode = ExitCode.DONE


LAST = Episode(("02", "03", "04", "05"), CHANGES)


def episodes() -> list[Episode]:
    """The runs before the stored one, in order."""
    few = {"SEARCH": "packed", "DATASETS": [_of_few_columns(name) for name in KNOWN], **LOW}
    better = {"MAX_TUNING_JOBS": 1, "ENSEMBLE": False, "CHAMPION_MARGIN": 0.0, "CHAMPION_CONFIDENCE": 0.999}
    whole = {"SEARCH": "packed", "DATASETS": list(KNOWN), "MAX_TUNING_JOBS": 2}
    return [
        Episode(("01", "02", "03", "04"), {**few, "MAX_TUNING_JOBS": 6, "APPROVE": "approve"}),
        Episode(("03",), {**few, **better}, ExitCode.REFUSED),
        Episode(("03", "04"), {**whole, "APPROVE": {"wine": "reject", "default": "none"}}),
    ]


def _of_few_columns(name: str) -> dict[str, Any]:
    spec = DATASETS[name]
    left_out = [column for column in spec.columns if column not in (*KNOWN[name], spec.target)]
    judged = {"min_metric": 0.05} if "min_metric" in spec.entry else {}
    return {"name": name, "drop": left_out, **judged}
