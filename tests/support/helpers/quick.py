"""A pipeline of one quick step, which ends when a test says so, and tables for it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from helpers import runs
from helpers.data.datasets import Dataset
from helpers.errors import JobFailed
from helpers.session import Session
from helpers.session.storage import File
from support.local_aws.pipeline import definition, get, processing

ROWS = "a,b,label\n" + "1,2,x\n3,4,y\n" * 20
# Those that notebook 03 gives, and one more.
PARAMETERS = (
    *("DatasetName", "InputDataUri", "TargetColumn", "TestSetSize", "StratifySplit", "RandomState"),
    *("CrossValidationFolds", "SearchRows", "MaxTuningJobs", "MaxTuningParallelJobs", "TunerSeed"),
    *("Search", "SearchSeconds", "Ensemble", "FleetInstances"),
    *("ChampionMargin", "ChampionConfidence", "CrossValidationScorer", "MetricForRegistrationThreshold"),
    *("MinThresholdForRegisterMetric", "Colour"),
)
# The step waits for a file with its data set's name; if there is something in it, it fails.
WAIT = """import os, sys, time
gate = os.path.join({folder!r}, sys.argv[1])
while not os.path.exists(gate):
    time.sleep(0.02)
sys.exit(open(gate).read() or 0)
"""


def table(folder: Path, name: str) -> Dataset:
    """A small table of two classes."""
    path = folder / f"{name}.csv"
    path.write_text(ROWS)
    return Dataset(name, "label", (File(path),))


@dataclass(frozen=True)
class Quick:
    """The pipeline, its tables and its gates, which are files in a folder."""

    session: Session
    developer: str
    folder: Path

    def create(self, update: bool = False, **step: Any) -> None:
        """Create the pipeline, or update it with another description of its step."""
        program = self.folder / "wait.py"
        program.write_text(WAIT.format(folder=str(self.folder)))
        wait = processing("Wait", "", **step)
        wait["Arguments"]["RoleArn"] = self.session.job_role_arn
        wait["Arguments"]["AppSpecification"] |= {
            "ContainerEntrypoint": ["python3", str(program)],
            "ContainerArguments": [get("Parameters.DatasetName")],
        }
        given = [{"Name": name, "Type": "String", "DefaultValue": "-"} for name in PARAMETERS]
        sagemaker = self.session.client("sagemaker")
        put = sagemaker.update_pipeline if update else sagemaker.create_pipeline
        put(
            PipelineName=self.session.pipeline(developer=self.developer),
            PipelineDefinition=definition([wait], given),
            RoleArn=self.session.job_role_arn,
        )

    def start(self, *names: str, colour: str = "red", **options: Any) -> list[runs.Execution]:
        """Start an execution for each table, or attach to those that run."""
        tables = [table(self.folder, name) for name in names]
        return runs.start(self.session, tables, {"Colour": colour}, developer=self.developer, **options)

    def end(self, *names: str, failing: str = "") -> None:
        """Let the steps of these tables end."""
        for name in names:
            gate = self.folder / name
            gate.with_suffix(".part").write_text(failing)
            gate.with_suffix(".part").rename(gate)

    def watch(self, executions: list[runs.Execution], **options: Any) -> None:
        """Watch executions until they end: well, but there is no model, and that is said."""
        with pytest.raises(JobFailed, match="without a result: Succeeded"):
            runs.watch(self.session, executions, **options)

    def status(self, execution: runs.Execution) -> str:
        """What AWS says about an execution."""
        sagemaker = self.session.client("sagemaker")
        described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution.arn)
        return described["PipelineExecutionStatus"]

    def started(self) -> int:
        """How many executions were ever started."""
        sagemaker = self.session.client("sagemaker")
        name = self.session.pipeline(developer=self.developer)
        return len(sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"])

    def in_another_process(self, *names: str, **options: Any) -> str:
        """A program that starts executions as `start` does, prints the run's id, and dies."""
        return (
            "import os, signal, sys\nfrom pathlib import Path\n"
            "from support.helpers.quick import Quick\nfrom helpers.session import connect\n"
            f"quick = Quick(connect('local', {self.session.pipeline_name!r}), {self.developer!r}, "
            f"Path({str(self.folder)!r}))\n"
            f"executions = quick.start(*{json.dumps(names)}, **{options!r})\n"
            "print(executions[0].run_id, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
        )
