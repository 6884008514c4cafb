"""Which scorers and metrics are not defined on some rows, because they would divide by zero.

Those of classes need a row of every class, which each split and each fold has.
"""

import numpy as np

__all__ = ["may_be_undefined", "undefined"]

NEEDS = frozenset(["r2", "mape"])  # more of the targets than that there are some


def may_be_undefined(name: str) -> bool:
    """Whether a scorer or metric is not defined on some rows; those of classes are on all that are split."""
    return name in NEEDS


def undefined(name: str, target: np.ndarray) -> str | None:
    """Why a scorer or metric is not defined on rows with these targets (n_rows,); None if it is."""
    if name == "r2" and len(np.unique(target)) < 2:  # it divides by their variance
        rows = "there is only one row" if len(target) == 1 else f"all {len(target)} rows have {target[0]:g}"
        return f"it needs two different targets and {rows}"
    if name == "mape" and (zeros := int((target == 0).sum())):  # it divides by each of them
        return f"it divides by the target, which is 0 in {zeros} of {len(target)} rows"
    return None
