"""The forecast of a run: of notebook 03 from the pipelines that are there, of the runner before they are."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import boto3
import pandas as pd
from botocore.config import Config
from tabular.spec.columns import Family

from helpers.cost import actual
from helpers.cost import tables as cost_tables
from helpers.cost.actual import Accuracy, accuracy
from helpers.cost.forecast import jobs
from helpers.cost.forecast.cap import check_cap
from helpers.cost.forecast.estimate import Limits, Outlook, Work, outlook
from helpers.cost.forecast.pace import Size, observations
from helpers.cost.forecast.quotas import quotas, wanted
from helpers.cost.prices import load
from helpers.data.datasets import Dataset
from helpers.display import AsCard, Card, card
from helpers.errors import BadInput
from helpers.runs import facts, summary
from helpers.runs.executions.earlier import earlier
from helpers.runs.executions.execution import RUNNING, Execution, describe
from helpers.runs.executions.queue import MOST
from helpers.runs.executions.request import definition_of
from helpers.runs.executions.starting import NEW
from helpers.runs.samples import sampled
from helpers.runs.summary import Summary
from helpers.session import Session

__all__ = ["RUNS", "Expected", "billed", "earlier_runs", "forecast", "planned", "size"]

RUNS = Path(__file__).parents[3] / "runs"
MOST_RUNS = 50  # that are read; the last ones with something to compare count
PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
REGION = "us-east-1"  # of local_aws, if nothing sets another one


class Expected(AsCard):
    """The forecast of a run, and how good earlier ones were; a notebook shows it as a table.

    Args:
        found: the forecast.
        earlier: how far off those of earlier runs were.
    """

    def __init__(self, found: Outlook, earlier: Accuracy | None) -> None:
        self.outlook, self.earlier = found, earlier

    def card(self) -> Card:
        """The forecast in a few lines."""
        return card("Forecast", {"tables": len(self.outlook.aws.tables), "says": self.say()})

    def table(self) -> pd.DataFrame:
        """A row for each data set, and one for all."""
        return cost_tables.by_table(self.outlook)

    def say(self, cap: float | None = 0) -> list[str]:
        """The same in a few sentences."""
        return cost_tables.sentences(self.outlook, cap, self.earlier)

    def facts(self, cap: float | None = 0) -> dict[str, Any]:
        """The same for programs."""
        found = {"aws": self.outlook.aws, "here": self.outlook.here}
        return {
            "cap": cap or None,
            "earlier": self.earlier,
            **{
                name: each and each.facts() | {"data_sets": {it.name: it.facts() for it in each.tables}}
                for name, each in found.items()
            },
        }

    def check_cap(self, cap: float | None) -> None:
        """Refuse a run that may cost more than MAX_COST_USD allows.

        Raises:
            BadInput: it may cost more, or what it costs is not known.
        """
        check_cap(self.outlook.aws, cap)


def earlier_runs(folder: Path) -> list[Summary]:
    """The summaries of the last runs that can be read, by the names of their folders, which are times."""
    found: list[Summary] = []
    for path in sorted(folder.glob(f"*/{summary.FILE}"), reverse=True):
        if len(found) == MOST_RUNS:
            break
        try:
            if not path.parent.is_symlink():
                found.append(summary.read(path))
        except BadInput:  # of another release
            continue
    return found


def size(table: Dataset, folds: int, search_rows: int) -> Size:
    """What decides how long the jobs of a table take."""
    rows, columns = table.read().shape
    partitions = table.checked.report.get("partitions", {}).get("count", 0)
    return Size(rows, columns, folds, search_rows, partitions)


def forecast(
    session: Session,
    tables: Sequence[Dataset],
    parameters: Mapping[str, Any],
    developer: str = "",
    most: int = MOST,
    run_id: str = "",
    prices: str = "",
) -> Expected:
    """What executions for these tables would take, from the definitions of the pipelines that are there.

    Args:
        session: where they would run.
        tables: what to train on.
        parameters: for every execution, as for `start`.
        developer: whose pipelines, if not Terraform's.
        most: how many executions may run at the same time.
        run_id: a run whose executions are not started again, so they are not counted.
        prices: a file with other prices than the list's, as PRICES names it.

    Raises:
        BadInput: there is no such pipeline, or the prices cannot be used.
    """
    definitions = {
        family: jobs.of_definition(definition_of(session, session.pipeline(family, developer)), parameters)
        for family in dict.fromkeys(table.family for table in tables)
    }
    work, known = [], earlier_runs(_runs())
    taken = observations(known)
    going_on = _going_on(session, run_id, developer) if run_id not in ("", NEW) else set()
    for table in (each for each in tables if each.name not in going_on):
        steps, unknown = definitions[table.family]
        found = size(table, parameters["CrossValidationFolds"], parameters["SearchRows"])
        if session.is_local:
            trials = max((step.packed for step in steps), default=0)
            found = sampled(table, found, trials, taken)
        work.append(Work(table.name, steps, found, unknown))
    allowed = {} if session.is_local else quotas(session.client("service-quotas"), wanted(work))
    found = outlook(
        work,
        "local" if session.is_local else "aws",
        session.region,
        load(prices),
        taken,
        Limits(most, allowed),
        os.cpu_count() or 1,
    )
    for key, each in (("forecast", found.aws), ("forecast_here", found.here)):
        for one in each.tables if each else ():
            facts.record(one.name, **{key: one.facts(each is found.own)})
    return Expected(found, accuracy(known, session.environment))


def billed(
    session: Session, executions: Sequence[Execution], expected: Expected, prices: str = ""
) -> pd.DataFrame:
    """A row for each execution that has ended, and one for all: what is billed, beside what was forecast.

    Args:
        session: where they ran.
        executions: what `start` returned.
        expected: what `forecast` returned.
        prices: as for `forecast`.
    """
    found, listed = {}, load(prices)
    own, aws = expected.outlook.own, expected.outlook.aws
    for execution in executions:
        if not execution.arn or execution.standing:
            continue
        description, steps = describe(session, execution)
        if description["PipelineExecutionStatus"] in RUNNING:
            continue
        found[execution.dataset] = {
            "outcome": description["PipelineExecutionStatus"],
            "billed": actual.billed(session, steps, listed),
            "forecast": next((it.facts() for it in aws.tables if it.name == execution.dataset), None),
            "forecast_here": next((it.facts() for it in own.tables if it.name == execution.dataset), None),
        }
    return cost_tables.billed(found, session.environment)


def planned(
    values: Mapping[str, Any], sizes: Mapping[str, Size | None], outputs: Mapping[str, Any], folder: Path
) -> Expected:
    """What a run with these parameters would take, before its pipelines are compiled.

    Args:
        values: of all parameters of the notebooks.
        sizes: of the tables that will be trained on, None for one that has not been read.
        outputs: of Terraform; empty for a run here.
        folder: where the runs are.

    On AWS, the account's quotas are read, if the credentials may.

    Raises:
        BadInput: the prices cannot be used.
    """
    steps, known = jobs.own(values), earlier_runs(folder)
    region = outputs.get("region") or boto3.Session().region_name or REGION
    work = [Work(name, steps, each) for name, each in sizes.items()]
    allowed: Mapping[tuple[str, str], float] | None = {}
    if values["ENVIRONMENT"] == "aws":
        allowed = quotas(boto3.client("service-quotas", region_name=region, config=PATIENCE), wanted(work))
    found = outlook(
        work,
        values["ENVIRONMENT"],
        region,
        load(values["PRICES"]),
        observations(known),
        Limits(min(values["MAX_PARALLEL_EXECUTIONS"], max(len(sizes), 1)), allowed),
        os.cpu_count() or 1,
    )
    return Expected(found, accuracy(known, values["ENVIRONMENT"]))


def _going_on(session: Session, run_id: str, developer: str) -> set[str]:
    """The tables of a run that have an execution, which `start` attaches to."""
    pipelines = {session.pipeline(family, developer) for family in get_args(Family)}
    return {
        one.dataset
        for one in earlier(session, pipelines)
        if one.run_id == run_id and one.status in ("Executing", "Succeeded")
    }


def _runs() -> Path:
    """Where the runs are: that of this one, if it is headless, among them."""
    own = os.environ.get(facts.FOLDER)
    return Path(own).parent if own else RUNS
