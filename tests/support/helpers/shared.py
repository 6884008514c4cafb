"""What these tests share: settings that end, a session, and the pipeline as notebook 02 compiles it."""

import os
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabular.spec.algorithms import ALGORITHMS

from helpers.data import datasets
from helpers.deployment import decisions, registry
from helpers.deployment.decisions import Decision
from helpers.deployment.registry import ModelVersion
from helpers.pipeline.code import job_source
from helpers.session import Session

TRIALS = len(ALGORITHMS)  # one of each
INSTANCES = {
    "PreprocessingInstance": "ml.t3.medium",
    "TrainingInstance": "ml.m5.large",
    "EvaluationInstance": "ml.t3.medium",
}
# What a forecast has to know of a run's parameters.
FOR_FORECAST = {
    "PREPROCESSING_INSTANCE": "ml.t3.medium",
    "TRAINING_INSTANCE": "ml.m5.large",
    "EVALUATION_INSTANCE": "ml.t3.medium",
    "MAX_TUNING_JOBS": 24,
    "MAX_TUNING_PARALLEL_JOBS": 2,
    "USE_SPOT": False,
    "SEARCH": "jobs",
    "SEARCH_SECONDS": 0,
    "FLEET_INSTANCES": 1,
}


@contextmanager
def settings(values: dict[str, str], *, alone: bool = False) -> Iterator[None]:
    """Environment variables for as long as this lasts; whatever is set meanwhile is gone after."""
    before = dict(os.environ)
    if alone:
        os.environ.clear()
    os.environ |= values
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


@dataclass(frozen=True)
class Connected:
    """A session, and the settings under which it works."""

    session: Session
    settings: dict[str, str]


@dataclass(frozen=True)
class Compiled:
    """What notebook 02 makes."""

    compiler: Any
    parameters: Any
    steps: list[Any]
    definition: str


def compile_pipeline(session: Session, family: str = "classification", search: str = "jobs") -> Compiled:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the SDK's, of itself
        from helpers import pipeline

    compiler = pipeline.Compiler(session, job_source.upload(session), family)
    default = datasets.fetch("diabetes" if family == "regression" else "breast-cancer")
    inputs = datasets.inputs(session, default)
    parameters = pipeline.Parameters.with_defaults(inputs | INSTANCES | {"Search": search}, family)
    steps = pipeline.steps(compiler, parameters)
    return Compiled(compiler, parameters, steps, pipeline.definition(compiler, parameters, steps))


def first_version(session: Session) -> ModelVersion:
    return registry.packages(session, "wine")[-1]


@dataclass(frozen=True)
class HeadlessRun:
    """One of two runs that were under way at the same time.

    Attributes:
        home: The folder of its state.
        folder: That of its results.
        done: How it ended, with all that it printed.
    """

    home: Path
    folder: Path
    done: subprocess.CompletedProcess

    @property
    def executed(self) -> Path:
        return next(self.folder.glob("*/*.ipynb"))


@dataclass(frozen=True)
class Waited:
    """A run that had to wait for this process.

    Attributes:
        run: It, at its end.
        said: What it had printed while it waited.
        left: What there was under `runs/` then.
        refused: What a run in the same state got then that does not wait.
        told: What its webhook received.
    """

    run: HeadlessRun
    said: str
    left: list[Path]
    refused: subprocess.CompletedProcess
    told: list[tuple[str, Any]]


@dataclass(frozen=True)
class SideBySide:
    """Notebook 01 twice at once, each with a state and a folder of its own; the second had to wait before."""

    first: HeadlessRun
    second: Waited

    @property
    def runs(self) -> list[HeadlessRun]:
        """Both."""
        return [self.first, self.second.run]


def decide(session: Session, word: object, *datasets: str, versions: object = "") -> list[Decision]:
    """What notebook 04 does, from the list of the versions to the decision; only what holds is returned."""
    shown = registry.versions(session, datasets)
    chosen = decisions.candidates(session, shown, versions)
    return [one for one in decisions.decide(session, word, chosen, datasets) if one.holds]
