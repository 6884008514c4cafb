"""The gate: two signed margins that the pipeline's conditions read; not negative passes.

The threshold's margin is how much better than the threshold the metric is on all held-out rows.

The champion's margin answers: is the challenger shown not to be worse? It is a test of non-inferiority. Both
models are judged on the same resamples of the held-out rows that neither was trained on (a paired bootstrap),
which gives the distribution of their difference, signed so that greater is better. The challenger passes if

    quantile(difference, 1 - confidence) >= -margin * skill

that is, if the probability that it loses more than a negligible part is at most 1 - confidence. The champion
stays in doubt, and the fewer rows there are, the more doubt there is.

`skill` is what the champion gains over a model that knows nothing but the share of each class, or the mean
of the target, on the same rows. The margin is a share of it, because no number in the metric's own unit is
small for an AUC near one, for a log loss near zero and for a root mean squared error in dollars alike; nor is
a share of the metric itself (of an R2 near zero, of an accuracy that the common class alone reaches). That a
margin preserves a fraction of the control's effect over placebo is how the margins of clinical trials are
set: FDA, Non-Inferiority Clinical Trials to Establish Effectiveness, Guidance for Industry (2016).

MARGIN is a twentieth: the challenger is shown to keep at least 95% of what the champion is good for. With a
margin of zero it would have to be shown to be better, which a model as good as the champion is not in 95 of
100 trials, so that a retraining on fresh rows would hardly ever be registered. What a twentieth does was
measured over 12 splits of breast-cancer, wine, diabetes and a made table with 36 to 1,000 held-out rows:
the champion's own estimator, fitted on other rows, passes in 11 or 12 of 12 by AUC or log loss and in half by
RMSE on 89 rows; fitted on a tenth of the rows it passes by log loss, accuracy or RMSE in 2 of 12 or fewer.
A fiftieth refuses a third of the first kind by log loss, a tenth lets most of the second pass on 1,000 rows.
A model that is refused in doubt passes with more held-out rows or a larger margin, and never because its
test was too small to tell.
"""

import math
from typing import Any

import numpy as np

from tabular.judging.agreement import Answers
from tabular.judging.bootstrap import interval, resample
from tabular.judging.scores import evaluate, score, signed_margin
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput

__all__ = ["MARGIN", "check_champion_rule", "compare", "no_champion", "passes_threshold", "same_as_champion"]

MARGIN = 0.05
ROUNDING = 1e-9  # of the metric: less is how sums are rounded, and not a difference
SAME_MODEL = -1.0  # the margin of a model that is in service already


def check_champion_rule(margin: float, confidence: float) -> None:
    """Refuse a margin or a confidence that has no meaning.

    Raises:
        BadInput: it is outside of its range.
    """
    if not 0 <= margin <= 1:
        raise BadInput(f"ChampionMargin is {margin}; it is a share of the champion's skill, from 0 to 1.")
    if not 0.5 <= confidence < 1:
        raise BadInput(f"ChampionConfidence is {confidence}; it must be at least 0.5 and under 1.")


def passes_threshold(metric: str, threshold: float, schema: Schema, value: float) -> dict[str, Any]:
    """The part of the gate that needs no champion.

    Raises:
        BadInput: a metric that the task does not have, or that is not defined on the held-out rows.
    """
    margin = signed_margin(metric, schema.task, value, threshold)
    if not math.isfinite(margin):
        raise BadInput(
            f"The {metric} is {value} on the held-out rows, which cannot be compared with {threshold}; "
            "set MetricForRegistrationThreshold to another metric, or give more rows."
        )
    return {"metric": metric, "value": value, "threshold": threshold, "threshold_margin": margin}


def no_champion(why: str, version: int | None = None) -> dict[str, Any]:
    """The part of the gate where there is nothing to compare with: only the threshold decides."""
    return {
        "champion_version": version,
        "champion_value": None,
        "champion_margin": 0.0,
        "comparison": why,
        "summary": "no comparison" if version is None else f"no comparison with version {version}",
    }


def same_as_champion(version: int, value: float) -> dict[str, Any]:
    """The part of the gate that refuses a model which is in service already."""
    return {
        "champion_version": version,
        "champion_value": value,
        "champion_margin": SAME_MODEL,
        "same_model": True,
        "comparison": f"This is version {version} again: the same training rows gave the same model, "
        "which is not registered twice.",
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
) -> dict[str, Any]:
    """Judge two models on the same rows (n_rows,); beside the margin everything that explains it."""
    resampled = resample(schema.task, truth, [ours, theirs], seed)
    values = [evaluate(schema.task, truth, *one) for one in (ours, theirs)]
    side_by_side = {}
    for name in values[0]:
        found = _difference(name, schema, *(one[name] for one in values), *(one[name] for one in resampled))
        spread = interval(found, 2 * confidence - 1)
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
    found = side_by_side[metric]
    nothing = score(metric, schema.task, truth, *_no_skill(schema, truth))
    skill = max(0.0, signed_margin(metric, schema.task, found["champion"], nothing))
    champion_margin = found["low"] + margin * skill
    return {
        "champion_version": version,
        "champion_value": found["champion"],
        "challenger_value": found["challenger"],
        "champion_margin": champion_margin,
        "confidence": confidence,
        "margin": margin,
        "skill": skill,
        "allowed_loss": margin * skill,
        "comparison": _sentence(metric, version, len(truth), found, margin * skill, confidence),
        "summary": _summary(metric, version, len(truth), found),
        "metrics": side_by_side,
    }


def _difference(
    metric: str, schema: Schema, our_value: float, their_value: float, ours: np.ndarray, theirs: np.ndarray
) -> np.ndarray:
    """How much better the challenger is on each resample (n_resamples,)."""
    difference = np.asarray(signed_margin(metric, schema.task, ours, theirs))
    rounding = ROUNDING * max(abs(our_value), abs(their_value))
    return np.where(np.abs(difference) <= rounding, 0.0, difference)


def _no_skill(schema: Schema, truth: np.ndarray) -> Answers:
    """Answers of a model that knows the mean of the target, or the share of each class."""
    if not schema.classes:
        return np.full(len(truth), truth.mean()), None
    shares = np.bincount(truth.astype(np.intp), minlength=len(schema.classes)) / len(truth)
    return np.full(len(truth), shares.argmax()), np.tile(shares, (len(truth), 1))


def _sentence(
    metric: str, version: int, rows: int, found: dict[str, float], allowed: float, confidence: float
) -> str:
    verdict = "It is not worse." if found["low"] + allowed >= 0 else "It may be worse."
    return (
        f"On the {rows} held-out rows that version {version} was not trained on, the {metric} is "
        f"{found['challenger']:.4g}, the champion's {found['champion']:.4g}. The difference, positive if "
        f"better, is {found['difference']:+.4g}; with {confidence:.0%} confidence it is at least "
        f"{found['low']:+.4g}, and it has to be at least {-allowed:+.4g}. {verdict}"
    )


def _summary(metric: str, version: int, rows: int, found: dict[str, float]) -> str:
    """In the characters that the registry's metadata allows."""
    return (
        f"{metric} {found['challenger']:.4g} against {found['champion']:.4g} of version {version} "
        f"on {rows} rows: {found['difference']:+.4g} from {found['low']:+.4g} to {found['high']:+.4g}"
    )
