"""Run the notebooks headlessly, in order, and say how it ended."""

import contextlib
import datetime
import itertools
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from commands.notebooks import kernels, papermill_engine
from commands.reporting import history, notification, page
from commands.reporting.recording import OutOfTime, Recording
from commands.reporting.sentences import RESUME, awaiting, decisions
from commands.running import advice, planning, resuming
from commands.running.lock import exclusive
from commands.running.planning import Plan
from helpers.cost.forecast.pace import Size
from helpers.data import datasets
from helpers.errors import BadInput, ExitCode, Interrupted, UserError, full_disk
from helpers.runs import facts, find, outcome, stop, summary
from helpers.session import connect, local, state_folder
from helpers.session.storage import require_room

__all__ = ["Limits", "resume", "run"]


@dataclass(frozen=True)
class Limits:
    """How long a run may wait and take: whether it waits for another run, and minutes, None for ever."""

    wait: bool = True
    minutes: float | None = None


NO_LIMITS = Limits()


def run(notebooks: Sequence[Path], values: Mapping[str, Any], runs: Path, limits: Limits = NO_LIMITS) -> int:
    """Run notebooks with these parameters; executed copies and summary.json land under `runs/<id>/`.

    Raises:
        UserError: a parameter cannot be used, or a notebook ended with an error that the user can fix.
        Interrupted: somebody interrupted this, and executions go on.
    """
    with contextlib.ExitStack() as stack:
        with notification.unless_it_begins(values):
            plan = planning.plan(notebooks, values)
            stack.enter_context(_alone(plan, runs, limits))
            recording = _recording(_folder(runs), plan)
        return _perform(plan, recording, limits)


def resume(
    name: str,
    file: Mapping[str, Any],
    given: Mapping[str, Any],
    runs: Path,
    only_failed: bool = False,
    limits: Limits = NO_LIMITS,
) -> int:
    """Go on with what an earlier run has not finished, with its parameters and its executions.

    Args:
        name: of the run's folder, or `latest`.
        file: the values of the parameter file, for addresses that the summary does not repeat.
        given: values that replace the run's, from now on.
        runs: the folder of all runs.
        only_failed: do nothing about the tables that are finished.
        limits: how long to wait and to take.

    Raises:
        UserError: as `run`; or there is no such run, or it has not ended.
        Interrupted: as `run`.
    """
    folder, document = resuming.earlier(runs, name)
    stems, tables = resuming.open_notebooks(document), resuming.open_tables(document)
    if not stems or (only_failed and not tables):
        print(f"Run {folder.name} is finished; nothing is left to resume.")
        return document["exit_code"] or ExitCode.DONE
    notebooks = [path for path in planning.chosen((), None) if path.stem in stems]
    with contextlib.ExitStack() as stack:
        with notification.unless_it_begins({**file, **given}):
            plan = planning.plan(notebooks, resuming.restored(document, file, given) | given)
            replaced = {name: value for name, value in _shown(plan).items() if name in given}
            document = resuming.reopened(document, stems, replaced)
            tables = resuming.open_tables(document)
            if only_failed:
                plan = planning.restricted(plan, tables)
            named = ", ".join(tables) or "all tables are done"
            print(f"Resuming run {folder.name}: {', '.join(stems)}; {named}.")
            stack.enter_context(_alone(plan, runs, limits))
            recording = Recording(folder, document, plan.channel)
        return _perform(plan, recording, limits)


@contextmanager
def _alone(plan: Plan, runs: Path, limits: Limits) -> Iterator[None]:
    """Keep out other runs with the same state: both would decide on the same versions."""
    if len(plan.notebooks) > 1:
        kernels.warm_up()
    state = state_folder() if plan.environment == "local" else runs
    require_room(state, "name another one, with LOCAL_AWS_HOME for the state of local_aws")
    require_room(runs, "name another one with --runs")
    with exclusive(state / "run.lock", limits.wait):
        yield


def _perform(plan: Plan, recording: Recording, limits: Limits) -> int:
    """Run a plan, keep its state, and say how it ended."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # a notice of ipykernel's debugger
    document = recording.document
    document["killed"] = history.settle(recording.folder.parent, recording.folder)
    for name in document["killed"]:
        print(f"Run {name} was killed. {RESUME.format(run=name)}", flush=True)
    try:
        with recording, local(plan.environment) as ends_with_this:
            try:
                _run(plan, recording, limits.minutes)
            except (KeyboardInterrupt, OutOfTime):
                if plan.environment == "local" and not ends_with_this:
                    _stop_executions(plan.everything, document["run_id"])
                raise
    except KeyboardInterrupt:
        begin = "Interrupted; nothing that this run started is left running here"
        if plan.environment == "local" or not document["run_id"]:
            raise Interrupted(f"{begin}. {RESUME.format(run=document['run'])}") from None
        raise Interrupted(f"{begin}, but {advice.going_on(document)}") from None
    except OSError as error:
        if not (said := full_disk(error)):
            raise
        raise UserError("\n\n".join([said, *advice.again(document)])) from None
    except UserError as error:
        told = [*advice.failures(document), *advice.again(document)]
        new = [each for each in told if each.split(": ", 1)[-1] not in str(error)]
        raise type(error)("\n\n".join([str(error), *new])) from None
    finally:
        seconds, folder = document["seconds"], recording.folder
        print(f"\n{seconds:.0f} seconds; {page.FILE} in {folder} shows the outcomes and the notebooks")
        print(f"\n{summary.table(document['data_sets']).to_string()}", flush=True)
    if told := advice.failures(document):
        print("\n" + "\n\n".join([*told, *advice.again(document)]), file=sys.stderr)
    if told := decisions(awaiting(document["data_sets"])):
        print(f"\n{told}", flush=True)
    return document["exit_code"]


def _stop_executions(value: Mapping[str, Any], run_id: str | None) -> None:
    """Stop what a run has started in a local_aws that goes on, because it was there before."""
    if not run_id:
        return
    session = connect("local", value["PIPELINE_NAME"])
    stop(session, find(session, run_id, value["DEVELOPER"]))


def _run(plan: Plan, recording: Recording, minutes: float | None) -> None:
    os.environ[facts.FOLDER] = str(recording.folder.absolute())
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    if any(path.stem.startswith(resuming.TRAINS) for path in plan.notebooks):
        _forecast(plan, recording, _check_tables(plan, recording))
    for path, names in plan.notebooks.items():
        print(f"\n{path.stem}", flush=True)
        # Notebook 04 decides on what 03 has registered in this run, and on nothing that came in between.
        run_id = recording.document["run_id"]
        given = {**plan.given, **({"RUN_ID": run_id} if run_id else {})}
        values = {name: given[name] for name in given if name in names}
        left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
        with recording.notebook(path):
            try:
                _execute(path, recording.folder / path.name, values, recording.hear, left)
            except TimeoutError:
                raise OutOfTime(advice.out_of_time(plan, recording.document, minutes)) from None


def _check_tables(plan: Plan, recording: Recording) -> dict[str, Size | None]:
    """Note which tables cannot be used, before the first notebook; 03 leaves them out.

    Returns:
        The sizes of those that can be used; None for one that is only read once 03 is connected.

    Raises:
        BadInput: none can be used.
        UserError: likewise, of those that a resumed run has not finished.
    """
    everyone = plan.everything["DATASETS"]
    now = datasets.before_a_session(everyone)
    chosen, left_out = datasets.choose(now, settings=planning.settings(plan.everything))
    for name, one in left_out.items():
        recording.hear({"dataset": name, "facts": outcome.of_left_out(one)})
        print(f"Leaving out {name}: {one.said} {one.advice}", flush=True)
    if len(left_out) == len(everyone):
        if len(everyone) < len(recording.document["data_sets"]):  # others are finished
            raise UserError("No data set that is not finished can be used; nothing was started.")
        raise BadInput("No data set is left to work on; nothing was started.")
    read = planning.sampled(chosen, plan.everything, recording.folder.parent)
    return {name: read.get(name) for name in datasets.names(everyone) if name not in left_out}


def _forecast(plan: Plan, recording: Recording, sizes: Mapping[str, Size | None]) -> None:
    """Say and note what the run will take; what an earlier run has finished is not done again.

    Raises:
        BadInput: it may cost more than MAX_COST_USD allows, or the prices cannot be used.
    """
    states, cap = recording.document["data_sets"], plan.everything["MAX_COST_USD"]
    open_ = {name: each for name, each in sizes.items() if states[name]["outcome"] in resuming.UNFINISHED}
    if not open_:  # it was interrupted after the last table
        return
    expected = planning.forecast(plan.everything, open_, recording.folder.parent)
    recording.expect(expected, cap)
    print("\n".join(["", *expected.say(cap)]), flush=True)
    expected.check_cap(cap)


def _execute(
    source: Path,
    target: Path,
    values: Mapping[str, Any],
    hear: papermill_engine.Hear,
    seconds: float | None = None,
) -> None:
    """Run one notebook, for so many seconds at most.

    Raises:
        TimeoutError: it took longer.
        UserError: it ended with an error; the message is a sentence about it.
    """
    try:
        papermill_engine.execute(source, target, values, hear, seconds)
    except PapermillExecutionError as error:
        kinds = {kind.__name__: kind for kind in (UserError, *UserError.__subclasses__())}
        if error.ename in kinds:
            raise kinds[error.ename](error.evalue) from None
        raise UserError(
            f"{source.stem} failed with {error.ename}: {error.evalue} The whole traceback is in {target}."
        ) from None
    except DeadKernelError:
        raise UserError(
            f"{source.stem} failed: its kernel died, which usually means that memory ran out. The notebook "
            f"up to there is {target}; free some memory and run it again."
        ) from None


def _shown(plan: Plan) -> dict[str, Any]:
    """The given values as a summary keeps them: without the secret in NOTIFY."""
    return {**plan.given, **({"NOTIFY": plan.channel.shown} if plan.channel else {})}


def _recording(folder: Path, plan: Plan) -> Recording:
    value = plan.everything
    document = summary.new(
        folder.name,
        _shown(plan),
        value["ENVIRONMENT"],
        value["PIPELINE_NAME"],
        [path.stem for path in plan.notebooks],
        datasets.names(value["DATASETS"]),
    )
    return Recording(folder, document, plan.channel)


def _folder(runs: Path) -> Path:
    """A new folder named after the time in UTC, which never goes back; another may begin then, too."""
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    for name in itertools.chain([stamp], (f"{stamp}-{number}" for number in itertools.count(2))):
        with contextlib.suppress(FileExistsError):
            (runs / name).mkdir(parents=True)
            break
    return runs / name
