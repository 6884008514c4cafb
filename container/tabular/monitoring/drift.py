"""How a column, or the predictions, of a window differ from the baseline: by how much, and how surely.

A test alone would alarm on every column of a busy model, because with enough rows every difference is
significant; a size alone would alarm on a quiet one, because few rows differ by chance. So drift is a
difference that is both.

- Surely: the Kolmogorov-Smirnov test of two samples for numbers and dates, the chi-square test of
  homogeneity for categories, booleans and classes, and Fisher's exact test, or chi-square if it has enough
  rows, for missing values. False discoveries are controlled over all columns of all models (Benjamini and
  Hochberg, J. R. Stat. Soc. B 57 (1995)).
- By how much: the population stability index, the symmetrised Kullback-Leibler divergence of the shares in
  bins. Its rule of thumb calls less than 0.1 a small change and more than 0.25 a large one; it says nothing
  about chance (Yurdakul and Naranjo, Journal of Risk Model Validation 14 (2020)).

Rows of one request resemble each other more than rows of different requests, and a test that takes them for
independent finds drift that is not there. So the rows are counted as fewer, by the design effect of whole
requests being drawn (Kish, Survey Sampling (1965); Rao and Scott, JASA 76 (1981)).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import numpy as np
from scipy import stats

from tabular.monitoring.baseline import Distribution

__all__ = ["LEAST_SHIFT", "Difference", "control", "difference"]

LEAST_SHIFT = 0.1  # population stability index
DECILES = np.arange(1, 10) / 10
OFTEN = 0.1  # of the rows: a value that is as frequent as a whole bin is a bin of its own
SURELY = 0.95  # that the rows of a request resemble each other no more than they are said to
MOST_BINS = 20  # of a category; its other levels are one bin
FEWEST_EXPECTED = 5  # rows of a bin, which the chi-square test needs: Cochran, Biometrics 10 (1954)
HALF_A_ROW = 0.5  # is added to each bin for the index, which is not defined for an empty one
MISSING, OTHER, NEW = "(missing)", "(other)", "(new)"


class Bin(TypedDict):
    """The share of the rows in one bin; `upto` is the upper end of a bin of numbers, None for the last."""

    name: NotRequired[str]
    upto: NotRequired[float | None]
    baseline: float
    window: float


class Shares(TypedDict):
    """A share of the rows in the baseline and in the window."""

    baseline: float
    window: float


class Difference(TypedDict):
    """A column of the window compared with the baseline; `q` and `drifted` follow from all columns.

    `moved_on` says of dates that they are later than in training as the clock goes, which is not drift.
    `effective_rows` is to how many independent rows the window's amount. `statistic` is that of `test`, the
    more significant one if there are two, and `p` is corrected for their number. `wasserstein` is in the unit
    of the column, and None for levels; `unseen` is the share of rows whose level is new, and None for numbers
    and where not all levels are known.
    """

    kind: str
    rows: int
    effective_rows: int
    test: str
    statistic: float
    p: float
    q: float
    population_stability: float
    wasserstein: float | None
    missing: Shares
    unseen: float | None
    bins: list[Bin]
    moved_on: NotRequired[bool]
    drifted: bool
    said: str


def difference(
    kind: str,
    baseline: Distribution,
    values: Sequence[str] | np.ndarray,
    requests: np.ndarray,
    until: float = np.inf,
) -> Difference:
    """Compare the values of a window (n_rows,), at least one, with a baseline of at least one row.

    Args:
        kind: the kind of the column.
        baseline: what was kept of the training rows.
        values: numbers with NaN, or levels with the empty string, for a missing value.
        requests: the number of the request of each row (n_rows,).
        until: the end of the window, in days since 1970; no date that follows the clock is later.
    """
    if isinstance(values, np.ndarray):
        found = _of_numbers(baseline, values, requests)
        if kind == "date" and _moved_on(baseline, values, until):
            found["moved_on"] = True
    else:
        found = _of_levels(baseline, values, requests)
    for name in ("statistic", "p", "population_stability", "wasserstein", "unseen"):
        found[name] = _short(found[name])
    return {"kind": kind, "rows": len(values), **found, "q": found["p"], "drifted": False, "said": ""}


def control(differences: Sequence[tuple[str, Difference]], rate: float, least_shift: float) -> None:
    """Decide which of all differences are drift, and say so in each.

    Args:
        differences: those of all columns of all models, each with its name.
        rate: the false discovery rate.
        least_shift: the population stability index from which a difference is large enough.
    """
    if not differences:
        return
    adjusted = stats.false_discovery_control([one["p"] for _, one in differences], method="bh")
    for (name, one), q in zip(differences, adjusted, strict=True):
        one["q"] = _short(float(q))
        large = one["population_stability"] >= least_shift
        one["drifted"] = bool(q <= rate and large and not one.get("moved_on"))
        one["said"] = _said(name, one)


def design_effect(scores: np.ndarray, requests: np.ndarray) -> float:
    """How many times as uncertain the means of scores (n_rows, n_scores) are as with independent rows.

    The variance between whole requests, in place of rows. Few requests say little about it, so it is the
    upper limit of what they allow (chi-square): at least 1, and at most as if all rows of a request were the
    same. One request says nothing about it.
    """
    centred = scores - scores.mean(axis=0)
    alone = float((centred**2).sum())
    _, which = np.unique(requests, return_inverse=True)
    count = int(which.max(initial=-1)) + 1
    if alone <= 0 or count < 2:
        return 1.0
    totals = np.stack([np.bincount(which, column, count) for column in centred.T])
    rows = len(scores)
    found = float((totals**2).sum()) / alone * count / (count - 1) * (rows - 1) / rows
    limit = found * (count - 1) / float(stats.chi2.ppf(1 - SURELY, count - 1))
    return max(1.0, min(limit, float((np.bincount(which) ** 2).sum()) / rows))


def _of_numbers(baseline: Distribution, values: np.ndarray, requests: np.ndarray) -> dict[str, Any]:
    kept, known = np.array(baseline["quantiles"]), baseline["rows"] - baseline["missing"]
    is_missing = np.isnan(values)
    present = values[~is_missing]
    effect, tests, wasserstein = 1.0, [], None
    if len(kept) and len(present):
        effect = design_effect(stats.rankdata(present)[:, None], requests[~is_missing])
        tests.append(_of_values(kept, known, present, effect))
        # A value that most rows have would hide that the others are in another unit.
        often = _often(kept, 0.5)
        rest, rest_now = kept[~np.isin(kept, often)], present[~np.isin(present, often)]
        if len(often) and len(rest) and len(rest_now):
            tests.append(_of_values(rest, known * len(rest) / len(kept), rest_now, effect))
        wasserstein = float(stats.wasserstein_distance(kept, present))
    missing_effect = design_effect(is_missing[:, None].astype(float), requests)
    tests += _missing_test(baseline, int(is_missing.sum()), len(values), missing_effect)
    edges = _edges(kept)
    expected = _counts(kept, edges) * (known / max(1, len(kept)))
    names: list[Any] = [{"upto": _short(edge)} for edge in [*edges, None]]
    observed = _counts(present, edges)
    return {
        **_decisive(tests),
        "effective_rows": _effective(len(values), max(effect, missing_effect)),
        "wasserstein": wasserstein,
        "unseen": None,
        **_shares(names, baseline, expected, observed, int(is_missing.sum()), len(values)),
    }


def _of_values(
    kept: np.ndarray, known: float, present: np.ndarray, effect: float
) -> tuple[str, float, float]:
    """The Kolmogorov-Smirnov test of values against the quantiles that stand for `known` rows of training."""
    statistic = float(stats.ks_2samp(kept, present, method="asymp").statistic)
    independent = len(present) / effect
    pairs = max(1, round(known * independent / (known + independent)))
    # Quantiles in place of all rows are off by up to half of a step.
    sure = max(0.0, statistic - (0.5 / len(kept) if known > len(kept) else 0.0))
    return "kolmogorov-smirnov", statistic, float(stats.kstwo.sf(sure, pairs))


def _often(kept: np.ndarray, share: float) -> np.ndarray:
    """The values that more than a share of the rows have."""
    values, counts = np.unique(kept, return_counts=True)
    return values[counts > share * len(kept)]


def _edges(kept: np.ndarray) -> np.ndarray:
    """The upper ends of the bins: frequent values alone, and the others in ten equal parts."""
    often = _often(kept, OFTEN)
    rest = kept[~np.isin(kept, often)]
    parts = np.quantile(rest, DECILES, method="inverted_cdf") if len(rest) else np.empty(0)
    return np.unique(np.concatenate([parts, often, np.nextafter(often, -np.inf)]))


def _moved_on(baseline: Distribution, values: np.ndarray, until: float) -> bool:
    """Whether dates are as those of a column that follows the clock: late in training's range, or after it.

    Half of them are later than nine tenths of training's, hardly one is later than the window, and no more
    of them are missing than a column may lose without drift.
    """
    kept, present = np.array(baseline["quantiles"]), values[~np.isnan(values)]
    if not len(kept) or not len(present):
        return False
    lost = 1 - len(present) / len(values) - baseline["missing"] / baseline["rows"]
    return bool(
        np.median(present) > np.quantile(kept, DECILES[-1])
        and np.mean(present > until) <= 0.01
        and abs(lost) < LEAST_SHIFT
    )


def _of_levels(baseline: Distribution, values: Sequence[str], requests: np.ndarray) -> dict[str, Any]:
    levels, counts = baseline["levels"], Counter(values)
    missing = counts.pop("", 0)
    likely = list(levels.items())[:MOST_BINS]
    effect = _effect_of_levels([level for level, _ in likely], values, requests)
    share = 1 / (1 + effect * baseline["rows"] / len(values))
    named = [level for level, rows in likely if (rows + counts[level] / effect) * share >= FEWEST_EXPECTED]
    expected = [float(levels[level]) for level in named]
    observed = [float(counts[level]) for level in named]
    names = [*named, OTHER]
    unseen = sum(rows for level, rows in counts.items() if level not in levels)
    # Training missed levels, too: as many rows have one as it has levels of a single row (Good, Biometrika
    # 40 (1953)).
    once = sum(rows == 1 for level, rows in levels.items() if level not in named)
    if baseline["complete"] and (once + unseen / effect) * share >= FEWEST_EXPECTED:
        names.append(NEW)
        expected.append(float(once))
        observed.append(float(unseen))
    # The other levels are before the new ones.
    expected.insert(len(named), float(sum(levels.values()) + baseline["others"]) - sum(expected))
    observed.insert(len(named), float(sum(counts.values())) - sum(observed))
    table = np.array([[*expected, baseline["missing"]], [*observed, missing]], dtype=float)
    table[1] /= effect
    table = table[:, table.sum(axis=0) > 0]
    statistic, p = 0.0, 1.0
    if table.shape[1] > 1:
        statistic, p = (float(one) for one in stats.chi2_contingency(table, correction=False)[:2])
    return {
        "test": "chi-square",
        "statistic": statistic,
        "p": p,
        "effective_rows": _effective(len(values), effect),
        "wasserstein": None,
        "unseen": unseen / len(values) if baseline["complete"] else None,
        **_shares(
            [{"name": name} for name in names],
            baseline,
            np.array(expected),
            np.array(observed),
            missing,
            len(values),
        ),
    }


def _effect_of_levels(levels: list[str], values: Sequence[str], requests: np.ndarray) -> float:
    """The design effect of the shares of some levels, of all others and of missing values."""
    place = {level: index for index, level in enumerate(levels)} | {"": len(levels) + 1}
    which = np.array([place.get(level, len(levels)) for level in values])
    return design_effect(np.eye(len(levels) + 2)[which], requests)


def _missing_test(
    baseline: Distribution, missing: int, rows: int, effect: float
) -> list[tuple[str, float, float]]:
    """A test of the share of missing values, if there are any; the statistic is the difference of shares."""
    table = np.array([[baseline["missing"], baseline["rows"]], [missing / effect, rows / effect]])
    table[:, 1] -= table[:, 0]
    if not (table.sum(axis=0) > 0).all():
        # No missing values anywhere, or nothing but missing values.
        return []
    expected = stats.contingency.expected_freq(table)
    if expected.min() < FEWEST_EXPECTED:
        p = float(stats.fisher_exact(np.rint(table).astype(int)).pvalue)
    else:
        p = float(stats.chi2_contingency(table, correction=False).pvalue)
    return [("missing values", missing / rows - baseline["missing"] / baseline["rows"], p)]


def _decisive(tests: Sequence[tuple[str, float, float]]) -> dict[str, Any]:
    """The most significant test, with its p times the number of tests (Bonferroni)."""
    if not tests:
        return {"test": "missing values", "statistic": 0.0, "p": 1.0}
    name, statistic, p = min(tests, key=lambda one: one[2])
    return {"test": name, "statistic": statistic, "p": min(1.0, p * len(tests))}


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How many values (n_edges + 1,) are at most each edge, and above the last one."""
    places = np.searchsorted(edges, values, side="left")
    return np.bincount(places, minlength=len(edges) + 1).astype(float)


def _shares(
    names: list[dict[str, Any]],
    baseline: Distribution,
    expected: np.ndarray,
    observed: np.ndarray,
    missing: int,
    rows: int,
) -> dict[str, Any]:
    """The bins' shares, with missing values as a bin of their own, and the index that follows from them."""
    before, now = np.append(expected, baseline["missing"]), np.append(observed, missing)
    used = before + now > 0
    kept = [name for name, one in zip([*names, {"name": MISSING}], used, strict=True) if one]
    before, now = before[used], now[used]
    smooth_before, smooth_now = ((one + HALF_A_ROW) / (one + HALF_A_ROW).sum() for one in (before, now))
    index = float(((smooth_now - smooth_before) * np.log(smooth_now / smooth_before)).sum())
    shares = zip(kept, before / baseline["rows"], now / rows, strict=True)
    return {
        "population_stability": index,
        "missing": {
            "baseline": _short(baseline["missing"] / baseline["rows"]),
            "window": _short(missing / rows),
        },
        "bins": [
            {**name, "baseline": round(float(old), 4), "window": round(float(new), 4)}
            for name, old, new in shares
        ],
    }


def _short(number: Any) -> Any:
    """A number with six digits, because a report has tens of thousands of them; None stays None."""
    return None if number is None else float(f"{number:.6g}")


def _effective(rows: int, effect: float) -> int:
    return max(1, round(rows / effect))


def _said(name: str, one: Difference) -> str:
    size = f"population stability index {one['population_stability']:.2f}, q {one['q']:.2g}"
    if one.get("moved_on"):
        days = one["wasserstein"] or 0.0
        return f"{name}: {days:.0f} days later than in training, as the clock goes; no drift ({size})."
    if not one["drifted"]:
        return f"{name}: no drift ({size})."
    before, now = one["missing"]["baseline"], one["missing"]["window"]
    if one["test"] == "missing values" or abs(now - before) >= LEAST_SHIFT:
        return f"{name}: {now:.1%} of the values are missing, and {before:.1%} in training ({size})."
    if one["unseen"]:
        return f"{name}: drift; {one['unseen']:.1%} of the rows have a level that is new ({size})."
    if one["wasserstein"] is not None:
        return f"{name}: drift; the values have moved by {one['wasserstein']:.3g} on average ({size})."
    return f"{name}: drift ({size})."
