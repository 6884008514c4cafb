"""search.json, which a packed search writes: all trials, and which of them the model is made of."""

from typing import Literal, TypedDict

__all__ = ["SEARCH_FILE", "SearchEnsemble", "SearchGain", "SearchMember", "SearchReport", "TrialReport"]

SEARCH_FILE = "search.json"  # in model.tar.gz, and in output.tar.gz


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
