"""What the JSON files hold that one program writes and several read.

- `Manifest`: manifest.json of a model, which RefitBestModel writes.
- `Report`: evaluation.json, which EvaluateBestModel writes.
- `SchemaDocument`: schema.json beside a split, which PreprocessData writes; a part of every manifest.
"""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from tabular.spec.columns import Kind, Task

__all__ = [
    "QUALITY",
    "ChampionReport",
    "Change",
    "Gate",
    "Interval",
    "Manifest",
    "ModelFacts",
    "Quality",
    "Report",
    "SchemaDocument",
    "quality",
]

Label = str | int | float


class NumberFormatDocument(TypedDict):
    """How the numbers of a column are written."""

    decimal: str
    thousands: str
    affixes: list[str]


class ColumnDocument(TypedDict):
    """A feature, and how its cells are read where that is not plain."""

    name: str
    kind: Kind
    format: NotRequired[str]
    number: NotRequired[NumberFormatDocument]
    missing: NotRequired[list[str]]


class SchemaDocument(TypedDict):
    """What `tabular.spec.columns.Schema` is as JSON."""

    task: Task
    target: str
    classes: list[Label]
    columns: list[ColumnDocument]
    options: dict[str, Any]
    baseline: dict[str, Any]
    others: NotRequired[list[str]]


class CrossValidation(TypedDict):
    """How the winning trial was scored."""

    scorer: str
    folds: int
    score: float
    training_job: str


class Training(TypedDict):
    """What a model was fitted on."""

    job: str
    rows: int
    data_sha256: str
    random_state: NotRequired[int]


class ModelFacts(TypedDict):
    """What a report repeats of a manifest."""

    algorithm: str
    hyperparameters: dict[str, str]
    cross_validation: CrossValidation
    training: Training
    libraries: dict[str, str]
    task: Task
    target: str


class Agreement(TypedDict):
    """How near two models are, see `tabular.judging.agreement`."""

    rows: int
    largest_difference: float
    ties: int
    tolerance: float


class Sample(TypedDict):
    """A few training rows and the answers to them."""

    instances: list[dict[str, Any]]
    predictions: list[Label]


class Encoding(TypedDict):
    """Where each level of a category goes among the features, and where one that is not known."""

    levels: dict[str, int]
    unknown: int | None
    width: int


class Manifest(SchemaDocument, ModelFacts):
    """What a model is and where it comes from; the SHA-256 of each file beside it."""

    format: Literal["tabular-portable", "tabular-pickle"]
    format_version: int
    files: NotRequired[dict[str, str]]
    sample: Sample
    estimator: NotRequired[dict[str, Any]]
    # Of a portable model alone.
    encodings: NotRequired[list[Encoding]]
    agreement: NotRequired[Agreement]
    # Where there is no model: False, and why.
    portable: NotRequired[bool]
    reason: NotRequired[str]


class Interval(TypedDict):
    """Where a metric lies with this confidence."""

    low: float
    high: float
    confidence: float


class MetricValue(TypedDict):
    """A metric on the held-out rows; the deviation is the text NaN where there is none."""

    value: float
    standard_deviation: float | str


# A MetricValue by the metric's name; of classes also `confusion_matrix`, of two classes two curves.
Quality = dict[str, Any]


class Gate(TypedDict):
    """The two margins on which the pipeline's conditions decide, and what explains them."""

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
    # Where the two were compared.
    challenger_value: NotRequired[float]
    confidence: NotRequired[float]
    margin: NotRequired[float]
    skill: NotRequired[float]
    allowed_loss: NotRequired[float]
    rows: NotRequired[int]
    rows_left_out: NotRequired[int]


class Rows(TypedDict):
    """How many rows a model was judged on and fitted on."""

    held_out: int
    training: int | None


class Difference(Interval):
    """A metric of both models, and how much better the challenger is."""

    challenger: float
    champion: float
    difference: float


class Change(TypedDict):
    """Something in which the two models differ."""

    what: str
    champion: str
    challenger: str


class ChampionReport(TypedDict):
    """The model in service beside the new one; no metrics where they were not compared."""

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
    """Rows of about the same predicted probability, and the share of them that was right."""

    predicted: float
    observed: float
    rows: int


class Calibration(TypedDict):
    """Of the predictions made with so much confidence, how many were right."""

    bins: list[CalibrationBin]
    expected_calibration_error: float


class Residuals(TypedDict):
    """Predictions less what is right: quantiles of all rows, and some rows."""

    quantiles: dict[str, float]
    predicted: list[float]
    residual: list[float]


class Subgroup(TypedDict):
    """The rows of one level of a column."""

    rows: int
    metrics: dict[str, float]
    intervals: dict[str, Interval]


class Importance(TypedDict):
    """What the gate's metric loses when a column is shuffled."""

    mean: float
    standard_deviation: float


class Report(TypedDict):
    """What EvaluateBestModel found; its metrics stand under one of three names, see `quality`."""

    binary_classification_metrics: NotRequired[Quality]
    multiclass_classification_metrics: NotRequired[Quality]
    regression_metrics: NotRequired[Quality]
    gate: Gate
    model: ModelFacts
    rows: Rows
    agreement: Agreement
    intervals: dict[str, Interval]
    # Of classes.
    per_class: NotRequired[dict[str, ClassQuality]]
    calibration: NotRequired[Calibration]
    # Of a regression.
    residuals: NotRequired[Residuals]
    subgroups: dict[str, dict[str, Subgroup]]
    permutation_importance: dict[str, Importance]
    champion: ChampionReport | None


# The names that SageMaker's model quality reports have for a task's metrics:
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
QUALITY: Mapping[Task, str] = {
    "binary": "binary_classification_metrics",
    "multiclass": "multiclass_classification_metrics",
    "regression": "regression_metrics",
}


def quality(report: Report) -> Quality:
    """The metrics of a report, under whichever name they stand."""
    return next(found for name in QUALITY.values() if (found := report.get(name)) is not None)
