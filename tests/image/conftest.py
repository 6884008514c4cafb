"""One engine, one image and one local_aws for all tests of the image, and the figures that they print."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from support.debian import Missing
from support.image.engine import SECRET, USER, Engine, Job, base, running

import local_aws
from helpers.image import builders

FIGURES = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/image/"):
            item.add_marker(pytest.mark.image)
            item.add_marker(pytest.mark.timeout(900))  # the first waits for the engine and the build


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[FIGURES]:
        terminalreporter.section("image")
        for name, value in config.stash[FIGURES].items():
            terminalreporter.write_line(f"{name:40} {value:>12}")


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> dict[str, str]:
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def engine(figures: dict[str, str]) -> Iterator[Engine]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="engine-"))
        try:
            engine = stack.enter_context(running(Path(folder)))
        except Missing as reason:
            pytest.skip(str(reason))
        figures["Docker engine"] = engine.version
        yield engine


@pytest.fixture(scope="session")
def base_image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    try:
        return base(engine, tmp_path_factory.mktemp("base"))
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def image(engine: Engine, base_image: str, figures: dict[str, str]) -> str:
    """The image, built by the helper that notebook 01 calls, with a setting of pip that must not stay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_TRUSTED_HOST", SECRET)
        for title in ("build, cold", "build, cached"):
            begin = time.monotonic()
            name = builders.build_here(base_image, engine.build_options)
            figures[title] = f"{time.monotonic() - begin:.1f} s"
    return name


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """S3 with the jobs' source, which containers reach on this machine's network."""
    from support.container.jobs import source

    home = tmp_path_factory.mktemp("aws") / "home"
    server = local_aws.start(home, owner=os.getpid())
    session = boto3.session.Session("test", server.secret, region_name="us-east-1")
    s3 = session.client("s3", endpoint_url=server.endpoint_url)
    s3.create_bucket(Bucket="jobs")
    s3.put_object(Bucket="jobs", Key="code/source.tar.gz", Body=source())
    variables = {
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": server.secret,
        "OMP_NUM_THREADS": "1",
    }
    yield SimpleNamespace(source="s3://jobs/code/source.tar.gz", variables=variables)
    local_aws.stop(home)


@pytest.fixture
def options(aws: SimpleNamespace) -> Callable[[Path], tuple[str, ...]]:
    """How SageMaker runs a job's container, as far as Docker is told: /opt/ml, and the job's variables."""

    def chosen(base: Path) -> tuple[str, ...]:
        user = () if os.getuid() == 0 else ("--user", USER)
        variables = [text for pair in aws.variables.items() for text in ("--env", "=".join(pair))]
        return (*user, "--network", "host", "--volume", f"{base}:/opt/ml", *variables)

    return chosen


@pytest.fixture
def job(engine: Engine, image: str, options: Callable[[Path], tuple[str, ...]]) -> Job:
    """Run `train` or `process` in a container, with a folder as /opt/ml."""

    def run(base: Path, *command: str) -> subprocess.CompletedProcess[str]:
        return engine.run(image, *command, options=options(base))

    return run
