"""Evaluation reports as EvaluateBestModel writes them, of made-up models."""

import numpy as np
from tabular.judging.gate import compare, no_champion, passes_threshold
from tabular.judging.metrics.bootstrap import resample
from tabular.judging.metrics.quality import calibration, intervals, model_quality, per_class, residuals
from tabular.judging.metrics.scores import evaluate
from tabular.spec.columns import Schema

HISTORY = {
    "algorithm": "XGBoost",
    "hyperparameters": {"max_depth": "3", "n_estimators": "120"},
    "cross_validation": {"scorer": "neg_log_loss", "folds": 5, "score": -0.31, "training_job": "trial-7"},
    "training": {"job": "refit-1", "rows": 480, "data_sha256": "ab" * 32},
    "libraries": {"numpy": "2.4.6", "xgboost-cpu": "3.2.0"},
}
ENSEMBLE = {
    **HISTORY,
    "algorithm": "Ensemble",
    "hyperparameters": {},
    "cross_validation": HISTORY["cross_validation"] | {"nested_score": -0.34},
    "ensemble": {
        "members": [
            {"algorithm": "XGBoost", "hyperparameters": {"max_depth": "3"}, "weight": 2 / 3, "trial": 7},
            {"algorithm": "NaiveBayes", "hyperparameters": {}, "weight": 1 / 3, "trial": 2},
        ]
    },
}
MEMBERS = {"member 1": "XGBoost with weight 0.667, max_depth=3", "member 2": "NaiveBayes with weight 0.333"}
AGREEMENT = {"rows": 120, "largest_difference": 3e-8, "ties": 0, "tolerance": 1e-7}


def _report(schema, truth, answer, metric, gate, **more):
    (resampled,) = resample(schema.task, truth, [answer], 0)
    value = evaluate(schema.task, truth, *answer)[metric]
    return {
        **model_quality(schema, truth, *answer, resampled),
        "gate": {**passes_threshold(metric, 0.6, schema, value), **gate},
        "model": {**HISTORY, "task": schema.task, "target": schema.target},
        "rows": {"held_out": len(truth), "training": 480},
        **({"positive": schema.classes[1]} if schema.task == "binary" else {}),
        "agreement": AGREEMENT,
        "intervals": intervals(schema, truth, answer, resampled),
        "subgroups": {},
        "champion": None,
        **more,
    }


def _classified():
    rng = np.random.default_rng(0)
    schema = Schema("binary", "sold", ("no", "<yes>"), ())
    truth = rng.integers(0, 2, 120)
    models = []
    for noise in (1.0, 1.1):
        positive = 1 / (1 + np.exp(-(2 * truth - 1) - noise * rng.normal(size=120)))
        models.append(((positive > 0.5).astype(int), np.stack([1 - positive, positive], axis=1)))
    ours, theirs = models
    gate = compare("auc", schema, 3, truth, ours, theirs, 0.05, 0.95, 0)
    changed = [{"what": "algorithm", "champion": "NaiveBayes", "challenger": "XGBoost"}]
    level = {"rows": 3, "metrics": {"auc": 0.5, "accuracy": 2 / 3}, "intervals": {}}
    return _report(
        schema,
        truth,
        ours,
        "auc",
        {name: value for name, value in gate.items() if name != "metrics"},
        per_class=per_class(schema, truth, ours[0]),
        calibration=calibration(schema, truth, ours[1]),
        permutation_importance={
            "size & weight": {"mean": 0.2, "standard_deviation": 0.02},
            "colour": {"mean": -0.01, "standard_deviation": 0.01},
        },
        subgroups={"region": {"north": level, "south": {**level, "metrics": {"accuracy": 1.0}}}},
        champion={"version": 3, "model": {}, "metrics": gate["metrics"], "changed": changed},
    )


def _regressed():
    rng = np.random.default_rng(0)
    truth = rng.normal(100, 20, 120)
    predicted = truth + rng.normal(0, 8, 120)
    return _report(
        Schema("regression", "price", (), ()),
        truth,
        (predicted, None),
        "rmse",
        no_champion("No model of this data set is in service."),
        residuals=residuals(truth, predicted, 0),
        permutation_importance={},
    )


CLASSIFIED, REGRESSED = _classified(), _regressed()
