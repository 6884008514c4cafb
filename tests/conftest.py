"""What all tests share: nothing that they do reaches a person's own state."""

import helpers.pipeline  # noqa: F401 - before anything imports jsonschema: postpones what that would compile

# isort: split

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from support import ROOT, temporary_files, workers
from support.local_aws import once
from support.notebooks.demo_run import Story, tell
from support.processor_time import ProcessorTime
from xdist.remote import Producer

from local_aws.lifecycle import daemon

# On a busy machine, an example takes as long as it takes.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

temporary_files.write_to_memory()
once.share_descriptions()
ALLOCATIONS = 50_000  # between two collections of garbage; by default, a tenth of the time is collections

pytest_plugins = ["support.helpers.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let somebody ask what the tests cost."""
    parser.addoption("--processor-time", action="store_true", help="processor seconds by file, at the end")


def pytest_configure(config: pytest.Config) -> None:
    """Measure if somebody asks; report no more than is shown."""
    workers.report_once(config)
    if config.option.processor_time:
        config.pluginmanager.register(ProcessorTime())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Keep the garbage collector away from thousands of tests and what they import: all of it stays.

    It would walk through them again and again, while they are collected and in each full collection after.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(ALLOCATIONS)


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Look for what nobody refers to any more once; pytest does so five times, and through all imports."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before pytest looks for marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is quick; order what several processes share out."""
    workers.mark_quick(items)
    workers.put_longest_first(items)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Tell how many processes run the tests."""
    return workers.number(config.option.markexpr)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> workers.Scheduler:
    """Have several processes share out the tests by what they need."""
    return workers.Scheduler(config, log)


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Redirect the state of local_aws and the cache of data sets; point nothing at a real account."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_AWS_HOME", str(tmp_path_factory.mktemp("state") / "local_aws"))
        patch.setenv("MANY_MODELS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("GOGC", "off")  # Terraform's processes end before they need to collect garbage,
        patch.setenv("GOMEMLIMIT", "1GiB")  # which they do from here on
        patch.setenv("GOMAXPROCS", "1")  # with more threads, they wake each other for a tenth of their time
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # jobs would compile their imports each time
        for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"]:
            patch.delenv(name)
        # A copy of the banknote data beside the project stands in for its source where there is no network.
        copy = ROOT.parent / "shared/data/data_banknote_authentication.txt"
        if "BANKNOTE_CSV" not in os.environ and copy.is_file():
            patch.setenv("BANKNOTE_CSV", str(copy))
        yield


@pytest.fixture(scope="session", autouse=True)
def _warm_servers(own_state: None) -> Iterator[None]:
    """Start local_aws without its imports, which one process has for all; see `WarmServers`."""
    servers = once.WarmServers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daemon, "_launch", servers.launch)
        yield
    servers.close()


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory, own_state: None) -> Story:
    """The notebooks, run once for all who look at what they did."""
    return tell(tmp_path_factory.mktemp("story"))
