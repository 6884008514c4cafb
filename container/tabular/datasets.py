"""The data sets that come with the project, as data: where each is had and how a good copy looks."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DATASETS", "DatasetSpec"]


@dataclass(frozen=True)
class DatasetSpec:
    """One table: its shape and class counts tell a good copy from a broken download.

    It is had from `loader`, a function of sklearn.datasets, or from `url`, a file without a header line.
    `copy_variable` is an environment variable that may name a local copy.
    """

    target: str
    rows: int
    columns: tuple[str, ...]
    class_counts: Mapping[str, int]
    description: str
    loader: str = ""
    url: str = ""
    copy_variable: str = ""


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
DATASETS: Mapping[str, DatasetSpec] = {
    "breast-cancer": DatasetSpec(
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
        loader="load_breast_cancer",
    ),
    "banknote-authentication": DatasetSpec(
        target="class",
        rows=1372,
        columns=("variance", "skewness", "curtosis", "entropy", "class"),
        class_counts={"0": 762, "1": 610},
        description="Is a banknote forged? Wavelet features of its image (UCI 267).",
        url="https://archive.ics.uci.edu/ml/machine-learning-databases/00267/data_banknote_authentication.txt",
        copy_variable="BANKNOTE_CSV",
    ),
    "wine": DatasetSpec(
        target="cultivar",
        rows=178,
        columns=(*_WINE, "cultivar"),
        class_counts={"class_0": 59, "class_1": 71, "class_2": 48},
        description="Which of three cultivars is a wine of? A chemical analysis (UCI 109, in scikit-learn).",
        loader="load_wine",
    ),
}
