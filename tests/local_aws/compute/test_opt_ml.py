"""Code from other projects that contains the path /opt/ml: each job gets its own /opt/ml, or is refused."""

import os
from pathlib import Path
from typing import Any

import pytest
from support.local_aws.aws import Aws, wait_for
from support.local_aws.pipeline import (
    channel,
    compare,
    condition,
    get,
    processing,
    register,
    run_steps,
    source_archive,
    training_request,
)

from local_aws.compute.workers import can_mount_opt_ml
from local_aws.core.account import Account
from local_aws.core.moto import Moto
from local_aws.core.store import Store
from local_aws.services.jobs.processing import ProcessingJobs
from local_aws.services.jobs.run import JobFailed, Platform, Run
from local_aws.services.jobs.sharing import SharedFolders
from local_aws.services.s3 import Buckets

needs_namespaces = pytest.mark.skipif(not can_mount_opt_ml(), reason="no mount namespace on this system")

PREPROCESS = """
import argparse, csv, os
rows = [[float(cell) for cell in row] for row in csv.reader(open("/opt/ml/processing/input/rows.csv"))]
os.makedirs("/opt/ml/processing/train", exist_ok=True)
with open("/opt/ml/processing/train/rows.csv", "w") as file:
    csv.writer(file).writerows(rows)
"""
TRAIN = """
import json, pickle
prefix = "/opt/ml/"
parameters = json.load(open(prefix + "input/config/hyperparameters.json"))
rows = open(prefix + "input/data/train/rows.csv").read().split()
with open(prefix + "model/model.json", "w") as model:
    json.dump({"rows": len(rows), "x": parameters["x"]}, model)
print("score=" + parameters["x"])
"""
EVALUATE = """
import json, tarfile
with tarfile.open("/opt/ml/processing/model/model.tar.gz") as archive:
    model = json.load(archive.extractfile("model.json"))
json.dump({"rows": model["rows"]}, open("/opt/ml/processing/evaluation/evaluation.json", "w"))
"""
SCORE = [{"Name": "score", "Regex": "score=(.*)"}]


@pytest.fixture
def sagemaker(aws: Aws) -> Any:
    return aws.client("sagemaker")


def real_opt_ml() -> list[str] | None:
    """Return what is in the machine's own /opt/ml."""
    folder = Path("/opt/ml")
    return sorted(str(path) for path in folder.rglob("*")) if folder.exists() else None


def script(name: str, uri: str, inputs: dict[str, Any], outputs: list[str], **more: Any) -> dict[str, Any]:
    """A processing step that runs a script, as the SDK's ScriptProcessor asks for it."""
    step = processing(name, "pass", {**inputs, "code": uri}, outputs, **more)
    for source in step["Arguments"]["ProcessingInputs"]:
        source["S3Input"]["LocalPath"] = f"/opt/ml/processing/{source['InputName']}"
    entrypoint = ["python3", f"/opt/ml/processing/code/{uri.rsplit('/', 1)[-1]}"]
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = entrypoint
    return step


@needs_namespaces
def test_another_projects_pipeline_runs_as_it_is(aws: Aws, sagemaker: Any, bucket: str, name: str) -> None:
    before = real_opt_ml()
    s3 = aws.client("s3")
    for file, content in (
        ("preprocess.py", PREPROCESS),
        ("evaluate.py", EVALUATE),
        ("rows.csv", "1,2\n3,4\n"),
    ):
        s3.put_object(Bucket=bucket, Key=f"{name}/{file}", Body=content.encode())
    s3.put_object(Bucket=bucket, Key=f"{name}/source.tar.gz", Body=source_archive("theirs", TRAIN))
    place = f"s3://{bucket}/{name}"
    program = {"sagemaker_program": "theirs", "sagemaker_submit_directory": f"{place}/source.tar.gz"}
    train = [channel("train", get("Steps.Preprocess.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"))]
    trial = {
        **training_request(),
        "DefinitionName": "theirs",
        "TuningObjective": {"Type": "Maximize", "MetricName": "score"},
        "HyperParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]
        },
        "StaticHyperParameters": program,
        "InputDataConfig": train,
    }
    tune = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
        },
        "TrainingJobDefinitions": [trial],
    }
    model = get("Steps.Train.ModelArtifacts.S3ModelArtifacts")
    report = {"PropertyFileName": "Report", "OutputName": "evaluation", "FilePath": "evaluation.json"}
    rows = {"Std:JsonGet": {"PropertyFile": get("Steps.Evaluate.PropertyFiles.Report"), "Path": "rows"}}
    fit = training_request(InputDataConfig=train, HyperParameters={**program, "x": "0.5"})
    execution, steps = run_steps(
        sagemaker,
        name,
        [
            script("Preprocess", f"{place}/preprocess.py", {"input": f"{place}/rows.csv"}, ["train"]),
            {"Name": "Tune", "Type": "Tuning", "Arguments": tune},
            {"Name": "Train", "Type": "Training", "Arguments": fit, "DependsOn": ["Tune"]},
            script(
                "Evaluate", f"{place}/evaluate.py", {"model": model}, ["evaluation"], PropertyFiles=[report]
            ),
            condition(
                "HasRows", [compare("Equals", rows, 2)], [register("Register", f"{name}--data", model)]
            ),
        ],
    )
    assert execution["PipelineExecutionStatus"] == "Succeeded", steps
    assert set(steps) == {"Preprocess", "Tune", "Train", "Evaluate", "HasRows", "Register"}
    assert real_opt_ml() == before


@needs_namespaces
def test_what_a_job_writes_to_opt_ml_is_its_own(sagemaker: Any, bucket: str, name: str) -> None:
    before = real_opt_ml()
    code = "open('/opt/ml/model/' + 'x', 'w').close(); print(os.listdir('/opt/ml'), os.getuid()); sys.exit(1)"
    for suffix in "ab":
        sagemaker.create_training_job(TrainingJobName=name + suffix, **training_request(code))
    for suffix in "ab":
        job = wait_for(lambda: ended(sagemaker, name + suffix))  # noqa: B023 - called at once
        assert f"['input', 'model', 'output'] {os.getuid()}" in sorted_listing(job["FailureReason"])
    assert real_opt_ml() == before


def sorted_listing(reason: str) -> str:
    """Return the last line of a reason with its list of names in order."""
    names, _, user = reason.splitlines()[-1].rpartition(" ")
    return f"{sorted(eval(names))} {user}"


def ended(sagemaker: Any, name: str) -> dict[str, Any] | None:
    job = sagemaker.describe_training_job(TrainingJobName=name)
    return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None


class NoNamespaces:
    """The workers of a system that has no mount namespaces."""

    has_private_opt_ml = False


def test_where_it_cannot_have_one_a_command_that_names_opt_ml_fails_with_advice(account: Account) -> None:
    store = Store(account.home / "records.db")
    buckets, shared = Buckets(account.home / "s3", Moto()), SharedFolders(account.home)
    jobs = ProcessingJobs(Platform(account, store, buckets, NoNamespaces(), shared))
    run = Run("toy", account.home / "toy")
    with pytest.raises(JobFailed, match="SAGEMAKER_BASE_DIR"):
        jobs.execute(run, ["python3", "/opt/ml/processing/code/x.py"], {}, None)
    store.close()
