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
from tabular.spec.algorithms import ALGORITHMS

import local_aws
from support import ROOT
from support.answers import with_answers
from support.helpers import headless
from support.local_aws.aws import told

__all__ = ["OWN_TABLES", "PIPELINE", "REGION", "ROOT", "TRIALS", "Demo", "Story", "run_notebooks", "tell"]

# Those of tests/terraform's plan, so that its policies can be held against what is called here.
PIPELINE, REGION = "demo", "eu-central-1"
TRIALS = len(ALGORITHMS)  # one of each
OWN_TABLES = ["breast-cancer", "wine"]
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
        return list(self.summary["data_sets"])


@dataclass(frozen=True)
class Story:
    """Three runs one after another, and what local_aws was asked for meanwhile.

    Attributes:
        home: The state that they left, whose server was stopped.
        first: All notebooks, all tables, everything approved; each answer to a question runs where it stands.
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
            banknote = ["banknote-authentication"] if "BANKNOTE_CSV" in os.environ else []
            with_answers(folder / "project/notebooks")
            how = partial(headless.typed, project=folder / "project")
            first = run_notebooks(
                folder / "first", "-p", "DATASETS", json.dumps(OWN_TABLES + banknote), how=how
            )
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


def _bad(folder: Path) -> list[dict[str, str]]:
    """Two tables that cannot be used: one has a class with a single row, the other is not there."""
    folder.mkdir(exist_ok=True)
    (folder / "rare.csv").write_text("a,b,label\n" + "1,2,x\n3,4,y\n" * 20 + "5,6,z\n")
    return [
        {"name": name, "uri": str(folder / f"{name}.csv"), "target": "label"} for name in ("rare", "gone")
    ]


def run_notebooks(runs: Path, *arguments: str, how: Run = headless.here) -> Demo:
    """`many-models run`, with few trials of few folds."""
    values = {"PIPELINE_NAME": PIPELINE, "MAX_TUNING_JOBS": str(TRIALS), "LOAD_TEST_SECONDS": "1"}
    values |= {"CROSS_VALIDATION_FOLDS": "2"}
    given = [text for name, value in values.items() for text in ("-p", name, value)]
    done = how("run", str(ROOT / "parameters/local.yaml"), "--runs", str(runs), *given, *arguments)
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
