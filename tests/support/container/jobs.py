"""Jobs as SageMaker starts them: a base folder, the image's commands, the source in a tarball."""

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import tabular
from tabular.spec.trial import METRICS, SCORE

from support import HANGS, PATIENCE

BIN = Path(sys.executable).parent  # where the console scripts of the environment are
PACKAGE = Path(tabular.__file__).parent


def tarball(files: Mapping[str, str], folders: Iterable[str] = ()) -> bytes:
    """A tar.gz of the given texts, with entries for folders as `tar` itself writes them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        for name in folders:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def source(**beside: str) -> bytes:
    """The package `tabular` as it travels with a job, with Python files beside it."""
    paths = sorted(path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".json"))
    files = {str(path.relative_to(PACKAGE.parent)): path.read_text() for path in paths}
    return tarball(files | {f"{name}.py": text for name, text in beside.items()})


def run(
    command: str, base: Path, *arguments: str, **environment: str | None
) -> subprocess.CompletedProcess[str]:
    """Run `train` or `process` with a base folder of its own and wait for its end."""
    job = start(command, base, *arguments, **environment)
    out, err = job.communicate(timeout=HANGS)
    return subprocess.CompletedProcess(job.args, job.returncode, out, err)


def start(command: str, base: Path, *arguments: str, **environment: str | None) -> subprocess.Popen[str]:
    """Start `train` or `process` with a base folder of its own; a variable that is None is not set."""
    variables = os.environ | {
        "SAGEMAKER_BASE_DIR": str(base),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        **environment,
    }
    return subprocess.Popen(
        [str(BIN / command), *arguments],
        env={name: value for name, value in variables.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_trial(
    aws: Any, name: str, hyperparameters: dict[str, str], split: Path, source_uri: str = ""
) -> float:
    """Run a trial as a training job over a training split, wait for its end and give its score."""
    code = program_of_trials(source_uri or aws.source)
    aws.sagemaker.create_training_job(
        TrainingJobName=name,
        HyperParameters=hyperparameters | code | {"_tuning_objective_metric": SCORE},
        **request_of_trials(aws, name, split),
    )
    aws.sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=name, WaiterConfig=PATIENCE
    )
    job = aws.sagemaker.describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Completed", job
    return {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}[SCORE]


def program_of_trials(source_uri: str) -> dict[str, str]:
    """The hyperparameters that name a trial's program and where its source is."""
    return {"sagemaker_program": "tabular.jobs.train", "sagemaker_submit_directory": source_uri}


def request_of_trials(aws: Any, name: str, split: Path) -> dict[str, Any]:
    """What the request of every trial over a training split has in common; the split goes to S3."""
    for path in split.iterdir():
        aws.s3.put_object(Bucket="jobs", Key=f"{name}/{path.name}", Body=path.read_bytes())
    s3_source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://jobs/{name}/"}
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:local",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": name, "Regex": regex} for name, regex in METRICS.items()],
        },
        "RoleArn": "arn:aws:iam::123456789012:role/jobs",
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": s3_source}}],
        "OutputDataConfig": {"S3OutputPath": "s3://jobs/trials"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": HANGS},
    }


def give_hyperparameters(base: Path, **hyperparameters: str) -> None:
    """Write the file that SageMaker writes for a training job."""
    path = base / "input/config/hyperparameters.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(hyperparameters))


def give_code(base: Path, archive: bytes) -> None:
    """Put the source among a processing job's inputs."""
    path = base / "processing/input/code/source.tar.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive)


def give_table(base: Path, table: pd.DataFrame | str | bytes, name: str = "table.csv") -> None:
    """Put the one raw table among the inputs of a preprocessing job."""
    path = base / "processing/input/data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(table, pd.DataFrame):
        table.to_parquet(path) if name.endswith(".parquet") else table.to_csv(path, index=False)
    else:
        path.write_bytes(table.encode() if isinstance(table, str) else table)
