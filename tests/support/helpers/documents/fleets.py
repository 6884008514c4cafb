"""What EvaluateBestModel writes about a table with partitions: parts of evaluation.json, and fleet.json."""

from typing import Any

import numpy as np

__all__ = ["evaluation"]


def evaluation(
    partitions: int = 6, task: str = "binary", champion: bool = True, seed: int = 0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A report and its fleet.json.

    Every third partition has a model of its own, and some of these keep that of the version in service. The
    first partition has no held-out row. The smaller a partition, the larger is its loss.
    """
    random = np.random.default_rng(seed)
    rows = np.sort(np.exp(random.uniform(0, 8, partitions)).astype(int))
    held_out = np.maximum(1, rows // 4)
    held_out[0] = 0
    own = np.arange(partitions) % 3 == 2
    kept = own & (np.arange(partitions) % 7 == 2)
    pooled_loss = 0.4 + 1 / np.sqrt(rows) + random.uniform(0, 0.3, partitions)
    loss = np.where(own, pooled_loss * random.uniform(0.5, 1.05, partitions), pooled_loss)
    known = held_out > 0

    def column(values: np.ndarray, where: np.ndarray = known) -> list[float | None]:
        return [float(value) if there else None for value, there in zip(values, where, strict=True)]

    metric = "r2" if task == "regression" else "auc"
    counts = {"own": int(own.sum()), "pooled": int((~own).sum()), "kept": int(kept.sum())}
    counts |= {"taken_over": 0, "unfinished": 0}
    report = {
        "gate": {"metric": metric, "value": 0.83},
        "model": {"task": task, "algorithm": "Fleet"},
        "fleet": {"partition": ["store"], "partitions": partitions, **counts, "metric": metric},
    }
    said = np.where(own, "its loss is smaller by 0.1 than that of the pooled model", "too few rows")
    table = {
        "format": "tabular-fleet-evaluation",
        "format_version": 1,
        "partition": ["store"],
        "partitions": {
            "key": [[f"store {number}"] for number in range(partitions)],
            "served_by": ["own" if one else "pooled" for one in own],
            "origin": ["kept" if one else "new" for one in kept],
            "reason": [f"{one}; version 1 does not have it" for one in said],
            "algorithm": ["LightGBM" if one else None for one in own],
            "score": column(-loss, own),
            "rows": rows.tolist(),
            "held_out": held_out.tolist(),
            "metric": column(np.clip(1 - loss / 2 + random.normal(0, 0.05, partitions), 0, 1), rows > 10),
            "loss": column(loss),
            "pooled_loss": column(pooled_loss),
            "champion_loss": column(loss * random.uniform(0.9, 1.3, partitions), known & own & champion),
            "sha256": [f"{number:064x}" for number in range(partitions)],
        },
    }
    return report, table
