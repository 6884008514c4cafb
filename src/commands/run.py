"""Run the notebooks headlessly, in order: `python -m helpers.run parameters/local.yaml`.

Exit codes: 0 done, 1 a step or a notebook failed, 2 a parameter or a table cannot be used (found before the
first cell runs wherever that is possible), 3 the quality gate refused a model.
"""

import argparse
import ast
import contextlib
import datetime
import itertools
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from commands import papermill_engine
from commands.lock import exclusive
from helpers import parameters
from helpers.data import datasets
from helpers.data.entries import absolute
from helpers.errors import BadInput, UserError
from helpers.pipeline import own_steps
from helpers.runs import summary
from helpers.session import group, local, outputs_of, state_folder

__all__ = ["main", "run"]

ROOT = Path(__file__).parents[2]
DONE, FAILED, BAD_INPUT, REFUSED = 0, 1, 2, 3
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for and give the exit code."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # a notice of ipykernel's debugger
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        notebooks = _chosen(given.only, given.start)
        values = parameters.read(given.file) | parameters.assignments(given.parameter)
        return run(notebooks, values, given.runs)
    except UserError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nInterrupted; nothing that this run started is left running here.", file=sys.stderr)
        return INTERRUPTED


def run(notebooks: Sequence[Path], values: Mapping[str, Any], runs: Path) -> int:
    """Run notebooks with these parameters; executed copies and summary.json land under `runs/<id>/`.

    Raises:
        UserError: a parameter cannot be used, or a notebook ended with an error that a person can mend.
    """
    defaults = {path: _defaults(path) for path in _notebooks()}
    everywhere = {name: value for found in defaults.values() for name, value in found.items()}
    parameters.check(values, everywhere)
    # What cannot be used is found before anything starts; what cannot be had is asked for only once.
    everything = everywhere | values
    entries = absolute(everything["DATASETS"])
    for name in datasets.names(entries):
        group(everything["PIPELINE_NAME"], name)
    if everything["ENVIRONMENT"] == "aws":
        outputs_of(everything["TERRAFORM_OUTPUTS"])
    if everything["STEPS"]:
        own_steps.read(everything["STEPS"])
    kept = datasets.reachable(entries)
    if "DATASETS" in values:
        values = {**values, "DATASETS": kept}
    # Two runs in one state would use the same cores and decide on the same packages.
    state = state_folder() if everything["ENVIRONMENT"] == "local" else runs
    with exclusive(state / "run.lock"), local(everything["ENVIRONMENT"]):
        return _run({path: set(defaults[path]) for path in notebooks}, values, runs)


def _run(wanted: Mapping[Path, set[str]], values: Mapping[str, Any], runs: Path) -> int:
    begin, folder = time.monotonic(), _folder(runs)
    executed, seconds, failure = [], {}, None
    for path, names in wanted.items():
        print(f"\n{path.stem}", flush=True)
        started = time.monotonic()
        executed.append(folder / path.name)
        failure = _execute(path, executed[-1], {name: values[name] for name in values if name in names})
        seconds[path.stem] = round(time.monotonic() - started, 1)
        if failure:
            break
    facts = summary.gather(executed)
    whole = {
        "parameters": dict(values),
        "notebooks": seconds,
        "seconds": round(time.monotonic() - begin, 1),
        "data_sets": facts,
    }
    summary.write(folder / "summary.json", whole)
    print(f"\n{whole['seconds']:.0f} seconds; executed notebooks and summary.json are in {folder}")
    if failure:
        raise failure
    if facts:
        print(f"\n{summary.table(facts).to_string()}", flush=True)
    return (
        REFUSED if any(found.get("outcome", "").startswith("refused") for found in facts.values()) else DONE
    )


def _execute(source: Path, target: Path, values: Mapping[str, Any]) -> UserError | None:
    """Run one notebook; the error that ended it, in a sentence, or None."""
    try:
        papermill_engine.execute(source, target, values)
    except PapermillExecutionError as error:
        kinds = {kind.__name__: kind for kind in (UserError, *UserError.__subclasses__())}
        if error.ename in kinds:
            return kinds[error.ename](error.evalue)
        return UserError(
            f"{source.stem} failed with {error.ename}: {error.evalue} The whole traceback is in {target}."
        )
    except DeadKernelError:
        return UserError(
            f"{source.stem} failed: its kernel died, as it does when memory runs out. The notebook up to "
            f"there is {target}; free some memory and run it again."
        )
    return None


def _folder(runs: Path) -> Path:
    """A new folder named by the time; another run may begin in the same second."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    for name in itertools.chain([stamp], (f"{stamp}-{number}" for number in itertools.count(2))):
        with contextlib.suppress(FileExistsError):
            (runs / name).mkdir(parents=True)
            break
    return runs / name


def _defaults(notebook: Path) -> dict[str, Any]:
    """The parameters of a notebook with their defaults."""
    found = papermill.inspect_notebook(str(notebook))
    return {name: ast.literal_eval(parameter["default"]) for name, parameter in found.items()}


def _notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def _chosen(only: Sequence[str], start: str | None) -> list[Path]:
    found = _notebooks()
    numbers = [path.name[:2] for path in found]
    for number in [*only, *([start] if start else [])]:
        if number not in numbers:
            raise BadInput(f"There is no notebook {number!r}; there are {', '.join(numbers)}.")
    if only:
        return [path for path in found if path.name[:2] in only]
    return [path for path in found if not start or path.name[:2] >= start]


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m helpers.run", description=__doc__.split("\n", 1)[0])
    parser.add_argument("file", type=Path, help="parameter file, such as parameters/local.yaml")
    some = parser.add_mutually_exclusive_group()
    some.add_argument("--only", action="append", default=[], metavar="03", help="run only this notebook")
    some.add_argument("--from", dest="start", metavar="03", help="run this notebook and the ones after it")
    parameters.add_option(parser, "set a parameter, read as YAML")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", help="folder of the results")
    return parser


if __name__ == "__main__":
    sys.exit(main())
