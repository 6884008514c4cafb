"""The data sets that ship with the project: where to get each, and how to recognize a good copy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["DATASETS", "DatasetSpec"]


@dataclass(frozen=True)
class DatasetSpec:
    """One table: where it is, what to predict, and the shape and class counts that identify a good copy.

    The columns are named here, the target last, because a source may have no header, and scikit-learn calls
    the target "target". `copy_variable` is an environment variable that may name a local copy. `entry` has
    what an entry in DATASETS need not say about it; one that says it, says it instead.
    """

    uri: str
    target: str
    rows: int
    columns: tuple[str, ...]
    description: str
    class_counts: Mapping[str, int] = field(default_factory=dict)
    copy_variable: str = ""
    entry: Mapping[str, Any] = field(default_factory=dict)


_FILES = Path(__file__).parents[3] / "parameters/examples/data"
_CELL_NUCLEUS = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
_WINE = (
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280/od315_of_diluted_wines",
    "proline",
)
DATASETS: Mapping[str, DatasetSpec] = {
    "breast-cancer": DatasetSpec(
        uri="sklearn:breast_cancer",
        target="diagnosis",
        rows=569,
        columns=(
            *(f"mean {name}" for name in _CELL_NUCLEUS),
            *(f"{name} error" for name in _CELL_NUCLEUS),
            *(f"worst {name}" for name in _CELL_NUCLEUS),
            "diagnosis",
        ),
        class_counts={"malignant": 212, "benign": 357},
        description="Is a breast mass malignant? Measurements of cell nuclei (UCI 17, in scikit-learn).",
    ),
    "banknote-authentication": DatasetSpec(
        uri="https://archive.ics.uci.edu/ml/machine-learning-databases/00267/data_banknote_authentication.txt",
        target="class",
        rows=1372,
        columns=("variance", "skewness", "curtosis", "entropy", "class"),
        class_counts={"0": 762, "1": 610},
        description="Is a banknote forged? Wavelet features of its image (UCI 267).",
        copy_variable="BANKNOTE_CSV",
    ),
    "wine": DatasetSpec(
        uri="sklearn:wine",
        target="cultivar",
        rows=178,
        columns=(*_WINE, "cultivar"),
        class_counts={"class_0": 59, "class_1": 71, "class_2": 48},
        description="Which of three cultivars is this wine? A chemical analysis (UCI 109, in scikit-learn).",
    ),
    "diabetes": DatasetSpec(
        uri="sklearn:diabetes",
        target="progression",
        rows=442,
        columns=("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6", "progression"),
        description="How far does diabetes progress in a year? Ten measurements, scaled (in scikit-learn).",
    ),
    "deliveries": DatasetSpec(
        uri=str(_FILES / "deliveries.csv"),
        target="late",
        rows=1500,
        columns=(
            *("ordered", "region", "carrier", "express", "items", "weight_kg", "distance_km", "rain_mm"),
            *("price", "refund", "late"),
        ),
        class_counts={"no": 1330, "yes": 170},
        description="Will a shop deliver late? Invented orders, with a column that gives the answer away.",
        # Who is late gets a refund, which nobody knows in advance. One order in ten is late: by chance, the
        # average precision is about 0.1, while a model that never says `late` is right in nine of ten cases.
        entry={
            "drop": ["refund"],
            "subgroups": ["carrier"],
            "metric": "average_precision",
            "min_metric": 0.25,
        },
    ),
}
