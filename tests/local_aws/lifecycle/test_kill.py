"""kill -9 of the server at each step of a run: nothing is lost or left running, and the run can continue."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.local_aws.aws import Aws, needs_proc, processes_of, wait_for
from support.local_aws.pipeline import (
    channel,
    compare,
    condition,
    create,
    finish,
    get,
    processing,
    register,
    source_archive,
    training,
    training_request,
)

import local_aws

GROUP = "toy--data"
JOBS = ("Prepare", "Tune", "Fit", "Evaluate")
TRIAL = """
import json, os, time
base = os.environ["SAGEMAKER_BASE_DIR"]
parameters = json.load(open(base + "/input/config/hyperparameters.json"))
while not os.path.exists(parameters["gate"]):
    time.sleep(0.02)
print("score=" + parameters["x"])
"""
WAIT = "[time.sleep(0.02) for _ in iter(lambda: os.path.exists(os.environ['GATE']), True)]; "
CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    local_aws.stop(home)


def steps(gates: Path) -> list[dict[str, Any]]:
    """A run like the project's; each job waits at its own gate."""
    prepare = "open(base + '/processing/train/rows.csv', 'w').write('1,2')"
    report = "json.dump({'margin': 1}, open(base + '/processing/report/report.json', 'w'))"
    rows = get("Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri")
    model = get("Steps.Fit.ModelArtifacts.S3ModelArtifacts")
    file = {"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}
    margin = {"Std:JsonGet": {"PropertyFile": get("Steps.Evaluate.PropertyFiles.Report"), "Path": "margin"}}
    trial = {
        **training_request(),
        "DefinitionName": "toy",
        "TuningObjective": {"Type": "Maximize", "MetricName": "score"},
        "HyperParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]
        },
        "StaticHyperParameters": {
            "sagemaker_program": "toy_gate",
            "sagemaker_submit_directory": "s3://toys/source.tar.gz",
            "gate": str(gates / "Tune"),
        },
        "InputDataConfig": [channel("train", rows)],
    }
    configuration = {
        "Strategy": "Random",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
        "RandomSeed": 1,
    }
    tune = {"HyperParameterTuningJobConfig": configuration, "TrainingJobDefinitions": [trial]}
    listed = [
        processing("Prepare", WAIT + prepare, outputs=["train"]),
        {"Name": "Tune", "Type": "Tuning", "Arguments": tune},
        training(
            "Fit",
            WAIT + "pass",
            InputDataConfig=[channel("train", rows)],
            HyperParameters={"best": get("Steps.Tune.BestTrainingJob.TrainingJobName")},
        ),
        processing("Evaluate", WAIT + report, {"model": model}, ["report"], PropertyFiles=[file]),
    ]
    for step in listed:
        if step["Type"] != "Tuning":
            step["Arguments"]["Environment"] = {"GATE": str(gates / step["Name"])}
    return [
        *listed,
        condition("IsGood", [compare("Equals", margin, 1)], [register("Register", GROUP, model)]),
    ]


def kill(home: Path) -> None:
    os.kill(local_aws.status(home)["pid"], signal.SIGKILL)
    wait_for(lambda: not processes_of(home))


def start(home: Path) -> Aws:
    return Aws(local_aws.start(home, owner=os.getpid(), preload=False).endpoint_url, home)


@needs_proc
@pytest.mark.slow
def test_a_run_that_is_killed_at_each_of_its_steps_ends_as_if_it_had_not_been(
    home: Path, tmp_path: Path
) -> None:
    gates = tmp_path / "gates"
    gates.mkdir()
    aws = start(home)
    aws.client("s3").create_bucket(Bucket="toys")
    aws.client("s3").put_object(Bucket="toys", Key="source.tar.gz", Body=source_archive("toy_gate", TRIAL))
    create(aws.client("sagemaker"), "toy", steps(gates))
    arn = aws.client("sagemaker").start_pipeline_execution(PipelineName="toy")["PipelineExecutionArn"]
    for done, step in enumerate(JOBS):
        wait_for(lambda: is_under_way(aws, arn, step))  # noqa: B023 - called at once
        aws.client("s3").put_object(Bucket="toys", Key=f"before/{step}", Body=step.encode() + CONTENT)
        kill(home)

        aws = start(home)
        for earlier in JOBS[: done + 1]:
            answer = aws.client("s3").get_object(Bucket="toys", Key=f"before/{earlier}")
            assert answer["Body"].read() == earlier.encode() + CONTENT
        execution, records = finish(aws.client("sagemaker"), arn)
        assert execution["PipelineExecutionStatus"] == "Failed"
        assert "server was stopped" in execution["FailureReason"]
        assert "RetryPipelineExecution" in execution["FailureReason"]
        statuses = {name: record["StepStatus"] for name, record in records.items()}
        assert statuses == {**dict.fromkeys(JOBS[:done], "Succeeded"), step: "Failed"}
        assert local_aws.status(home)["jobs"] == []
        (gates / step).touch()
        aws.client("sagemaker").retry_pipeline_execution(PipelineExecutionArn=arn)
    # The last steps make records only: killed as soon as the package is seen.
    wait_for(lambda: packages(aws))
    kill(home)
    aws = start(home)
    execution, records = finish(aws.client("sagemaker"), arn)
    if execution["PipelineExecutionStatus"] == "Failed":
        aws.client("sagemaker").retry_pipeline_execution(PipelineExecutionArn=arn)
        execution, records = finish(aws.client("sagemaker"), arn)
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    assert {record["StepStatus"] for record in records.values()} == {"Succeeded"}
    assert [records[name]["AttemptCount"] for name in JOBS] == [2, 2, 2, 2]
    (package,) = packages(aws)
    described = aws.client("sagemaker").describe_model_package(ModelPackageName=package["ModelPackageArn"])
    url = described["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    aws.client("s3").head_object(Bucket="toys", Key=url.removeprefix("s3://toys/"))


def is_under_way(aws: Aws, arn: str, step: str) -> bool:
    """Return whether a job of a step runs: it has a process."""
    listed = aws.client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=arn)
    records = {record["StepName"]: record for record in listed["PipelineExecutionSteps"]}
    failures = [record["FailureReason"] for record in records.values() if record["StepStatus"] == "Failed"]
    assert not failures
    return step in records and bool(records[step]["Metadata"])


def packages(aws: Aws) -> list[dict[str, Any]]:
    sagemaker = aws.client("sagemaker")
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    if not groups:
        return []
    return sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
