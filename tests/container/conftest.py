"""Base folders, jobs run in this process, and one server for the session."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from support.container.jobs import give_table, source
from support.container.server import Served, serving
from support.container.tables import fitted
from tabular.data.splits.files import read_split
from tabular.jobs import command, preprocess
from tabular.portable import files
from threadpoolctl import threadpool_limits

import local_aws

# Jobs of a laptop run with one thread each; two tests beside each other should, too.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        for name, value in ONE_THREAD.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that stands for /opt/ml in this test."""
    folder = tmp_path / "ml"
    folder.mkdir()
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(folder))
    return folder


@pytest.fixture
def run_module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run a module's `main` as its command does, in this process."""

    def run(main: Callable[[], None], **arguments: str) -> None:
        flags = [text for name, value in arguments.items() for text in (f"--{name.replace('_', '-')}", value)]
        monkeypatch.setattr(sys, "argv", ["module", *flags])
        command.command(main)

    return run


PreprocessData = Callable[..., SimpleNamespace]


@pytest.fixture
def preprocess_data(base: Path, run_module: Callable[..., None]) -> PreprocessData:
    """PreprocessData over one raw table; gives both splits, the schema and the report."""

    def run(table: Any, name: str = "table.csv", **changed: str) -> SimpleNamespace:
        give_table(base, table, name)
        arguments = {
            "target": "target",
            "family": "classification",
            "test_size": "0.25",
            "stratify": "true",
            "random_state": "7",
        }
        run_module(preprocess.main, **arguments | changed)
        output = base / "processing/output"
        train, train_target, schema = read_split(output / "train")
        test, test_target, _ = read_split(output / "test")
        return SimpleNamespace(
            folder=output,
            schema=schema,
            kinds={column.name: column.kind for column in schema.columns},
            train=train,
            test=test,
            train_target=train_target,
            test_target=test_target,
            report=(output / "report/preprocessing.json").read_text(),
        )

    return run


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Save the model of an algorithm and task as SageMaker extracts it."""

    def save(algorithm: str = "LogisticRegression", task: str = "binary") -> Path:
        one = fitted(algorithm, task)
        folder = tmp_path_factory.mktemp("model")
        files.save_model(folder, one.manifest, one.arrays)
        return folder

    return save


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A multi-model server; tests load models under names of their own."""
    with serving(tmp_path_factory.mktemp("serve")) as running:
        yield running


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """S3, and training jobs as forks of one process that has their imports; their source is in a bucket."""
    home = tmp_path_factory.mktemp("aws") / "home"
    running = local_aws.start(home, owner=os.getpid())
    session = boto3.session.Session("test", running.secret, region_name="us-east-1")
    clients = {name: session.client(name, endpoint_url=running.endpoint_url) for name in ("s3", "sagemaker")}
    clients["s3"].create_bucket(Bucket="jobs")
    clients["s3"].put_object(Bucket="jobs", Key="code/source.tar.gz", Body=source())
    variables = {"AWS_ENDPOINT_URL": running.endpoint_url, "AWS_SECRET_ACCESS_KEY": running.secret}
    yield SimpleNamespace(
        variables=variables,
        source="s3://jobs/code/source.tar.gz",
        session=session,
        server=running,
        home=home,
        **clients,
    )
    local_aws.stop(home)


@pytest.fixture
def as_a_job(aws: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Point the clients that are made in this process at the account above; their session has its models."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", aws.session)
    variables = {"AWS_ACCESS_KEY_ID": "test", "AWS_DEFAULT_REGION": "us-east-1", **aws.variables}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return aws
