"""One local_aws of these tests' own, one real execution in it, and headless runs beside it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from commands import install
from commands.running.lock import exclusive
from contract.names import DECISION
from helpers import runs
from helpers.data import datasets, sources
from helpers.pipeline.code import job_source
from helpers.session import Session, connect, local
from support import HANGS, ROOT
from support.helpers import headless
from support.helpers.loopback import Source, answering
from support.helpers.shared import (
    TRIALS,
    Compiled,
    Connected,
    HeadlessRun,
    SideBySide,
    Waited,
    compile_pipeline,
    first_version,
    settings,
)
from support.helpers.webhook import webhook

# The definitions of both families, and of a pipeline in a network, while what is left out cannot be imported.
COMPILE = """
import dataclasses, gc, importlib, json, pkgutil, sys
gc.disable()  # for half of the time, it would look for garbage
for name in sys.argv[1:]:
    sys.modules[name] = None
from support.helpers.shared import compile_pipeline
from helpers import pipeline
from helpers.session import connect
session = connect("local", "many-models")
for module in pkgutil.iter_modules(pipeline.__path__):
    importlib.import_module(f"helpers.pipeline.{module.name}")
made = [compile_pipeline(session), compile_pipeline(session, "regression")]
definitions = [one.definition for one in made]
in_a_network = dataclasses.replace(session, vpc={"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]})
compiler = pipeline.Compiler(in_a_network, made[0].compiler.sources)
definitions.append(pipeline.definition(compiler, made[0].parameters, made[0].steps))
sys.stdout.write(json.dumps(definitions))
gc.freeze()
"""


@pytest.fixture(scope="session")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    home = tmp_path_factory.mktemp("helpers") / "local_aws"
    before = dict(os.environ)
    with settings({"LOCAL_AWS_HOME": str(home)}), local("local"):
        session = connect("local", "many-models")
        changed = {name: value for name, value in os.environ.items() if before.get(name) != value}
        with settings(before, alone=True):
            yield Connected(session, changed)


@pytest.fixture
def session(connected: Connected) -> Iterator[Session]:
    """Connected to the local_aws of these tests."""
    with settings(connected.settings):
        yield connected.session


@pytest.fixture(scope="session")
def compiled(connected: Connected) -> Compiled:
    """The pipeline of the classification family."""
    with settings(connected.settings):
        return compile_pipeline(connected.session)


@pytest.fixture(scope="session")
def packed(connected: Connected) -> Compiled:
    """The same with a packed search."""
    with settings(connected.settings):
        return compile_pipeline(connected.session, search="packed")


@pytest.fixture(scope="session")
def compiled_elsewhere(connected: Connected, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The definitions of COMPILE, from a process with another hash seed and settings for the SDK."""
    settings_of_the_user = tmp_path_factory.mktemp("sdk") / "config.yaml"
    settings_of_the_user.write_text(
        "SchemaVersion: '1.0'\nSageMaker:\n  TrainingJob:\n    VpcConfig:\n      Subnets: [subnet-1]\n"
        "      SecurityGroupIds: [sg-1]\n"
    )
    more = {"PYTHONHASHSEED": "4711", "SAGEMAKER_USER_CONFIG_OVERRIDE": str(settings_of_the_user)}
    blocked = [name.replace("-", "_") for name in install.LEFT_OUT]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMPILE, *blocked],
        env=headless.environment(Path(connected.settings["LOCAL_AWS_HOME"]), **more),
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def ran(connected: Connected, compiled: Compiled) -> runs.Execution:
    """A real execution on wine, which has ended and registered version 1."""
    from helpers import pipeline

    session = connected.session
    with settings(connected.settings):
        pipeline.publish(compiled.compiler, compiled.definition)
        parameters = {"MaxTuningJobs": TRIALS, "StratifySplit": True}
        (run,) = runs.start(session, [datasets.fetch("wine")], parameters)
        runs.watch(session, [run])
    return run


@pytest.fixture
def register(session: Session, ran: runs.Execution) -> Callable[..., str]:
    """Make versions of a data set that nobody has used, all of them of the model that was trained on wine."""

    def versions(*statuses: str) -> str:
        dataset = f"table-{uuid4().hex[:8]}"
        sagemaker = session.client("sagemaker")
        trained = sagemaker.describe_model_package(ModelPackageName=first_version(session).arn)
        metadata = trained["CustomerMetadataProperties"].items()
        sagemaker.create_model_package_group(ModelPackageGroupName=session.group(dataset))
        for status in statuses:
            sagemaker.create_model_package(
                ModelPackageGroupName=session.group(dataset),
                ModelApprovalStatus=status,
                InferenceSpecification=trained["InferenceSpecification"],
                CustomerMetadataProperties={
                    key: value for key, value in metadata if not key.startswith(DECISION)
                },
            )
        return dataset

    return versions


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, compiled: Compiled) -> Path:
    """The state of somebody else's local_aws, which is not running: it has the pipeline, and nothing more."""
    home = tmp_path_factory.mktemp("somebody") / "local_aws"
    with settings(headless.environment(home), alone=True), local("local"):
        session = connect("local", "many-models")
        assert job_source.upload(session) == compiled.compiler.sources
        session.client("sagemaker").create_pipeline(
            PipelineName=session.pipeline(),
            PipelineDefinition=compiled.definition,
            RoleArn=session.job_role_arn,
        )
    return home


@pytest.fixture(scope="session")
def side_by_side(tmp_path_factory: pytest.TempPathFactory) -> SideBySide:
    """Notebook 01 twice at once, of which the second begins as soon as this process lets it."""

    def start(folder: Path, *arguments: object) -> subprocess.Popen:
        return headless.start(folder / "local_aws", folder / "runs", "--only", "01", *arguments)

    def ended(folder: Path, process: subprocess.Popen) -> HeadlessRun:
        return HeadlessRun(folder / "local_aws", folder / "runs", headless.finish(process))

    one, other = (tmp_path_factory.mktemp("side") for _ in range(2))
    wine = ("-p", "DATASETS", "[wine]")
    with webhook() as hook:
        with exclusive(other / "local_aws/run.lock"):
            second = start(other, *wine, "-p", "NOTIFY", hook.url)
            said = headless.wait_for_line(second, "waiting")
            with settings({"LOCAL_AWS_HOME": str(other / "local_aws")}):
                where = ("run", str(headless.LOCAL_YAML), "--only", "01", "--runs", str(other / "runs"))
                refused = headless.here(*where, "--no-wait")
            left = [*(other / "runs").glob("*")]
            first = start(one, *wine)
        of_first, of_second = ended(one, first), ended(other, second)
    return SideBySide(of_first, Waited(of_second, said, left, refused, hook.received))


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """A server of this machine that stands for the web."""
    found = Source()
    monkeypatch.setattr(sources, "web", lambda: answering(found.port))
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Processes hear SIGINT, also where these tests run in the background, which would have it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
