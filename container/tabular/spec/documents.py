"""The contents of the JSON files that one program writes and several read.

- `Manifest`: manifest.json of a model, which RefitBestModel writes.
- `Report`: evaluation.json, which EvaluateBestModel writes.
- `MistakesDocument`: mistakes.json beside it, which has rows of the table.
- `SearchReport`: search.json, which a packed search writes.
- `SchemaDocument`: schema.json next to a split, which PreprocessData writes; it is part of every manifest.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from tabular.spec.columns import Kind, Task

__all__ = [
    "QUALITY",
    "ChampionReport",
    "Change",
    "EnsembleDocument",
    "FleetReport",
    "Gate",
    "HeldOut",
    "Interval",
    "Manifest",
    "Member",
    "Mistake",
    "MistakesDocument",
    "ModelFacts",
    "OwnModel",
    "Partition",
    "PartitionFigures",
    "Quality",
    "Report",
    "SchemaDocument",
    "SearchReport",
    "ServedPartition",
    "TakenOver",
    "TrialReport",
    "listed",
    "members",
    "quality",
    "searched",
]

Label = str | int | float


class NumberFormatDocument(TypedDict):
    """How the numbers of a column are written."""

    decimal: str
    thousands: str
    affixes: list[str]
    scales: NotRequired[dict[str, float]]
    offsets: NotRequired[dict[str, float]]
    notations: NotRequired[list[str]]


class ColumnDocument(TypedDict):
    """A feature, and how its cells are read if they are not plain."""

    name: str
    kind: Kind
    format: NotRequired[str]
    number: NotRequired[NumberFormatDocument]
    missing: NotRequired[list[str]]
    time: NotRequired[bool]
    spellings: NotRequired[list[str]]
    whole: NotRequired[str]
    blanks: NotRequired[bool]


class SchemaDocument(TypedDict):
    """`tabular.spec.columns.Schema` as JSON."""

    task: Task
    target: str
    classes: list[Label]
    positive: NotRequired[Label]
    columns: list[ColumnDocument]
    options: dict[str, Any]
    baseline: dict[str, Any]
    others: NotRequired[list[str]]


class CrossValidation(TypedDict):
    """How what won was scored, and on how many of the training rows.

    `score` is the best of many, which flatters. `nested_score` is that of nested cross-validation, in which
    no fold scores what it has helped to select; it is missing if only the winner's own scores are known.
    `dummy_score` is that of a model that looks at no column, see `tabular.searching.dummy`; None if it is not
    defined, and missing in earlier manifests.
    """

    scorer: str
    folds: int
    rows: NotRequired[int]
    score: float
    nested_score: NotRequired[float]
    dummy_score: NotRequired[float | None]
    training_job: str


class Training(TypedDict):
    """What a model was fitted on."""

    job: str
    rows: int
    data_sha256: str
    random_state: NotRequired[int]


class EnsembleMember(TypedDict):
    """One of the trials whose weighted mean a model predicts; the weights of all have the sum one."""

    algorithm: str
    hyperparameters: dict[str, str]
    weight: float
    trial: int


class EnsembleDocument(TypedDict):
    """The members of an ensemble, in the order in which they were chosen."""

    members: list[EnsembleMember]


class ModelFacts(TypedDict):
    """The part of a manifest that a report repeats."""

    algorithm: str
    hyperparameters: dict[str, str]
    cross_validation: CrossValidation
    training: Training
    libraries: dict[str, str]
    task: Task
    target: str
    # Only for an ensemble, whose algorithm is "Ensemble".
    ensemble: NotRequired[EnsembleDocument]


class Agreement(TypedDict):
    """How closely two models agree, see `tabular.judging.agreement`."""

    rows: int
    largest_difference: float
    ties: int
    tolerance: float


class Sample(TypedDict):
    """A few training rows and their predictions."""

    instances: list[dict[str, Any]]
    predictions: list[Label]


class Encoding(TypedDict):
    """What each level of a category becomes, and what an unknown level becomes.

    It is the feature to set, of `width` features; or, if the kind is `target`, a row of the array
    `level.values`.
    """

    kind: NotRequired[Literal["target"]]
    levels: dict[str, int]
    unknown: int | None
    width: NotRequired[int]


class Member(TypedDict):
    """How the server computes a member of an ensemble; its arrays have names with its position in front.

    It has encodings of its own if it was fitted on other rows than the first member.
    """

    weight: float
    estimator: dict[str, Any]
    encodings: NotRequired[list[Encoding]]


class Manifest(SchemaDocument, ModelFacts):
    """What a model is and where it comes from, with the SHA-256 of each of its other files."""

    format: Literal["tabular-portable", "tabular-pickle", "tabular-fleet"]
    format_version: int
    files: NotRequired[dict[str, str]]
    sample: Sample
    estimator: NotRequired[dict[str, Any]]
    # Only for portable models.
    encodings: NotRequired[list[Encoding]]
    agreement: NotRequired[Agreement]
    # Only for an ensemble.
    members: NotRequired[list[Member]]
    # Only for a fleet: the SHA-256 of its pooled model's arrays.
    pooled_sha256: NotRequired[str]
    # If there is no model: False, and the reason.
    portable: NotRequired[bool]
    reason: NotRequired[str]


class Partition(TypedDict):
    """One combination of values of the partition columns: a part of the table that may get its own model.

    `number` is its place among all, sorted by their keys. `rows` are training rows, of which the first is
    row `start` of the shard. `sha256` is of all its rows, training and held out.
    """

    number: int
    key: list[str]
    rows: int
    held_out: int
    sha256: str
    shard: int
    start: int


class OwnModel(TypedDict):
    """What became of the search for a partition's own model; without one, only the reason.

    `optimism` is by how much the loss of the best trial is too small, because it was chosen by it. `model`
    has the names of the columns that it uses, and what a manifest says of encodings and estimator. Its
    arrays are in the file of the shard, under names that begin with the number. `unfinished` is there if the
    search failed or its time was over, so that the next one tries again. Of a partition that was not
    searched because its rows have not changed, `taken_over` says what serves it, and the model is that one.
    """

    number: int
    key: list[str]
    rows: int
    sha256: str
    reason: str | None
    algorithm: NotRequired[str]
    hyperparameters: NotRequired[dict[str, str]]
    scorer: NotRequired[str]
    score: NotRequired[float]
    trials: NotRequired[int]
    optimism: NotRequired[float]
    agreement: NotRequired[Agreement]
    model: dict[str, Any] | None
    seconds: float
    unfinished: NotRequired[bool]
    taken_over: NotRequired["TakenOver"]


class ServedPartition(TypedDict):
    """A partition in a fleet's artifact: its own model, or None if the pooled model serves it.

    `rows` and `sha256` are those that its own model was fitted on. `kept_from` is the version that brought
    the own model, if it is not this one, and `decided_on` the SHA-256 of the rows by which it was kept. With
    `former`, the pooled model of that version serves it.
    """

    number: int
    key: list[str]
    rows: int
    sha256: str
    algorithm: NotRequired[str]
    hyperparameters: NotRequired[dict[str, str]]
    scorer: NotRequired[str]
    score: NotRequired[float]
    kept_from: NotRequired[int]
    decided_on: NotRequired[str]
    former: NotRequired[bool]
    unfinished: NotRequired[bool]
    model: dict[str, Any] | None


class TakenOver(TypedDict):
    """What served a partition in the version in service, and serves it again."""

    version: int
    served: ServedPartition


class HeldOut(Partition):
    """A partition, and where its held-out rows begin in the split of held-out rows."""

    held_out_start: int


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


class Change(TypedDict):
    """A difference between the two models."""

    what: str
    champion: str
    challenger: str


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


class TrialReport(TypedDict):
    """One configuration of a search, and how it did; without a score unless it is complete."""

    number: int
    algorithm: str
    hyperparameters: dict[str, str]
    source: Literal["default", "portfolio", "warm", "sampler"]
    state: Literal["complete", "pruned", "failed"]
    reason: str | None
    scores: list[float]
    score: float | None
    rounds: int | None
    seconds: float


class SearchMember(TypedDict):
    """A trial in an ensemble."""

    trial: int
    weight: float


class SearchGain(TypedDict):
    """How much better the ensemble's score is than the best trial's, and in which range 90% of draws lie."""

    value: float
    low: float
    high: float


class SearchEnsemble(TypedDict):
    """The greedy ensemble of a search's trials, and whether it won."""

    members: list[SearchMember]
    score: float
    scores: list[float]
    nested_score: float
    gain: SearchGain
    chosen: bool
    reason: str


class SearchReport(TypedDict):
    """All trials of a packed search, and which of them the model is made of."""

    format: Literal["tabular-search"]
    format_version: int
    scorer: str
    folds: int
    rows: int
    random_state: int
    seconds: float
    stopped: Literal["trials", "time"]
    warm_started_from: int | None
    trials: list[TrialReport]
    best: int
    best_nested_score: float
    ensemble: SearchEnsemble | None


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


def searched(model: ModelFacts) -> str | None:
    """How many of the rows that the model learned from the trials saw; None if they saw all."""
    seen, rows = model["cross_validation"].get("rows"), model["training"].get("rows")
    return None if seen is None or seen == rows else f"{seen:,} of {rows:,} training rows"


def scored(model: ModelFacts) -> str:
    """The score of what won, and its nested score, in the few characters that a registry's metadata allow."""
    found = model["cross_validation"]
    nested = f" nested={found['nested_score']:.6g}" if "nested_score" in found else ""
    return f"{found['scorer']}={found['score']:.6g}{nested}"


def members(model: ModelFacts) -> dict[str, str]:
    """What each member of an ensemble is and its weight, for people; empty for a single model."""
    found = model["ensemble"]["members"] if "ensemble" in model else []
    return {
        f"member {number}": ", ".join(
            [
                f"{one['algorithm']} with weight {one['weight']:.3g}",
                *listed(one["hyperparameters"]),
            ]
        )
        for number, one in enumerate(found, start=1)
    }


def listed(hyperparameters: Mapping[str, str]) -> list[str]:
    """Hyperparameters by their name, for people: a drawn one has sixteen digits, of which four are shown."""
    return [f"{name}={_rounded(value)}" for name, value in sorted(hyperparameters.items())]


def _rounded(value: str) -> str:
    if not re.fullmatch(r"-?[0-9]*\.[0-9]+(e-?[0-9]+)?", value):  # a word or a whole number
        return value
    return f"{float(value):.4g}"
