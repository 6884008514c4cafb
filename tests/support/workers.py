"""Which tests `make test-quick` runs; which of them run in one process over several cores, in which order.

And what such a process reports of each test.

What is made once for a whole session is made once in each process, so tests that need the same expensive
thing stay together: the run of the notebooks, or a local_aws, of which helpers and commands share one, the
container's jobs another, and the tests of local_aws itself a third. All others are shared out by their file.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from support import ROOT

__all__ = ["Scheduler", "mark_quick", "number", "put_longest_first", "report_once"]

GROUPS = {
    "tests/story/test_demo.py": "story",
    "tests/story/test_examples.py": "story",
    "tests/story/test_status.py": "story",
    "tests/terraform/": "story",  # holds what the notebooks called against a plan
    "tests/commands/": "helpers",
    "tests/helpers/": "helpers",
    "tests/container/jobs/": "jobs",
    "tests/container/spec/test_own_steps.py": "jobs",
    "tests/container/test_launcher.py": "jobs",
    "tests/container/test_scripts.py": "jobs",
    "tests/local_aws/": "local_aws",
}
# What is expensive to make, by the group of all that use it.
MADE_ONCE = {"story": "story", "connected": "helpers"}
# The groups that take longest, longest first. If one of them began last, all processes but one would idle.
LONGEST = (
    "helpers",
    "story",
    "jobs",
    "local_aws",
    "tests/container/data/test_any_table.py",
    "tests/container/data/test_cases.py",
    "tests/story/test_own_steps.py",
    "tests/story/test_deployments.py",
    "tests/lambdas/test_lambda_runtime.py",
    "tests/container/serving/test_fuzz.py",
    "tests/story/test_stored_outputs.py",
)
# Fixtures that start local_aws or the model server, by the room of the tests that use them.
STARTED = {
    "commands": {"connected"},
    "container": {"aws", "invoked", "server"},
    "helpers": {"connected"},
    "local_aws": {"aws"},
    "story": {"shop", "story", "url"},
}
# Files that take seconds, because they fit models, start processes or read hundreds of columns.
THOROUGH = (
    "tests/browser/test_lab.py",
    "tests/browser/test_slides.py",
    "tests/commands/running/test_lock.py",
    "tests/commands/running/test_perform.py",
    "tests/container/data/decisions/many/test_dates.py",
    "tests/container/data/decisions/many/test_numbers.py",
    "tests/container/data/values/finding/test_dates.py",
    "tests/container/data/values/test_dates.py",
    "tests/container/jobs/test_fleet.py",
    "tests/container/jobs/test_search.py",
    "tests/container/jobs/test_train.py",
    "tests/container/learning/test_categories.py",
    "tests/container/learning/test_dates_in_models.py",
    "tests/container/learning/test_fitting.py",
    "tests/container/monitoring/test_drift.py",
    "tests/container/portable/test_pickled.py",
    "tests/container/searching/test_search.py",
    "tests/container/serving/test_memory.py",
    "tests/container/serving/test_models.py",
    "tests/container/serving/test_serve.py",
    "tests/container/test_launcher.py",
    "tests/helpers/display/test_display.py",
    "tests/helpers/image/test_builders.py",
    "tests/lambdas/deployer/test_sweep.py",
    "tests/local_aws/lifecycle/test_reset.py",
    "tests/local_aws/services/endpoints/test_endpoints.py",
    "tests/local_aws/services/functions/test_extensions.py",
    "tests/local_aws/services/functions/test_functions.py",
    "tests/story/test_examples.py",
)


class Scheduler(LoadScopeScheduling):
    """Gives a group to a process as a whole. (Of pytest-xdist 3.8 and pytest 9.2, `loadgroup` does not.)"""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """Register the tests that a process has collected."""
        super().add_node_collection(node, collection)
        if node in self.registered_collections:
            self.registered_collections[node] = _Places(collection)


class _Places(list[str]):
    """A list of different names; the scheduler asks for the place of each, one by one."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self._places = {name: place for place, name in enumerate(self)}

    def index(self, name: str, *_: int) -> int:
        return self._places[name]


def report_once(config: pytest.Config) -> None:
    """Have a process report of a test that passes only that it did, unless somebody asks for more.

    Otherwise it tells in six messages that the test starts, is set up, has passed, is torn down, ends, and is
    done with. Of thousands of short tests, most of the time goes into these.
    """
    asked = config.option
    more = (asked.verbose > 0, asked.durations is not None, asked.xmlpath, asked.processor_time)
    if not hasattr(config, "workerinput") or any(more) or {"P", "A"} & {*asked.reportchars}:
        return
    (reporter,) = (
        one for one in config.pluginmanager.get_plugins() if type(one).__name__ == "WorkerInteractor"
    )
    config.pluginmanager.unregister(reporter)
    reporter.pytest_runtest_logstart = reporter.pytest_runtest_logfinish = None
    reporter.pytest_runtest_logreport = _Reported(reporter.pytest_runtest_logreport).report
    config.pluginmanager.register(reporter)


class _Reported:
    """Passes on reports, but not how a test that passes is set up and torn down."""

    def __init__(self, pass_on: Callable[[pytest.TestReport], None]) -> None:
        self._pass_on, self._passed = pass_on, False

    @pytest.hookimpl
    def report(self, report: pytest.TestReport) -> None:
        if not report.passed or report.when == "call" or (report.when == "teardown" and not self._passed):
            self._pass_on(report)
        self._passed = report.passed and report.when == "call"


def number(marks: str) -> int:
    """As many processes as cores, at most four; one more if these tests also wait for other processes."""
    return min(os.cpu_count() or 1, 4) + (marks != "quick")


def mark_quick(items: list[pytest.Item]) -> None:
    """Mark what is neither slow nor in need of local_aws, the model server, Terraform or Docker.

    Raises:
        pytest.UsageError: a file that is named here is not there.
    """
    if gone := [
        file for file in (*THOROUGH, *LONGEST) if file.endswith(".py") and not (ROOT / file).is_file()
    ]:
        raise pytest.UsageError(
            f"{', '.join(gone)}: name it in tests/support/workers.py as it is called now."
        )
    for item in items:
        room = item.nodeid.removeprefix("tests/").partition("/")[0]
        started = STARTED.get(room, set()) & set(getattr(item, "fixturenames", ()))
        slow = item.get_closest_marker("slow") or item.nodeid.split("::")[0] in THOROUGH
        if room not in ("image", "terraform") and not started and not slow:
            item.add_marker(pytest.mark.quick)


def put_longest_first(items: list[pytest.Item]) -> None:
    """Put LONGEST first, and sort the other groups by their size; within a group nothing moves.

    Raises:
        pytest.UsageError: a test would make for itself what a group has made.
    """
    groups = {item: _group(item.nodeid) for item in items}
    for item, group in groups.items():
        for fixture in MADE_ONCE.keys() & set(getattr(item, "fixturenames", ())):
            if group != MADE_ONCE[fixture]:
                raise pytest.UsageError(
                    f"{item.nodeid} would make {fixture!r} once more; put its file into the group "
                    f"{MADE_ONCE[fixture]!r} of GROUPS in tests/support/workers.py."
                )
    size = Counter(groups.values())
    place = {group: number for number, group in enumerate(LONGEST)}
    items.sort(key=lambda item: (place.get(groups[item], len(LONGEST)), -size[groups[item]], groups[item]))


def _group(nodeid: str) -> str:
    file = nodeid.split("::")[0]
    return next((group for path, group in GROUPS.items() if file.startswith(path)), file)
