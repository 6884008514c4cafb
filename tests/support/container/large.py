"""Large models: the small ones of the tests with more trees or wider layers."""

from pathlib import Path

import numpy as np
from tabular.portable import files

from support.container.tables import fitted

__all__ = ["ALGORITHMS", "save_large"]

ALGORITHMS = ("RandomForest", "XGBoost", "LightGBM", "NeuralNet")  # the others have a number for each feature


def save_large(folder: Path, algorithm: str, size: int) -> None:
    """Save a model of about this many bytes."""
    one = fitted(algorithm, "binary")
    manifest, arrays = one.manifest, dict(one.arrays)
    if algorithm == "NeuralNet":
        manifest, arrays = _wide(manifest, arrays, size)
    else:
        arrays = _repeated(arrays, size)
    files.save_model(folder, manifest, arrays)


def _repeated(arrays: dict[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    """Many copies of all trees; boosted ones then add up to large margins."""
    trees = ("feature", "threshold", "left", "default_left", "value")
    nodes, each = len(arrays["feature"]), sum(arrays[name].nbytes for name in trees)
    copies = max(1, size // each)
    shift = np.arange(copies)[:, None] * nodes
    tiled = {name: np.concatenate([arrays[name]] * copies) for name in trees}
    tiled["left"] = (arrays["left"] + shift).ravel().astype(np.int32)
    tiled["root"] = (arrays["root"] + shift).ravel().astype(np.int32)
    tiled["group"] = np.tile(arrays["group"], copies)
    return arrays | tiled


def _wide(manifest: dict, arrays: dict[str, np.ndarray], size: int) -> tuple[dict, dict[str, np.ndarray]]:
    """A hidden layer of as many units as it takes, between two that stay as they are."""
    inputs, outputs = arrays["weights.0"].shape[0], manifest["estimator"]["outputs"]
    units = int((size / 8) ** 0.5)
    layers = [(inputs, units), (units, units), (units, outputs)]
    kept = {name: array for name, array in arrays.items() if not name.startswith(("weights.", "intercept."))}
    for index, shape in enumerate(layers):
        kept |= {f"weights.{index}": np.full(shape, 1e-6), f"intercept.{index}": np.zeros(shape[1])}
    return manifest | {"estimator": manifest["estimator"] | {"layers": len(layers)}}, kept
