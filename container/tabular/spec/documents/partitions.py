"""The partitions of a table: their rows, their own models, and what serves them."""

from typing import Any, NotRequired, TypedDict

from tabular.spec.documents.models import Agreement

__all__ = ["HeldOut", "OwnModel", "Partition", "ServedPartition", "TakenOver"]


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
    """The outcome of the search for a partition's own model; without one, only the reason.

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
