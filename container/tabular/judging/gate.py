"""The gate: two signed margins that the pipeline's conditions read; a model passes if neither is negative.

The threshold margin is how much better than the threshold the metric is on all held-out rows.

The champion margin is a test of non-inferiority: has it been shown that the challenger is not worse? Both
models are scored on the same resamples of the held-out rows that neither was trained on (a paired bootstrap).
This gives the distribution of their difference, signed so that greater is better. The challenger passes if

    quantile(difference, 1 - confidence) >= -margin * skill

that is, if the probability that it loses more than a negligible amount is at most 1 - confidence. In case of
doubt, the champion stays; and the fewer rows there are, the more doubt there is.

`skill` is how much better the champion is, on the same rows, than a model that knows only the class
frequencies, or the mean of the target. The margin is a fraction of the skill. A fixed number in the metric's
own unit would not do, because no single number is small for an AUC near one, a log loss near zero and a root
mean squared error in dollars alike. A fraction of the metric itself would not do either, for example
for an R2 near zero, or for an accuracy that predicting the most common class already reaches. The margins of
clinical trials are set in the same way: they preserve a fraction of the control's effect over placebo. See
FDA, Non-Inferiority Clinical Trials to Establish Effectiveness, Guidance for Industry (2016).

MARGIN is 5%: the challenger has been shown to keep at least 95% of the champion's skill. With a margin of
zero, the challenger would have to be shown to be better. A model that is only as good as the champion fails
this in 95 of 100 trials, so a retrained model would hardly ever be registered. The effect of a margin of 5%
was measured over 12 splits of breast-cancer, wine, diabetes and a generated table, with 36 to 1,000 held-out
rows. The champion's own estimator, fitted on other rows, passes in 11 or 12 of 12 splits by AUC or log loss,
and in half of them by RMSE on 89 rows. Fitted on a tenth of the rows, it passes in at most 2 of 12 by log
loss, accuracy or RMSE. A margin of 2% refuses a third of the first kind by log loss, and a margin of 10% lets
most of the second kind pass on 1,000 rows. A model that is refused because of doubt can pass with more
held-out rows or a larger margin, but never because its test was too small to tell.

If both models are right about every row, their accuracy or AUC is the same on all resamples, and the
difference seems to be zero with certainty. That only shows that the metric cannot tell them apart on so few
rows. Then the log loss decides, which also tells how sure each model was.
"""

import math
from typing import Any

import numpy as np

from tabular.judging.agreement import Answers
from tabular.judging.metrics.bootstrap import alike, interval, resample
from tabular.judging.metrics.scores import evaluate, score, signed_margin
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput
from tabular.spec.metrics import direction

__all__ = [
    "MARGIN",
    "check_champion_rule",
    "compare",
    "no_champion",
    "no_skill",
    "passes_threshold",
    "same_as_champion",
]

MARGIN = 0.05
SURER = "log_loss"  # decides if the metric cannot tell two models apart
ROUNDING = 1e-9  # relative to the metric; a smaller difference is only rounding
SAME_MODEL = -1.0  # the margin of a model that is already in service


def check_champion_rule(margin: float, confidence: float) -> None:
    """Check that the margin and the confidence are within their ranges.

    Raises:
        BadInput: if one is outside its range.
    """
    if not 0 <= margin <= 1:
        raise BadInput(
            f"ChampionMargin is {margin}; it must be a fraction of the champion's skill, from 0 to 1."
        )
    if not 0.5 <= confidence < 1:
        raise BadInput(f"ChampionConfidence is {confidence}; it must be at least 0.5 and less than 1.")


def passes_threshold(metric: str, threshold: float, schema: Schema, value: float) -> dict[str, Any]:
    """The part of the gate that does not need a champion.

    Raises:
        BadInput: if the task does not have the metric, or the metric is not defined on the held-out rows.
    """
    margin = signed_margin(metric, schema.task, value, threshold)
    if not math.isfinite(margin):
        raise BadInput(
            f"The {metric} is {value} on the held-out rows, which cannot be compared with {threshold}; "
            "set MetricForRegistrationThreshold to another metric, or give more rows."
        )
    return {"metric": metric, "value": value, "threshold": threshold, "threshold_margin": margin}


def no_champion(why: str, version: int | None = None) -> dict[str, Any]:
    """The champion's part of the gate without a comparison: only the threshold decides."""
    return {
        "champion_version": version,
        "champion_value": None,
        "champion_margin": 0.0,
        "comparison": why,
        "summary": "no comparison" if version is None else f"no comparison with version {version}",
    }


def same_as_champion(version: int, value: float) -> dict[str, Any]:
    """The champion's part of the gate for a model that is already in service, which is refused."""
    return {
        "champion_version": version,
        "champion_value": value,
        "champion_margin": SAME_MODEL,
        "same_model": True,
        "comparison": f"This is version {version} again: the same training rows gave the same model, "
        "and a model is not registered twice.",
        "summary": f"the same model as version {version}",
    }


def compare(
    metric: str,
    schema: Schema,
    version: int,
    truth: np.ndarray,
    ours: Answers,
    theirs: Answers,
    margin: float,
    confidence: float,
    seed: int,
    clusters: np.ndarray | None = None,
) -> dict[str, Any]:
    """The champion's part of the gate, with its explanation; both models get the same rows (n_rows,).

    `clusters` says which rows belong together (n_rows,), as in `resample`.
    """
    resampled = resample(schema.task, truth, [ours, theirs], seed, clusters)
    values = [evaluate(schema.task, truth, *one) for one in (ours, theirs)]
    side_by_side, cannot_tell = {}, set()
    for name in values[0]:
        found = _difference(name, schema, *(one[name] for one in values), *(one[name] for one in resampled))
        spread = interval(found, 2 * confidence - 1)
        if alike(found):
            cannot_tell.add(name)
        if spread is not None:
            side_by_side[name] = {
                "challenger": values[0][name],
                "champion": values[1][name],
                "difference": signed_margin(name, schema.task, *(one[name] for one in values)),
                **spread,
            }
    if metric not in side_by_side:
        why = f"The {metric} is not defined on the rows that version {version} was not trained on; "
        return no_champion(why + "only the threshold decides.", version)
    by = SURER if schema.classes and metric in cannot_tell and SURER in side_by_side else metric
    found = side_by_side[by]
    nothing = score(by, schema.task, truth, *no_skill(schema, truth))
    skill = max(0.0, signed_margin(by, schema.task, found["champion"], nothing))
    champion_margin = found["low"] + margin * skill
    first = "" if by == metric else _undecided(metric, len(truth), side_by_side[metric])
    return {
        "champion_version": version,
        "champion_value": side_by_side[metric]["champion"],
        "challenger_value": side_by_side[metric]["challenger"],
        "compared_by": by,
        "champion_margin": champion_margin,
        "confidence": confidence,
        "margin": margin,
        "skill": skill,
        "allowed_loss": margin * skill,
        "comparison": first + _sentence(by, version, len(truth), found, margin * skill, confidence),
        "summary": _summary(by, version, len(truth), found),
        "metrics": side_by_side,
    }


def _difference(
    metric: str, schema: Schema, our_value: float, their_value: float, ours: np.ndarray, theirs: np.ndarray
) -> np.ndarray:
    """How much better the challenger is on each resample (n_resamples,)."""
    difference = np.asarray(signed_margin(metric, schema.task, ours, theirs))
    rounding = ROUNDING * max(abs(our_value), abs(their_value))
    return np.where(np.abs(difference) <= rounding, 0.0, difference)


def no_skill(schema: Schema, truth: np.ndarray) -> Answers:
    """Predictions of a model that knows only the mean of the target, or the class frequencies."""
    if not schema.classes:
        return np.full(len(truth), truth.mean()), None
    shares = np.bincount(truth.astype(np.intp), minlength=len(schema.classes)) / len(truth)
    return np.full(len(truth), shares.argmax()), np.tile(shares, (len(truth), 1))


def _undecided(metric: str, rows: int, found: dict[str, float]) -> str:
    return (
        f"The {metric} cannot tell the two models apart: it differs by {found['difference']:.4g} on every "
        f"resample of the {rows} rows, so the {SURER} decides. "
    )


def _sentence(
    metric: str, version: int, rows: int, found: dict[str, float], allowed: float, confidence: float
) -> str:
    verdict = "It is not worse." if found["low"] + allowed >= 0 else "It may be worse."
    return (
        f"On the {rows} held-out rows that version {version} was not trained on, the {metric} "
        f"({direction(metric)}) is {found['challenger']:.4g}, and the champion's is "
        f"{found['champion']:.4g}. The difference (positive is better) is {found['difference']:+.4g}; with "
        f"{confidence:.0%} confidence, it is at least {found['low']:+.4g}, and it must be at least "
        f"{-allowed:+.4g}. {verdict}"
    )


def _summary(metric: str, version: int, rows: int, found: dict[str, float]) -> str:
    """The comparison in the characters that the registry's metadata allows."""
    return (
        f"{metric} {found['challenger']:.4g} against {found['champion']:.4g} for version {version} "
        f"on {rows} rows: {found['difference']:+.4g} from {found['low']:+.4g} to {found['high']:+.4g}"
    )
