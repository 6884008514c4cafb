"""The notebooks as people run them, once for all tests: a first time, with a second version, and back."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import yaml
from tabular.spec.algorithms import ALGORITHMS

import local_aws
from support import ROOT
from support.helpers import headless
from support.local_aws.aws import told
from support.notebooks.answers import with_answers

__all__ = [
    "EXAMPLES",
    "FLEET",
    "JUDGED",
    "OWN_TABLES",
    "PIPELINE",
    "REGION",
    "REGRESSION",
    "ROOT",
    "STORES",
    "TOGETHER",
    "TRIALS",
    "Demo",
    "Story",
    "run_notebooks",
    "some_stores",
    "tell",
    "values_of",
]

# Those of tests/terraform's plan, so that its policies can be held against what is called here.
PIPELINE, REGION = "demo", "eu-central-1"
TRIALS = len(ALGORITHMS)  # one of each
OWN_TABLES = ["breast-cancer", "wine"]
KNOWN = [*OWN_TABLES, "banknote-authentication"]
EXAMPLES = ROOT / "parameters/examples"
TOGETHER = ("binary", "grouped", "multiclass", "regression")
FLEET = "fleet"
STORES = 12  # of 300
# How a file says that its table is judged, and how an entry in DATASETS says so.
JUDGED = {
    "CROSS_VALIDATION_SCORER": "scorer",
    "METRIC_FOR_REGISTRATION": "metric",
    "MIN_METRIC_FOR_REGISTRATION": "min_metric",
}
REGRESSION = ("REGRESSION_SCORER", "REGRESSION_METRIC", "REGRESSION_MIN_METRIC")
RETRAINING = {"dataset": "wine", "target": "cultivar", "family": "classification"}

Run = Callable[..., subprocess.CompletedProcess]


@dataclass(frozen=True)
class Demo:
    """What a run of notebooks left."""

    code: int
    output: str
    errors: str
    folder: Path
    summary: dict[str, Any]

    @property
    def tables(self) -> list[str]:
        """All of the run."""
        return list(self.summary["data_sets"])

    @property
    def own(self) -> dict[str, dict[str, Any]]:
        """What became of the tables that are no example's: they are judged by the parameters."""
        return {name: facts for name, facts in self.summary["data_sets"].items() if name in KNOWN}


@dataclass(frozen=True)
class Story:
    """Three runs one after another, and what local_aws was asked for meanwhile.

    Attributes:
        home: The state that they left, whose server was stopped.
        first: All notebooks, all tables and those of the examples, each judged as its file says, everything
            approved; each answer to a question runs where it stands.
        again: A second version of wine, approved: a switch. Two tables beside it cannot be used.
        back: Its rejection: the way back. Of the tables beside it, there is no model.
        calls: What jobs and functions called, as IAM would judge it.
        operations: What everybody called in the three runs.
    """

    home: Path
    first: Demo
    again: Demo
    back: Demo
    calls: list[dict[str, Any]]
    operations: list[str]

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Environment variables under which the state is found; what is set meanwhile is gone after."""
        with _environment(self.home):
            yield


def tell(folder: Path) -> Story:
    """Run the notebooks three times, and the retrainer."""
    home = folder / "home"
    with _environment(home):
        server = local_aws.start(owner=os.getpid())
        try:
            tables = [*(KNOWN if "BANKNOTE_CSV" in os.environ else OWN_TABLES), *_of_examples(folder)]
            with_answers(folder / "project/notebooks")
            how = partial(headless.typed, project=folder / "project")
            judged = values_of("regression")
            given = {"DATASETS": tables, "FLEET_INSTANCES": 2} | {name: judged[name] for name in REGRESSION}
            first = run_notebooks(folder / "first", *_options(given), how=how)
            # Another split makes another model; the same one again would not be registered.
            wine = ("-p", "DATASETS", json.dumps(["wine", *_bad(folder)]), "-p", "LOAD_TEST", "false")
            second = ("-p", "VERSIONS", "{wine: 2}")
            again = run_notebooks(folder / "again", "--from", "03", *wine, "-p", "RANDOM_STATE", "7")
            back = run_notebooks(folder / "back", "--from", "04", *wine, "-p", "APPROVE", "reject", *second)
            operations = told(server, "operations")
            _retrain(server)
            calls = told(server, "calls")
        finally:
            local_aws.stop()
    return Story(home, first, again, back, calls, operations)


def values_of(example: str) -> dict[str, Any]:
    """What the file of an example says."""
    return yaml.safe_load((EXAMPLES / f"{example}.yaml").read_text())


def some_stores() -> pd.DataFrame:
    """The first stores of the example of a fleet, in the order of its file."""
    (table,) = values_of(FLEET)["DATASETS"]
    stores = pd.read_csv(ROOT / table["uri"])
    return stores[stores["store"].isin(sorted(stores["store"].unique())[:STORES])]


def _of_examples(folder: Path) -> list[dict[str, Any]]:
    """The tables of all examples, each with how its file has it judged; regression is by its parameters."""
    tables = []
    for example in (*TOGETHER, FLEET):
        said = values_of(example)
        judged = {key: said[parameter] for parameter, key in JUDGED.items() if parameter in said}
        tables += [table | judged for table in said["DATASETS"]]
    folder.mkdir(exist_ok=True)
    some_stores().to_csv(folder / "stores.csv", index=False)
    fleet = {"uri": str(folder / "stores.csv"), "min_metric": 0.6}  # a few stores make a worse pooled model
    return [table | fleet if "partition" in table else table for table in tables]


def _options(values: dict[str, Any]) -> list[str]:
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return [text for option in texts.items() for text in ("-p", *option)]


def _bad(folder: Path) -> list[dict[str, str]]:
    """Two tables that cannot be used: one has a class with a single row, the other is not there."""
    (folder / "rare.csv").write_text("a,b,label\n" + "1,2,x\n3,4,y\n" * 20 + "5,6,z\n")
    return [
        {"name": name, "uri": str(folder / f"{name}.csv"), "target": "label"} for name in ("rare", "gone")
    ]


def run_notebooks(runs: Path, *arguments: str, how: Run = headless.here) -> Demo:
    """`many-models run`, with few trials of few folds."""
    values = {"PIPELINE_NAME": PIPELINE, "MAX_TUNING_JOBS": str(TRIALS), "LOAD_TEST_SECONDS": "1"}
    values |= {"CROSS_VALIDATION_FOLDS": "2"}
    command = ("run", str(ROOT / "parameters/local.yaml"), "--runs", str(runs))
    done = how(*command, *_options(values), *arguments)
    folders = sorted(path for path in runs.glob("*") if path.is_dir() and not path.is_symlink())
    summary = json.loads((folders[-1] / "summary.json").read_text()) if folders else {}
    return Demo(done.returncode, done.stdout, done.stderr, folders[-1] if folders else runs, summary)


@contextmanager
def _environment(home: Path) -> Iterator[None]:
    before = dict(os.environ)
    os.environ |= {"LOCAL_AWS_HOME": str(home), "AWS_DEFAULT_REGION": REGION}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def _retrain(server: local_aws.Server) -> None:
    """Call the retrainer as a schedule does, twice: it starts an execution once, and stops there."""
    session = boto3.Session("scheduler", server.secret, region_name=REGION)
    functions, sagemaker = (
        session.client(name, endpoint_url=server.endpoint_url) for name in ("lambda", "sagemaker")
    )
    for action in ("started", "unchanged"):
        event = json.dumps(RETRAINING | {"parameters": {"MaxTuningJobs": str(TRIALS)}}).encode()
        answer = functions.invoke(FunctionName=f"{PIPELINE}-retrainer", Payload=event)
        outcome = json.load(answer["Payload"])
        assert outcome["action"] == action, outcome
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=outcome["execution"], ClientRequestToken="s" * 32)
