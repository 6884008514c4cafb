"""The plan of a packed search: the hyperparameters of the one job that runs all trials of a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tabular.spec.errors import BadInput
from tabular.spec.trial import fields_of, read_fields

__all__ = ["MOST_SECONDS", "PROGRESS", "SEARCH_JOB_SECONDS", "Plan"]

ANSWERS = {"true": True, "false": False}
SEARCH_JOB_SECONDS = 12 * 3600  # after which SageMaker ends the job, whatever it has found
MOST_SECONDS = SEARCH_JOB_SECONDS - 3600  # of a search and its refit; the rest is for what overruns
PROGRESS = "progress: "  # how a line of the job's log begins that sums up the search so far


@dataclass(frozen=True)
class Plan:
    """Which algorithms compete, in how many trials, how long, and how they are scored.

    Every field is a string or a number, because SageMaker passes hyperparameters as text.

    Attributes:
        algorithms: their names, separated by commas.
        trials: how many configurations are tried at most.
        scorer: the name of scikit-learn's scorer, of which greater is better.
        folds: the folds of cross-validation.
        random_state: the seed of everything random.
        seconds: of the search with all that comes after it in its job, at most MOST_SECONDS; 0 stands for no
            limit but the job's. One trial is always finished, and so is the fit on all rows.
        search_rows: how many rows of the training split the trials may see; 0 stands for all.
        ensemble: "true" if an ensemble of the trials may win, "false" if only a single one may.
        models_map_uri: the map of the models in service, in S3; empty for none.
        group: the group whose model in service says which configurations were good before; empty for none.
    """

    algorithms: str
    trials: int
    scorer: str
    folds: int
    random_state: int
    seconds: int = 0
    search_rows: int = 0
    ensemble: str = "true"
    models_map_uri: str = ""
    group: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The competing algorithms."""
        return tuple(name.strip() for name in self.algorithms.split(",") if name.strip())

    @property
    def may_combine(self) -> bool:
        """Whether an ensemble of the trials may win."""
        return ANSWERS[self.ensemble]

    def to_hyperparameters(self, text: Callable[[Any], Any] = str) -> dict[str, Any]:
        """The hyperparameters of a job; `text` makes a string of a value or a pipeline parameter."""
        return {name: text(getattr(self, name)) for name in FIELDS}

    @classmethod
    def from_hyperparameters(cls, given: Mapping[str, str]) -> "Plan":
        """The inverse of `to_hyperparameters`.

        Raises:
            BadInput: if a field is missing, has another type, or has a value that makes no sense.
        """
        plan = cls(**read_fields("search", FIELDS, given))
        if not plan.names:
            raise BadInput("The search has no algorithm; name at least one in algorithms.")
        for name, least in {"trials": 1, "seconds": 0, "folds": 2, "search_rows": 0}.items():
            if getattr(plan, name) < least:
                raise BadInput(
                    f"The search's {name} is {getattr(plan, name)}; it must be at least {least}; change it."
                )
        if plan.seconds > MOST_SECONDS:
            raise BadInput(
                f"The search's seconds are {plan.seconds}; of the job's {SEARCH_JOB_SECONDS}, a search may "
                f"use {MOST_SECONDS}, so that what overruns can still end; lower SEARCH_SECONDS."
            )
        if plan.ensemble not in ANSWERS:
            raise BadInput(
                f"The search's ensemble is {plan.ensemble!r}; it must be true or false; change it."
            )
        return plan


FIELDS = fields_of(Plan)
