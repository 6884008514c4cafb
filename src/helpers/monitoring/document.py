"""The status document, `status.json`, which docs/operations/monitoring.md and its schema explain."""

from typing import Literal, TypedDict, get_args

__all__ = [
    "CONCERNS",
    "SCHEMA",
    "Concern",
    "Cost",
    "Kind",
    "Model",
    "Monitoring",
    "Quality",
    "Requests",
    "Retraining",
    "Row",
    "State",
    "Status",
    "Traffic",
    "Waiting",
]

SCHEMA = 1

# What may be wrong about a model, the worst first: the order of the page.
Kind = Literal[
    "failing",
    "not-deployed",
    "worse",
    "drifted",
    "unchecked",
    "retraining-failed",
    "retraining-refused",
    "waiting",
    "not-in-service",
]
CONCERNS: tuple[Kind, ...] = get_args(Kind)
State = Kind | Literal["fine"]


class Concern(TypedDict):
    """Something about a model that somebody should look at, in a sentence."""

    kind: Kind
    said: str


class Model(TypedDict):
    """The version in service."""

    version: int
    arn: str | None
    registered_at: str | None
    approved_at: str
    age_days: float | None
    algorithm: str | None
    data_until: str | None


class Waiting(TypedDict):
    """The newest version that waits for approval, and since when one does."""

    version: int
    since: str


class Traffic(TypedDict):
    """The requests of a period; the latency is None if there were none."""

    requests: int
    client_errors: int
    server_errors: int
    rows: int
    p90_milliseconds: float | None


class Requests(TypedDict):
    """The requests of the last 24 hours, and of the last 7 days."""

    day: Traffic
    week: Traffic


class Quality(TypedDict):
    """The metric on rows whose labels came later, its interval, and its value on held-out rows."""

    metric: str
    value: float
    low: float
    high: float
    rows: int
    held_out: float | None
    worse: bool


class Monitoring(TypedDict):
    """What the newest check found; status `outdated` if it saw another version than the one in service."""

    status: str
    said: str
    rows: int
    drifted_columns: int
    worst_column: str | None
    predictions_drifted: bool | None
    quality: Quality | None


class Retraining(TypedDict):
    """The newest execution of the pipeline."""

    execution: str
    at: str
    outcome: str
    said: str


class Cost(TypedDict):
    """Dollars since the first of the month, UTC."""

    endpoint: float


class Row(TypedDict):
    """All that is known about the model of a data set; None where that is nothing."""

    data_set: str
    group: str
    state: State
    concerns: list[Concern]
    versions: int
    newest_version: int | None
    model: Model | None
    waiting: Waiting | None
    requests: Requests | None
    monitoring: Monitoring | None
    retraining: Retraining | None
    cost: Cost | None


class Status(TypedDict):
    """The state of all models at one time, the worst first.

    `sources` says of each source what was not there, in a sentence, or None.
    """

    schema: int
    at: str
    environment: str
    pipeline: str
    checked_at: str | None
    sources: dict[str, str | None]
    totals: dict[str, int]
    models: list[Row]
