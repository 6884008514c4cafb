"""A weighted mean of several fitted pipelines, which predicts as one of them does.

Caruana, Niculescu-Mizil, Crew and Ksikes, Ensemble Selection from Libraries of Models, ICML 2004.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

__all__ = ["Ensemble"]


class Ensemble:
    """Fitted pipelines for the same columns and the same target, and the weight of each.

    The mean is that of the probabilities, or for regression that of the predicted numbers. It is taken in
    double precision in the order of the members, as the server does.

    Args:
        pipelines: fitted pipelines that `build_pipeline` built; the same algorithm may occur several times.
        weights: a positive number for each pipeline; `weights` has them divided by their sum.

    Raises:
        ValueError: if there is not one positive weight for each of at least one pipeline.
    """

    def __init__(self, pipelines: Sequence[Pipeline], weights: Sequence[float]) -> None:
        given = np.asarray(weights, dtype=np.float64)
        if (
            not len(pipelines)
            or given.shape != (len(pipelines),)
            or not (np.isfinite(given) & (given > 0)).all()
        ):
            raise ValueError(
                f"An ensemble of {len(pipelines)} pipelines has the weights {given.tolist()}; it needs at "
                "least one pipeline, and one positive weight for each."
            )
        self.pipelines = list(pipelines)
        self.weights: list[float] = (given / given.sum()).tolist()

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """The encoded target (n_rows,): the most probable class, or for regression the mean."""
        if hasattr(self.pipelines[0], "predict_proba"):
            return self.predict_proba(frame).argmax(axis=1)
        return self._mean([pipeline.predict(frame) for pipeline in self.pipelines])

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """The mean probabilities (n_rows, n_classes) of a classifier."""
        return self._mean([pipeline.predict_proba(frame) for pipeline in self.pipelines])

    def _mean(self, predictions: Sequence[np.ndarray]) -> np.ndarray:
        total = np.zeros(predictions[0].shape)
        for weight, predicted in zip(self.weights, predictions, strict=True):
            total += weight * np.asarray(predicted, dtype=np.float64)
        return total
