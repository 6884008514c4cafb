"""evaluation.json, which EvaluateBestModel writes, and mistakes.json beside it, with rows of the table."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from tabular.spec.columns import Task
from tabular.spec.documents.models import Agreement, Change, ModelFacts
from tabular.spec.documents.schemas import Label

__all__ = [
    "FLEET_FILE",
    "MISTAKES_FILE",
    "QUALITY",
    "Calibration",
    "CalibrationBin",
    "ChampionReport",
    "ClassQuality",
    "Difference",
    "FleetReport",
    "Gate",
    "Importance",
    "Interval",
    "MetricValue",
    "Mistake",
    "MistakesDocument",
    "OwnAgainstPooled",
    "PartitionFigures",
    "Quality",
    "Report",
    "Residuals",
    "Rows",
    "Subgroup",
    "quality",
]

# Beside evaluation.json: all partitions of a fleet, and rows about which the model is most wrong.
FLEET_FILE, MISTAKES_FILE = "fleet.json", "mistakes.json"


class Interval(TypedDict):
    """The range in which a metric lies with this confidence."""

    low: float
    high: float
    confidence: float


class MetricValue(TypedDict):
    """A metric on the held-out rows; the deviation is the string "NaN" if it is not defined."""

    value: float
    standard_deviation: float | str


# A MetricValue for each metric name; for classification also `confusion_matrix`, and for two classes two
# curves.
Quality = dict[str, Any]


class Gate(TypedDict):
    """The two margins on which the pipeline's conditions depend, and the figures that explain them."""

    metric: str
    value: float
    threshold: float
    threshold_margin: float
    champion_version: int | None
    champion_value: float | None
    champion_margin: float
    comparison: str
    summary: str
    same_model: NotRequired[bool]
    # Only if the two models were compared.
    challenger_value: NotRequired[float]
    compared_by: NotRequired[str]  # the metric of the four figures that follow
    confidence: NotRequired[float]
    margin: NotRequired[float]
    skill: NotRequired[float]
    allowed_loss: NotRequired[float]
    rows: NotRequired[int]
    rows_left_out: NotRequired[int]


class Rows(TypedDict):
    """How many rows a model was evaluated on and fitted on."""

    held_out: int
    training: int | None


class Difference(Interval):
    """A metric for both models, and by how much the challenger is better."""

    challenger: float
    champion: float
    difference: float


class ChampionReport(TypedDict):
    """The model in service, compared with the new one; without metrics if they could not be compared."""

    version: int
    model: ModelFacts
    metrics: dict[str, Difference]
    changed: list[Change]


class ClassQuality(TypedDict):
    """One class against all others."""

    rows: int
    precision: float
    recall: float
    f1: float


class CalibrationBin(TypedDict):
    """Rows of about the same predicted probability, and the fraction of them that was right."""

    predicted: float
    observed: float
    rows: int


class Calibration(TypedDict):
    """How many of the predictions made with a given confidence were right."""

    bins: list[CalibrationBin]
    expected_calibration_error: float


class Residuals(TypedDict):
    """Predictions minus true values: quantiles over all rows, and a sample of rows."""

    quantiles: dict[str, float]
    predicted: list[float]
    residual: list[float]


class Subgroup(TypedDict):
    """The rows with one level of a column, and the metrics on them."""

    rows: int
    metrics: dict[str, float]
    intervals: dict[str, Interval]


class Importance(TypedDict):
    """How much worse the gate's metric gets when a column is shuffled."""

    mean: float
    standard_deviation: float


class PartitionFigures(TypedDict):
    """A partition in a report; the metric is None if it is not defined on its held-out rows."""

    key: list[str]
    rows: int
    held_out: int
    served_by: Literal["own", "pooled"]
    metric: float | None


class OwnAgainstPooled(TypedDict):
    """Own models and the pooled one on the held-out rows of the partitions for which own ones were chosen."""

    partitions: int
    rows: int
    own_loss: float | None
    pooled_loss: float | None


class FleetReport(TypedDict):
    """What serves the partitions of a table, and how good it is over them.

    `taken_over` counts those that were not searched, because their rows have not changed, and `unfinished`
    those whose search failed or had too little time. `quantiles` are eleven of the metric over the partitions
    on whose held-out rows it is defined, and `points` some of them: training rows and the metric.
    `pooled_everywhere` says why no own model serves although some were chosen.
    """

    partition: list[str]
    partitions: int
    own: int
    pooled: int
    kept: int
    taken_over: int
    unfinished: int
    metric: str
    quantiles: list[float]
    points: list[list[float]]
    own_against_pooled: OwnAgainstPooled
    pooled_everywhere: str | None
    champion: str
    worst: list[PartitionFigures]
    smallest: list[PartitionFigures]


class Report(TypedDict):
    """The results of EvaluateBestModel; its metrics are under one of three names, see `quality`."""

    binary_classification_metrics: NotRequired[Quality]
    multiclass_classification_metrics: NotRequired[Quality]
    regression_metrics: NotRequired[Quality]
    gate: Gate
    model: ModelFacts
    # The scores of the search in one line, for the registry.
    cross_validated: NotRequired[str]
    # Of model.tar.gz; reports from before 2026-11-26 have none.
    model_sha256: NotRequired[str]
    rows: Rows
    # Only for two classes: the one that precision, recall, F1, both curves and calibration are about.
    positive: NotRequired[Label]
    # Only for two classes: the probability of the positive one from which on a row is taken for it, at each
    # point of the receiver operating characteristic; earlier reports have none.
    thresholds: NotRequired[list[float]]
    agreement: Agreement
    intervals: dict[str, Interval]
    # Only for classification.
    per_class: NotRequired[dict[str, ClassQuality]]
    calibration: NotRequired[Calibration]
    # Only for regression.
    residuals: NotRequired[Residuals]
    subgroups: dict[str, dict[str, Subgroup]]
    permutation_importance: dict[str, Importance]
    champion: ChampionReport | None
    # Only for a table with partitions.
    fleet: NotRequired[FleetReport]


class Mistake(TypedDict):
    """A held-out row that is predicted wrongly: its place among them, and its raw cells.

    `probability` is that of the predicted class, which a regression does not have.
    """

    row: int
    label: Label
    predicted: Label
    probability: NotRequired[float]
    cells: dict[str, Any]


class MistakesDocument(TypedDict):
    """How many held-out rows are predicted wrongly, and the few on which the model is most sure."""

    format: Literal["tabular-mistakes"]
    format_version: int
    wrong: int
    rows: list[Mistake]


# The names that SageMaker's model quality reports use for the metrics of each task:
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
QUALITY: Mapping[Task, str] = {
    "binary": "binary_classification_metrics",
    "multiclass": "multiclass_classification_metrics",
    "regression": "regression_metrics",
}


def quality(report: Report) -> Quality:
    """The metrics of a report, whichever of the three names they are under."""
    return next(found for name in QUALITY.values() if (found := report.get(name)) is not None)
