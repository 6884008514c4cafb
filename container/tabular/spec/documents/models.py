"""manifest.json of a model: what it is, what it was fitted on, and how the server computes it."""

from typing import Any, Literal, NotRequired, TypedDict

from tabular.spec.columns import Task
from tabular.spec.documents.schemas import Label, SchemaDocument

__all__ = [
    "Agreement",
    "Change",
    "CrossValidation",
    "Encoding",
    "EnsembleDocument",
    "EnsembleMember",
    "Manifest",
    "Member",
    "ModelFacts",
    "Sample",
    "Training",
]


class CrossValidation(TypedDict):
    """How what won was scored, and on how many of the training rows.

    `score` is the best of many, so it is too optimistic. `nested_score` is that of nested cross-validation,
    in which no fold scores what it has helped to select; it is missing if only the winner's own scores are
    known.
    `dummy_score` is that of a model that ignores all columns, see `tabular.searching.dummy`; None if it is
    not defined, and missing in earlier manifests.
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


class Change(TypedDict):
    """A difference between the model in service and a new one."""

    what: str
    champion: str
    challenger: str
