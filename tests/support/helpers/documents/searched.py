"""What a packed search writes, `search.json`: small, with trials of every state and an ensemble."""

from typing import Any

__all__ = ["report"]


def _trial(number: int, algorithm: str, source: str, score: float | None, **more: Any) -> dict[str, Any]:
    scores = [] if score is None else [score - 0.01, score + 0.01]
    trial = {"number": number, "algorithm": algorithm, "hyperparameters": {"depth": f"{number + 1}"}}
    trial |= {"source": source, "state": "complete", "reason": None, "scores": scores, "score": score}
    return trial | {"rounds": None, "seconds": 0.25 * (number + 1), **more}


def report(*, chosen: bool = True, ensemble: bool = True) -> dict[str, Any]:
    """Six trials, of which the third is the best."""
    trials = [
        _trial(0, "LightGBM", "default", -0.30),
        _trial(1, "RandomForest", "default", -0.40),
        _trial(2, "NeuralNet", "portfolio", -0.10),
        _trial(
            3, "NeuralNet", "sampler", None, state="pruned", reason="worse on 2 of 5 folds", scores=[-0.9]
        ),
        _trial(4, "XGBoost", "sampler", None, state="failed", reason="Fold 1 cannot be fitted"),
        _trial(5, "LightGBM", "warm", -0.20),
    ]
    made = {
        "members": [{"trial": 2, "weight": 0.75}, {"trial": 0, "weight": 0.25}],
        "score": -0.08,
        "scores": [-0.09, -0.07],
        "nested_score": -0.095,
        "gain": {"value": 0.02, "low": 0.005, "high": 0.03},
        "chosen": chosen,
        "reason": "better than the best trial" if chosen else "not better beyond noise",
    }
    return {
        "format": "tabular-search",
        "format_version": 1,
        "scorer": "neg_log_loss",
        "folds": 2,
        "rows": 100,
        "random_state": 42,
        "seconds": 5.5,
        "stopped": "trials",
        "warm_started_from": 3,
        "trials": trials,
        "best": 2,
        "best_nested_score": -0.115,
        "ensemble": made if ensemble else None,
    }
