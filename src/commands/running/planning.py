"""What a run will do: which notebooks with which parameters. What cannot be used is refused here.

Wherever possible, invalid input is found before the first cell runs.
"""

import ast
import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import papermill

from commands.reporting.channels import Channel, channel
from contract.names import NAME
from helpers import parameters
from helpers.cost.forecast.pace import Size, observations
from helpers.cost.prices import load
from helpers.data import datasets
from helpers.data.datasets import Dataset
from helpers.data.entries import absolute, parse
from helpers.deployment.decisions import wishes
from helpers.deployment.rollout import drill
from helpers.errors import BadInput, Mistakes
from helpers.pipeline.code import own_steps
from helpers.runs import samples
from helpers.runs.executions.starting import NEW
from helpers.runs.forecasts import Expected, earlier_runs, planned, size
from helpers.session import Session, connect, group, local
from helpers.session.outputs import outputs_of

__all__ = [
    "Plan",
    "check_decisions",
    "chosen",
    "connected",
    "forecast",
    "known",
    "plan",
    "restricted",
    "sampled",
    "settings",
]

ROOT = Path(__file__).parents[3]
# The parameters with which each table is checked, in the order of `datasets.Settings`.
SETTINGS = (
    *("TEST_SET_SIZE", "STRATIFY_SPLIT", "RANDOM_STATE", "CROSS_VALIDATION_FOLDS", "STEPS", "SEARCH_ROWS"),
    *("CROSS_VALIDATION_SCORER", "METRIC_FOR_REGISTRATION", "REGRESSION_SCORER", "REGRESSION_METRIC"),
)


@dataclass(frozen=True)
class Plan:
    """What will run: the notebooks with the names of their parameters, the given values, and all values.

    `channel` is to whoever is told how it ended, if anybody.
    """

    notebooks: Mapping[Path, set[str]]
    given: Mapping[str, Any]
    everything: Mapping[str, Any]
    channel: Channel | None

    @property
    def environment(self) -> str:
        """Where it will run."""
        return self.everything["ENVIRONMENT"]


def chosen(only: Sequence[str], start: str | None) -> list[Path]:
    """The notebooks with these numbers, or those from one number on, or all.

    Raises:
        BadInput: there is no such notebook.
    """
    found = _notebooks()
    numbers = [path.name[:2] for path in found]
    for number in [*only, *([start] if start else [])]:
        if number not in numbers:
            raise BadInput(f"There is no notebook {number!r}; there are {', '.join(numbers)}.")
    if only:
        return [path for path in found if path.name[:2] in only]
    return [path for path in found if not start or path.name[:2] >= start]


def plan(notebooks: Sequence[Path], values: Mapping[str, Any]) -> Plan:
    """Find parameters that cannot be used before anything starts."""
    everything = known(values)
    check_decisions(notebooks, everything)
    everything = {**everything, "DATASETS": absolute(everything["DATASETS"])}
    wanted = {path: set(_defaults(path)) for path in notebooks}
    return Plan(
        wanted, {name: everything[name] for name in values}, everything, channel(everything["NOTIFY"])
    )


def restricted(plan: Plan, tables: Sequence[str]) -> Plan:
    """The same for some of the tables: also a decision or a version of another one is not asked for."""
    value = plan.everything
    own: dict[str, Any] = {
        "DATASETS": [entry for entry in value["DATASETS"] if datasets.names([entry])[0] in tables]
    }
    for name in ("APPROVE", "VERSIONS"):
        if isinstance(value[name], Mapping):
            wanted = (*tables, wishes.DEFAULT)
            own[name] = {table: each for table, each in value[name].items() if table in wanted}
    if value["ROLL_BACK"] not in ("", *tables):
        own["ROLL_BACK"] = ""
    return replace(plan, given={**plan.given, **own}, everything={**value, **own})


def known(values: Mapping[str, Any], with_entries: bool = True) -> dict[str, Any]:
    """All parameters with their values, of the types that they must have.

    Args:
        values: those that are given.
        with_entries: whether every entry of DATASETS must be valid.

    Raises:
        BadInput: parameters cannot be used; the message has a line for each mistake.
    """
    everywhere = {name: value for path in _notebooks() for name, value in _defaults(path).items()}
    everywhere |= parameters.OF_THE_RUN
    everything, mistakes = dict(everywhere), Mistakes()
    for name, value in values.items():
        with mistakes.noted():
            everything |= parameters.parse({name: value}, everywhere)
    if mistakes.said and "DATASETS" in values:
        everything["DATASETS"] = parameters.readable(values["DATASETS"])
    for name in filter(NAME.fullmatch, datasets.names(everything["DATASETS"])):
        with mistakes.noted():
            group(everything["PIPELINE_NAME"], name)  # which may be too long
    if with_entries or mistakes.said:
        with mistakes.noted():
            parse(everything["DATASETS"])
    with mistakes.noted():
        if everything["ENVIRONMENT"] == "aws":
            outputs_of(everything["TERRAFORM_OUTPUTS"])
    with mistakes.noted():
        load(everything["PRICES"])
    with mistakes.noted():
        if everything["STEPS"]:
            own_steps.read(everything["STEPS"])
    mistakes.check()
    return everything


@contextmanager
def connected(value: Mapping[str, Any]) -> Iterator[Session]:
    """A session with the environment that the parameters name, which must exist; local_aws runs that long.

    Raises:
        BadInput: there is no such environment yet.
        UserError: local_aws does not start.
    """
    environment = value["ENVIRONMENT"]
    with local(environment):
        yield connect(environment, value["PIPELINE_NAME"], value["TERRAFORM_OUTPUTS"], must_exist=True)


def check_decisions(notebooks: Sequence[Path], value: Mapping[str, Any]) -> None:
    """Refuse decisions on data sets that are not there, and on versions that nothing names.

    Notebook 04 decides on what 03 registers in the same run. Without 03, somebody must say what to decide on,
    because nobody has seen the versions that 04 would find.
    """
    numbers, names = [path.name[:2] for path in notebooks], datasets.names(value["DATASETS"])
    drill.check(value["ROLL_BACK"], names)
    wanted = wishes.wishes(value["APPROVE"], names)
    said = wishes.named_versions(value["VERSIONS"], names) is not None
    named = said or value["RUN_ID"] not in ("", NEW)
    if wanted and "04" in numbers and "03" not in numbers and not named:
        raise BadInput(
            f"APPROVE is {value['APPROVE']!r}, but without notebook 03 this run registers no versions to "
            "decide on; set VERSIONS to latest or, for example, {wine: 3}, or RUN_ID to the run of 03."
        )


def settings(value: Mapping[str, Any]) -> datasets.Settings:
    """What the parameters say about all tables."""
    return datasets.Settings(*(value[name] for name in SETTINGS))


def forecast(values: Mapping[str, Any], sizes: Mapping[str, Size | None], runs: Path) -> Expected:
    """What a run with these parameters will take.

    Args:
        values: of all parameters.
        sizes: of the tables by name; None for one that has not been read.
        runs: the folder of all runs.

    Raises:
        BadInput: the prices cannot be used.
    """
    outputs = outputs_of(values["TERRAFORM_OUTPUTS"]) if values["ENVIRONMENT"] == "aws" else {}
    return planned(values, sizes, outputs, runs)


def sampled(tables: Sequence[Dataset], values: Mapping[str, Any], runs: Path) -> dict[str, Size]:
    """The sizes of tables; a fleet that is trained here, and for minutes, is timed on some of its partitions.

    Args:
        tables: which are not refused.
        values: of all parameters.
        runs: the folder of all runs.
    """
    how = (values["CROSS_VALIDATION_FOLDS"], values["SEARCH_ROWS"])
    found = {table.name: size(table, *how) for table in tables}
    if values["ENVIRONMENT"] != "local" or values["SEARCH"] != "packed":
        return found
    known, trials = observations(earlier_runs(runs)), values["MAX_TUNING_JOBS"]
    return {table.name: samples.sampled(table, found[table.name], trials, known) for table in tables}


@functools.cache
def _defaults(notebook: Path) -> dict[str, Any]:
    """The parameters of a notebook with their defaults."""
    found = papermill.inspect_notebook(str(notebook))
    return {name: ast.literal_eval(parameter["default"]) for name, parameter in found.items()}


def _notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
