"""The tables of a run: fetched, read as PreprocessData reads them, checked, and uploaded."""

import csv
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from tabular.data.tables import Table, name_of, read_table
from tabular.spec.columns import Column, Family, Task
from tabular.spec.options import OPTIONS_FILE, Options

from contract.names import load
from helpers.data import sources
from helpers.data.catalogue import DATASETS, DatasetSpec
from helpers.data.checks import DEFAULTS, Checked, Settings, check
from helpers.data.entries import Entry, names, parse
from helpers.data.sources import SourceError
from helpers.display import AsCard, Card, card
from helpers.errors import BadInput, one_line, sentence
from helpers.session import Session
from helpers.session.storage import File, put_folder, write_whole

__all__ = [
    "Dataset",
    "LeftOut",
    "Settings",
    "before_a_session",
    "choose",
    "fetch",
    "find",
    "inputs",
    "names",
    "upload",
]
__dir__ = __all__.copy

CORRECT = "Correct the table or its entry in DATASETS, and run this again."


@dataclass(frozen=True, repr=False)
class Dataset(AsCard):
    """A table on this machine that is valid and ready to be uploaded."""

    name: str
    target: str
    files: tuple[File, ...]
    options: Options = field(default_factory=Options)
    judged: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = DEFAULTS

    def card(self) -> Card:
        """What was given about it; what was found in it is in the tables of notebook 3."""
        given = vars(self.options)
        own = {name: given[name] for name, default in vars(Options()).items() if given[name] != default}
        rows = {"target": self.target, "files": [file.path.name for file in self.files]}
        return card(f"Data set {self.name}", {**rows, **own, **self.judged})

    def read(self) -> pd.DataFrame:
        """The whole table, as PreprocessData reads it."""
        return self.table.frame

    @functools.cached_property
    def table(self) -> Table:
        """The whole table, with what was decided about its columns."""
        return read_table([file.path for file in self.files], self.options, self.target)

    @functools.cached_property
    def checked(self) -> Checked:
        """What PreprocessData and the folds will find."""
        return check(lambda: self.table, self.target, self.options, self.judged, self.settings)

    @property
    def task(self) -> Task:
        """The kind of prediction: binary, multiclass or regression."""
        return self.checked.report["task"]

    @functools.cached_property
    def columns(self) -> dict[str, Column]:
        """Every column, including the target, and how its cells are read."""
        return {name: found.column for name, found in self.table.decisions.items()}

    @property
    def family(self) -> Family:
        """Which of the two pipelines trains on the table."""
        return "regression" if self.task == "regression" else "classification"


@dataclass(frozen=True)
class LeftOut:
    """A table that a run goes on without: why, and what to do, in a sentence each.

    That is a failure, unless it is one of the project's own tables, whose source cannot be reached.
    """

    said: str
    advice: str
    failed: bool = True


def choose(
    entries: Sequence[str | Mapping[str, Any]],
    session: Session | None = None,
    settings: Settings = DEFAULTS,
) -> tuple[list[Dataset], dict[str, LeftOut]]:
    """The data sets of a run, and those that cannot be used.

    Args:
        entries: what DATASETS contains, see helpers.data.entries.
        session: for tables in S3.
        settings: the run's settings, with which the tables are checked.

    Raises:
        BadInput: an entry is invalid.
    """
    chosen, left_out = [], {}
    for entry in parse(entries):
        try:
            dataset = _fetched(entry, session, settings)
        except SourceError as error:
            said = f"{sentence(error)[:1].upper()}{sentence(error)[1:]}"
            left_out[entry.name] = LeftOut(said, _way_out(entry.name), failed=entry.name not in DATASETS)
        except BadInput as error:
            left_out[entry.name] = LeftOut(str(error), CORRECT)
        else:
            if dataset.checked.refused:
                left_out[entry.name] = LeftOut(dataset.checked.refused, CORRECT)
            else:
                chosen.append(dataset)
    return chosen, left_out


def fetch(entry: str | Mapping[str, Any], session: Session | None = None) -> Dataset:
    """One data set.

    Raises:
        BadInput: as `choose`.
        SourceError: its source cannot be reached, or returns something else.
    """
    dataset = find(entry, session)
    if dataset.checked.refused:
        raise BadInput(f"The table of {dataset.name}: {dataset.checked.refused}")
    return dataset


def find(
    entry: str | Mapping[str, Any], session: Session | None = None, settings: Settings = DEFAULTS
) -> Dataset:
    """One data set, whose table is neither read nor checked yet.

    Raises:
        BadInput: the entry cannot be used, or there is no such table.
        SourceError: its source cannot be reached, or returns something else.
    """
    (one,) = parse([entry])
    try:
        return _fetched(one, session, settings)
    except BadInput as error:
        raise BadInput(f"The data set {one.name!r}: {error}") from None


def before_a_session(entries: Sequence[str | Mapping[str, Any]]) -> list[str | Mapping[str, Any]]:
    """The entries whose tables can be read without a session, which are those that are not in S3.

    Raises:
        BadInput: an entry is invalid.
    """
    later = {entry.name for entry in parse(entries) if sources.scheme(entry.uri) == "s3"}
    return [entry for entry in entries if names([entry])[0] not in later]


def upload(session: Session, dataset: Dataset) -> str:
    """Upload the files as they are, and last the options, under a hash of it all; return the folder's URI.

    New data or new options get a new URI, so that a cached step never trains on old data.
    """
    options = json.dumps(dataset.options.to_dict(), indent=1, sort_keys=True).encode()
    prefix = f"{load().prefixes.raw}{dataset.name}/"
    return put_folder(session, prefix, _named(dataset.files), (OPTIONS_FILE, options))


def inputs(session: Session, dataset: Dataset) -> dict[str, str]:
    """Upload the table, and return the pipeline's parameters that name it."""
    return {
        "DatasetName": dataset.name,
        "InputDataUri": upload(session, dataset),
        "TargetColumn": dataset.target,
    }


def _named(files: Sequence[File]) -> dict[str, File]:
    """Files by unique names, to put them into one folder; files from several folders may share a name.

    PreprocessData takes none for a table that is hidden or has the name of the options.
    """
    plain = {name_of(file.path): file for file in files}
    if len(plain) == len(files) and not any(
        file.path.name[0] in "._" or file.path.name == OPTIONS_FILE for file in files
    ):
        return plain
    return {
        name_of(file.path.with_name(f"{number:04d}-{file.path.name}")): file
        for number, file in enumerate(files)
    }


def _fetched(entry: Entry, session: Session | None, settings: Settings) -> Dataset:
    spec = DATASETS.get(entry.name)
    if spec is not None and sources.scheme(spec.uri):
        files = [File(_own(entry.name, spec, entry.uri))]
    else:  # the person's own, or one that the project has made and that is here
        files = sources.fetch(entry.uri or (spec.uri if spec else ""), session)
    return Dataset(entry.name, entry.target, tuple(files), entry.options, entry.judged, settings)


def _way_out(name: str) -> str:
    variable = DATASETS[name].copy_variable if name in DATASETS else ""
    return (
        f"Set {variable} to a local copy to include it."
        if variable
        else "Give a copy as its uri to include it."
    )


def _own(name: str, spec: DatasetSpec, copy: str) -> Path:
    """A checked copy of one of the project's own tables in the cache, as a CSV with a header."""
    path = sources.cache(f"{name}.csv")
    if copy or not path.exists():
        table = _copied(name, copy, spec) if copy else _downloaded(spec)
        with write_whole(path) as part:
            table.to_csv(part, index=False)
    return path


def _downloaded(spec: DatasetSpec) -> pd.DataFrame:
    (file,) = sources.fetch(spec.uri)
    try:
        table = _table_of(file.path, spec)
    except ValueError:
        raise SourceError("its source does not return a table") from None
    if wrong := _difference(table, spec):
        raise SourceError(f"its source returns a different table: {wrong}")
    return table


def _copied(name: str, copy: str, spec: DatasetSpec) -> pd.DataFrame:
    try:
        table = _table_of(Path(copy).expanduser(), spec)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"The copy of {name} at {copy!r} cannot be read ({one_line(error)}); give the path of a "
            "readable one."
        ) from None
    if wrong := _difference(table, spec):
        raise BadInput(f"{copy} is not {name}: {wrong}. Get it again.")
    return table


def _table_of(path: Path, spec: DatasetSpec) -> pd.DataFrame:
    """The table, with the project's names for its columns; the file may have no header line."""
    header = next(csv.reader(path.read_text().splitlines()), [])
    names = {"names": list(spec.columns)} if not {spec.target, "target"} & set(header) else {}
    table = pd.read_csv(path, **names)
    return table.rename(columns={"target": spec.target})


def _difference(table: pd.DataFrame, spec: DatasetSpec) -> str:
    """How a table differs from the one it should be; empty if it does not."""
    counts: dict[str, int] = {}
    if spec.target in table and spec.class_counts:
        counts = {str(label): int(count) for label, count in table[spec.target].value_counts().items()}
    if (tuple(table.columns), len(table), counts) == (spec.columns, spec.rows, dict(spec.class_counts)):
        return ""
    classes = [f" and the classes {_listed(each) or '(none)'}" for each in (counts, spec.class_counts)]
    if not spec.class_counts:
        classes = ["", ""]
    return (
        f"it has {len(table)} rows, {table.shape[1]} columns{classes[0]}; it should have {spec.rows} rows, "
        f"{len(spec.columns)} columns{classes[1]}"
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{label}: {count}" for label, count in list(counts.items())[:5])
