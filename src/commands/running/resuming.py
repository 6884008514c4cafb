"""What an earlier run has not finished: its notebooks and tables, and the parameters to go on with."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.data import datasets
from helpers.errors import BadInput, UserError
from helpers.runs import summary
from helpers.runs.summary import DataSet, Summary

__all__ = ["LATEST", "UNFINISHED", "earlier", "open_notebooks", "open_tables", "reopened", "restored"]

LATEST = "latest"
UNFINISHED = ("failed", "interrupted", "not-started", "running")
TRAINS = "03"  # the number of the notebook that begins with the tables


def earlier(runs: Path, name: str) -> tuple[Path, Summary]:
    """The folder and the summary of a run.

    Args:
        runs: the folder of all runs.
        name: of the run's folder, or `latest`.

    Raises:
        BadInput: there is no such run.
        UserError: it has not ended.
    """
    known = sorted(path.parent for path in runs.glob(f"*/{summary.FILE}") if not path.parent.is_symlink())
    folder = known[-1] if name == LATEST and known else runs / Path(name).name
    if folder not in known:
        names = ", ".join(path.name for path in known[-5:]) or "none"
        raise BadInput(f"There is no run {name!r} in {runs}; the last ones are {names}.")
    document = summary.read(folder)
    if document["status"] == "running":
        process = document["process"]
        raise UserError(
            f"Run {folder.name} has not ended (process {process['pid']} on {process['host']}); wait for it, "
            "or interrupt it."
        )
    return folder, document


def restored(document: Summary, values: Mapping[str, Any], replaced: Collection[str] = ()) -> dict[str, Any]:
    """The parameters of a run, with the queries of addresses, which its summary leaves out.

    Args:
        document: the run's summary.
        values: the parameter file's, from which the addresses are taken.
        replaced: the names of parameters that get other values, so that theirs are not looked for.

    Raises:
        BadInput: the file does not have one of the addresses.
    """
    left_out = {*replaced, "NOTIFY"}
    kept = {name: value for name, value in document["parameters"].items() if name not in left_out}
    found = {name: _restored(name, value, values.get(name)) for name, value in kept.items()}
    found |= {"NOTIFY": values["NOTIFY"]} if "NOTIFY" in values else {}  # the summary does not repeat it
    return found | ({"RUN_ID": document["run_id"]} if document["run_id"] else {})


def open_tables(document: Summary) -> list[str]:
    """The data sets that failed, were interrupted or not started, or have not ended."""
    return [name for name, each in document["data_sets"].items() if each["outcome"] in UNFINISHED]


def open_notebooks(document: Summary) -> list[str]:
    """The notebooks from the first one that has not ended well; 03 and the later ones if a table is open."""
    stems = list(document["notebooks"])
    starts = [place for place, each in enumerate(document["notebooks"].values()) if each["status"] != "done"]
    if open_tables(document):
        starts += [place for place, stem in enumerate(stems) if stem.startswith(TRAINS)]
    return stems[min(starts) :] if starts else []


def reopened(document: Summary, notebooks: Sequence[str], replaced: Mapping[str, Any]) -> Summary:
    """The summary of a run that goes on now, in this process.

    Its parameters are the run's from now on, so that what resumes it once more has them, too.

    Args:
        document: the summary so far.
        notebooks: those that are open.
        replaced: parameters with other values than the run's. Tables that DATASETS adds are open; those that
            it leaves out are no part of the run, unless they are finished.
    """
    state: dict[str, Any] = {"status": "running", "exit_code": None, "error": None, "ended": None}
    state |= {"process": summary.this_process(), "resumed": [*document["resumed"], summary.now()]}
    state |= {"parameters": document["parameters"] | replaced}
    for key, name in (("environment", "ENVIRONMENT"), ("pipeline", "PIPELINE_NAME")):
        state[key] = replaced.get(name, document[key])  # type: ignore[literal-required]
    state |= {"run_id": None} if "RUN_ID" in replaced else {}  # the notebooks will say which they attach to
    open_ = {"status": "not-started", "seconds": None, "error": None}
    again = {stem: {**document["notebooks"][stem], **open_} for stem in notebooks}
    state |= {"notebooks": document["notebooks"] | again, "data_sets": _tables(document, replaced)}
    return document | state  # type: ignore[return-value]


def _tables(document: Summary, replaced: Mapping[str, Any]) -> dict[str, DataSet]:
    """The finished tables as they are, and those that are open or new as not started."""
    known, open_ = document["data_sets"], open_tables(document)
    wanted = datasets.names(replaced["DATASETS"]) if "DATASETS" in replaced else list(known)
    fresh = [name for name in wanted if name in open_ or name not in known]
    kept = {name: each for name, each in known.items() if name not in open_ or name in wanted}
    return kept | {name: summary.data_set(summary.NOT_YET) for name in fresh}


def _restored(name: str, value: Any, given: Any) -> Any:
    if name == "DATASETS":
        own = {_name(entry): entry for entry in (given if isinstance(given, list) else ())}
        return [_whole(f"the address of {_name(each)}", each, own.get(_name(each))) for each in value]
    return _whole(name, value, given)


def _whole(what: str, value: Any, given: Any) -> Any:
    """A value, or the one that the file gives, if the summary left something out."""
    if summary.redacted(given) == value:
        return given
    if summary.is_redacted(value):
        raise BadInput(
            f"The summary does not repeat the query of {what}, which may be a secret, and FILE has another "
            "address; give the run's own FILE."
        )
    return value


def _name(entry: Any) -> Any:
    return entry.get("name") if isinstance(entry, Mapping) else entry
