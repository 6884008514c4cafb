"""Run the notebooks headlessly, in order, or only say what would run.

Wherever possible, invalid input is found before the first cell runs.
"""

import ast
import contextlib
import datetime
import functools
import itertools
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from commands import resuming
from commands.lock import exclusive
from commands.notebooks import kernels, papermill_engine
from commands.reporting import page
from commands.reporting.channels import Channel, channel
from commands.reporting.recording import RESUME, OutOfTime, Recording
from helpers import parameters
from helpers.data import datasets, findings
from helpers.data.entries import absolute, parse
from helpers.deployment import decisions
from helpers.errors import BadInput, ExitCode, Interrupted, UserError
from helpers.parameters.outputs import outputs_of
from helpers.pipeline import own_steps
from helpers.runs import facts, find, outcome, stop, summary
from helpers.runs.executions.starting import NEW
from helpers.session import connect, group, local, state_folder
from helpers.storage import require_room

__all__ = ["Limits", "check", "chosen", "known", "resume", "run"]

ROOT = Path(__file__).parents[2]
# The parameters with which each table is checked, in the order of `datasets.Settings`.
SETTINGS = (
    *("TEST_SET_SIZE", "STRATIFY_SPLIT", "RANDOM_STATE", "CROSS_VALIDATION_FOLDS", "STEPS", "SEARCH_ROWS"),
    *("CROSS_VALIDATION_SCORER", "METRIC_FOR_REGISTRATION", "REGRESSION_SCORER", "REGRESSION_METRIC"),
)


@dataclass(frozen=True)
class Plan:
    """What will run: the notebooks with the names of their parameters, the given values, and all values.

    `channel` is to whoever is told how it ended, if anybody.
    """

    notebooks: Mapping[Path, set[str]]
    given: Mapping[str, Any]
    everything: Mapping[str, Any]
    channel: Channel | None

    @property
    def environment(self) -> str:
        """Where it will run."""
        return self.everything["ENVIRONMENT"]


@dataclass(frozen=True)
class Limits:
    """How long a run may wait and take: whether it waits for another run, and minutes, None for ever."""

    wait: bool = True
    minutes: float | None = None


NO_LIMITS = Limits()


def chosen(only: Sequence[str], start: str | None) -> list[Path]:
    """The notebooks with these numbers, or those from one number on, or all.

    Raises:
        BadInput: there is no such notebook.
    """
    found = _notebooks()
    numbers = [path.name[:2] for path in found]
    for number in [*only, *([start] if start else [])]:
        if number not in numbers:
            raise BadInput(f"There is no notebook {number!r}; there are {', '.join(numbers)}.")
    if only:
        return [path for path in found if path.name[:2] in only]
    return [path for path in found if not start or path.name[:2] >= start]


def run(notebooks: Sequence[Path], values: Mapping[str, Any], runs: Path, limits: Limits = NO_LIMITS) -> int:
    """Run notebooks with these parameters; executed copies and summary.json land under `runs/<id>/`.

    Raises:
        UserError: a parameter cannot be used, or a notebook ended with an error that the user can fix.
        Interrupted: somebody interrupted this, and executions go on.
    """
    plan = _plan(notebooks, values)
    with _alone(plan, runs, limits):
        return _perform(plan, _recording(_folder(runs), plan), limits)


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
        given: values that replace the run's.
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
    notebooks = [path for path in _notebooks() if path.stem in stems]
    plan = _plan(notebooks, resuming.restored(document, file) | given)
    if only_failed:
        plan = _restricted(plan, tables)
    again = resuming.reopened(document, stems, tables)
    print(f"Resuming run {folder.name}: {', '.join(stems)}; {', '.join(tables) or 'all tables are done'}.")
    with _alone(plan, runs, limits):
        return _perform(plan, Recording(folder, again, plan.channel), limits)


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


def _restricted(plan: Plan, tables: Sequence[str]) -> Plan:
    """The same for some of the tables: also a decision or a version of another one is not asked for."""
    value = plan.everything
    own: dict[str, Any] = {
        "DATASETS": [entry for entry in value["DATASETS"] if datasets.names([entry])[0] in tables]
    }
    for name in ("APPROVE", "VERSIONS"):
        if isinstance(value[name], Mapping):
            wanted = (*tables, decisions.DEFAULT)
            own[name] = {table: each for table, each in value[name].items() if table in wanted}
    return replace(plan, given={**plan.given, **own}, everything={**value, **own})


def _perform(plan: Plan, recording: Recording, limits: Limits) -> int:
    """Run a plan, keep its state, and say how it ended."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # a notice of ipykernel's debugger
    document = recording.document
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
        raise Interrupted(f"{begin}, but {_going_on(document)}") from None
    except UserError as error:
        told = [*_failures(document), *_again(document)]
        new = [each for each in told if each.split(": ", 1)[-1] not in str(error)]
        raise type(error)("\n\n".join([str(error), *new])) from None
    finally:
        seconds, folder = document["seconds"], recording.folder
        print(f"\n{seconds:.0f} seconds; {page.FILE} in {folder} shows the outcomes and the notebooks")
        print(f"\n{summary.table(document['data_sets']).to_string()}", flush=True)
    if told := [*_failures(document), *_undecided(plan, document)]:
        print("\n" + "\n\n".join([*told, *_again(document)]), file=sys.stderr)
    return document["exit_code"]


def _failures(document: summary.Summary) -> list[str]:
    """The sentences about the data sets that failed or were refused."""
    return [
        outcome.sentences(name, each)
        for name, each in document["data_sets"].items()
        if each["outcome"] in ("failed", "refused")
    ]


def _again(document: summary.Summary) -> list[str]:
    """How to go on with a run, if something is left of it that can be done again with the same parameters."""
    resumable = document["exit_code"] != ExitCode.BAD_INPUT and resuming.open_notebooks(document)
    return [RESUME.format(run=document["run"])] if resumable else []


def _undecided(plan: Plan, document: summary.Summary) -> list[str]:
    """The sentences about versions that were to be decided on, but had been decided on otherwise."""
    value, found = plan.everything, document["data_sets"]
    if not any(path.stem.startswith("04") for path in plan.notebooks):
        return []
    return [
        outcome.sentences(name, found[name])
        for name in decisions.wishes(value["APPROVE"], datasets.names(value["DATASETS"]))
        if found[name]["version"] and not (found[name]["decision"] or found[name]["awaits_decision"])
    ]


def _going_on(document: summary.Summary) -> str:
    run_id = document["run_id"]
    return (
        f"at AWS the executions of run {run_id} go on until they end. With the same FILE and parameters, "
        f"`many-models stop FILE -p RUN_ID {run_id}` stops them, and `many-models run FILE --resume "
        f"{document['run']}` attaches to them."
    )


def _stop_executions(value: Mapping[str, Any], run_id: str | None) -> None:
    """Stop what a run has started in a local_aws that goes on, because it was there before."""
    if not run_id:
        return
    session = connect("local", value["PIPELINE_NAME"])
    stop(session, find(session, run_id, value["DEVELOPER"]))


def check(notebooks: Sequence[Path], values: Mapping[str, Any], as_json: bool = False) -> int:
    """Print what a run with these parameters would do and what is in its tables, and start nothing.

    Raises:
        BadInput: a parameter cannot be used.
    """
    everything = known(values)
    _check_decisions(notebooks, everything)
    channel(everything["NOTIFY"])
    found = findings.document(
        absolute(everything["DATASETS"]), _settings(everything), lambda line: print(line, file=sys.stderr)
    )
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        print(findings.as_text(found, shutil.get_terminal_size((110, 24)).columns).lstrip("\n"))
    refused = [name for name, one in found["data_sets"].items() if one["refused"]]
    if refused:
        print(f"Refused: {', '.join(refused)}; nothing was started.", file=sys.stderr)
        return ExitCode.BAD_INPUT
    if not as_json:
        _print_plan(notebooks, everything)
    return ExitCode.DONE


def _print_plan(notebooks: Sequence[Path], value: Mapping[str, Any]) -> None:
    rows = {
        "environment": value["ENVIRONMENT"],
        "pipeline": value["PIPELINE_NAME"],
        "notebooks": ", ".join(path.stem for path in notebooks),
        "data sets": ", ".join(datasets.names(value["DATASETS"])),
        "trials": f"{value['MAX_TUNING_JOBS']} for each, {value['MAX_TUNING_PARALLEL_JOBS']} at a time",
        "decision": value["APPROVE"],
    }
    print("\nAll parameters can be used; nothing was started. A run would use\n")
    for name, text in rows.items():
        print(f"  {name:12} {text}")


def _settings(value: Mapping[str, Any]) -> datasets.Settings:
    """What the parameters say about all tables."""
    return datasets.Settings(*(value[name] for name in SETTINGS))


def _plan(notebooks: Sequence[Path], values: Mapping[str, Any]) -> Plan:
    """Find parameters that cannot be used before anything starts."""
    everything = known(values)
    _check_decisions(notebooks, everything)
    everything = {**everything, "DATASETS": absolute(everything["DATASETS"])}
    wanted = {path: set(_defaults(path)) for path in notebooks}
    return Plan(
        wanted, {name: everything[name] for name in values}, everything, channel(everything["NOTIFY"])
    )


def _check_decisions(notebooks: Sequence[Path], value: Mapping[str, Any]) -> None:
    """Refuse decisions on data sets that are not there, and on versions that nothing names.

    Notebook 04 decides on what 03 registers in the same run. Without 03, somebody must say what to decide on,
    because nobody has seen the versions that 04 would find.
    """
    numbers, names = [path.name[:2] for path in notebooks], datasets.names(value["DATASETS"])
    wanted = decisions.wishes(value["APPROVE"], names)
    said = decisions.named_versions(value["VERSIONS"], names) is not None
    named = said or value["RUN_ID"] not in ("", NEW)
    if wanted and "04" in numbers and "03" not in numbers and not named:
        raise BadInput(
            f"APPROVE is {value['APPROVE']!r}, but without notebook 03 this run registers no versions to "
            "decide on; say which: VERSIONS is latest or such as {wine: 3}, or RUN_ID is the run of 03."
        )


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters with their values, of the types that they must have.

    Raises:
        BadInput: a parameter cannot be used.
    """
    everywhere = {name: value for path in _notebooks() for name, value in _defaults(path).items()}
    everywhere |= parameters.OF_THE_RUN
    everything = everywhere | parameters.parse(values, everywhere)
    for name in datasets.names(everything["DATASETS"]):
        group(everything["PIPELINE_NAME"], name)
    parse(everything["DATASETS"])
    if everything["ENVIRONMENT"] == "aws":
        outputs_of(everything["TERRAFORM_OUTPUTS"])
    if everything["STEPS"]:
        own_steps.read(everything["STEPS"])
    return everything


def _recording(folder: Path, plan: Plan) -> Recording:
    value = plan.everything
    shown = {"NOTIFY": plan.channel.shown} if plan.channel else {}
    document = summary.new(
        folder.name,
        {**plan.given, **shown},
        value["ENVIRONMENT"],
        value["PIPELINE_NAME"],
        [path.stem for path in plan.notebooks],
        datasets.names(value["DATASETS"]),
    )
    return Recording(folder, document, plan.channel)


def _run(plan: Plan, recording: Recording, minutes: float | None) -> None:
    os.environ[facts.FOLDER] = str(recording.folder.absolute())
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    if any(path.stem.startswith(resuming.TRAINS) for path in plan.notebooks):
        _check_tables(plan, recording)
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
                raise OutOfTime(_out_of_time(plan, recording.document, minutes)) from None


def _check_tables(plan: Plan, recording: Recording) -> None:
    """Note which tables cannot be used, before the first notebook; 03 leaves them out.

    Raises:
        BadInput: none can be used.
        UserError: likewise, of those that a resumed run has not finished.
    """
    everyone = plan.everything["DATASETS"]
    now = datasets.before_a_session(everyone)
    _, left_out = datasets.choose(now, settings=_settings(plan.everything))
    for name, one in left_out.items():
        recording.hear({"dataset": name, "facts": outcome.of_left_out(one)})
        print(f"Leaving out {name}: {one.said} {one.advice}", flush=True)
    if len(left_out) == len(everyone):
        if len(everyone) < len(recording.document["data_sets"]):  # others are finished
            raise UserError("No data set that is not finished can be used; nothing was started.")
        raise BadInput("No data set is left to work on; nothing was started.")


def _out_of_time(plan: Plan, document: summary.Summary, minutes: float | None) -> str:
    begin = f"The run has taken the {minutes:g} minutes that --timeout allows"
    if plan.environment == "local":
        again = RESUME.format(run=document["run"])
        return f"{begin}; what it had started was stopped. {again}"
    return f"{begin}; {_going_on(document)}" if document["run_id"] else f"{begin}; no execution was started."


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


def _folder(runs: Path) -> Path:
    """A new folder named after the time in UTC, which never goes back; another may begin then, too."""
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    for name in itertools.chain([stamp], (f"{stamp}-{number}" for number in itertools.count(2))):
        with contextlib.suppress(FileExistsError):
            (runs / name).mkdir(parents=True)
            break
    return runs / name


@functools.cache
def _defaults(notebook: Path) -> dict[str, Any]:
    """The parameters of a notebook with their defaults."""
    found = papermill.inspect_notebook(str(notebook))
    return {name: ast.literal_eval(parameter["default"]) for name, parameter in found.items()}


def _notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
