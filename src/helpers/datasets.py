"""The tables of a run: the project's own by name, anyone's by path."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd
import requests
from tabular.datasets import DATASETS, DatasetSpec

from helpers.errors import BadInput, one_line
from helpers.session import Session
from helpers.storage import put_once
from lambdas.contract import NAME, load

__all__ = ["Dataset", "choose", "class_counts", "fetch", "names", "overview", "upload"]

CONNECT_SECONDS, READ_SECONDS = 5, 30


@dataclass(frozen=True)
class Dataset:
    """A table on this machine, ready to be uploaded."""

    name: str
    target: str
    path: Path
    description: str = ""

    def read(self) -> pd.DataFrame:
        """The whole table, as PreprocessData reads it."""
        table = pd.read_csv(self.path, encoding="utf-8-sig", skipinitialspace=True)
        table.columns = [str(name).strip() for name in table.columns]
        return table


class SourceError(Exception):
    """The source of a data set cannot be reached, or gives something else."""


def choose(entries: Sequence[str | Mapping[str, str]]) -> list[Dataset]:
    """The data sets of a run; one whose source cannot be reached is left out, with a line that says so.

    Args:
        entries: names of the project's data sets, or `{"name": ..., "uri": ..., "target": ...}` for a CSV
            of one's own; with the name of one of the project's, `uri` is a local copy of it.

    Raises:
        BadInput: an unknown name, an unreadable file, a target column that is not there, or none is left.
    """
    chosen = []
    for entry in entries:
        try:
            chosen.append(fetch(entry))
        except SourceError as error:
            (name,) = names([entry])
            variable = DATASETS[name].copy_variable
            print(f"Leaving out {name}: {error}; set {variable} to a local copy to have it.")
    if not chosen:
        raise BadInput(
            "No data set is left to work on; add breast-cancer to DATASETS, which needs no network."
        )
    if repeated := [name for name, count in Counter(d.name for d in chosen).items() if count > 1]:
        raise BadInput(
            f"DATASETS names {repeated[0]!r} more than once; give each data set a name of its own."
        )
    return chosen


def fetch(entry: str | Mapping[str, str]) -> Dataset:
    """One data set as a CSV with a header on this machine, downloaded once.

    Raises:
        BadInput: as `choose`.
        SourceError: its source cannot be reached, or gives something else.
    """
    entry = {"name": entry} if isinstance(entry, str) else dict(entry)
    if strange := sorted(set(entry) - {"name", "uri", "target"}):
        raise BadInput(f"DATASETS has an entry with {strange[0]!r}; allowed are name, uri and target.")
    name = str(entry.get("name", ""))
    if not NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} is no name for a data set; use lower-case letters, digits and single hyphens between "
            "them, such as my-table."
        )
    if name in DATASETS:
        spec = DATASETS[name]
        path = _cached(name, spec, str(entry.get("uri") or os.environ.get(spec.copy_variable, "")))
        dataset = Dataset(name, str(entry.get("target", spec.target)), path, spec.description)
    elif "uri" not in entry:
        nearest = get_close_matches(name, DATASETS, n=1)
        hint = (
            f"did you mean {nearest[0]!r}?"
            if nearest
            else "or give a uri and a target for a CSV of your own."
        )
        raise BadInput(f"Unknown data set {name!r}; known are {', '.join(DATASETS)}; {hint}")
    elif "target" not in entry:
        raise BadInput(f"The data set {name!r} has no target; name the column to predict.")
    elif "://" in str(entry["uri"]):
        raise BadInput(f"The uri of {name} is {entry['uri']!r}; give the path of a CSV on this machine.")
    else:
        dataset = Dataset(name, str(entry["target"]), Path(str(entry["uri"])).expanduser())
    _check(dataset)
    return dataset


def names(entries: Sequence[str | Mapping[str, str]]) -> list[str]:
    """The names alone of the entries that `choose` takes."""
    return [entry if isinstance(entry, str) else str(entry["name"]) for entry in entries]


def class_counts(datasets: Iterable[Dataset]) -> dict[str, pd.Series]:
    """How many rows each class of each data set has."""
    return {d.name: d.read()[d.target].value_counts().sort_index() for d in datasets}


def upload(session: Session, dataset: Dataset) -> str:
    """Put the table into the bucket under the hash of its bytes, and give its S3 URI.

    New data is a new URI, so that a cached step never trains on yesterday's.
    """
    prefix = f"{load().prefixes.raw}{dataset.name}/"
    return put_once(session, prefix, "data.csv", dataset.path.read_bytes())


def overview(datasets: Iterable[Dataset]) -> pd.DataFrame:
    """A row for each data set: its shape, its target, its classes and how many rows lack a cell."""
    rows = []
    for dataset in datasets:
        table = dataset.read()
        counts = table[dataset.target].value_counts().sort_index()
        rows.append(
            {
                "data set": dataset.name,
                "rows": len(table),
                "columns": table.shape[1] - 1,
                "target": dataset.target,
                "classes": ", ".join(f"{label}: {count}" for label, count in counts.head(5).items()),
                "rows with an empty cell": int(table.isna().any(axis=1).sum()),
            }
        )
    return pd.DataFrame(rows).set_index("data set")


def _cached(name: str, spec: DatasetSpec, copy: str) -> Path:
    folder = Path(os.environ.get("MANY_MODELS_CACHE", Path.home() / ".cache" / "many-models"))
    path = folder / f"{name}.csv"
    if copy or not path.exists():
        table = _copied(name, copy, spec) if copy else _loaded(spec) if spec.loader else _downloaded(spec)
        if copy and (wrong := _difference(table, spec)):
            raise BadInput(f"{copy} is not {name}: {wrong}. Get it again.")
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        table.to_csv(part, index=False)
        part.replace(path)
    return path


def _loaded(spec: DatasetSpec) -> pd.DataFrame:
    from sklearn import datasets

    bunch = getattr(datasets, spec.loader)(as_frame=True)
    table = bunch.data.copy()
    table[spec.target] = bunch.target_names[bunch.target]
    return table


def _downloaded(spec: DatasetSpec) -> pd.DataFrame:
    try:
        response = requests.get(spec.url, timeout=(CONNECT_SECONDS, READ_SECONDS))
        response.raise_for_status()
        table = pd.read_csv(io.StringIO(response.text), names=list(spec.columns))
    except requests.RequestException as error:
        raise SourceError(f"its source cannot be reached ({type(error).__name__})") from None
    except ValueError:
        raise SourceError("its source gives no table") from None
    if wrong := _difference(table, spec):
        raise SourceError(f"its source gives another table: {wrong}")
    return table


def _copied(name: str, copy: str, spec: DatasetSpec) -> pd.DataFrame:
    path = Path(copy).expanduser()
    try:
        has_header = spec.target in path.read_text().partition("\n")[0].split(",")
        return pd.read_csv(path) if has_header else pd.read_csv(path, names=list(spec.columns))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"The copy of {name} at {copy!r} cannot be read ({one_line(error)}); give the path of one "
            "that can."
        ) from None


def _difference(table: pd.DataFrame, spec: DatasetSpec) -> str:
    """What tells a table from the one it should be; nothing if it is that one."""
    counts: dict[str, int] = {}
    if spec.target in table:
        counts = {str(label): int(count) for label, count in table[spec.target].value_counts().items()}
    if (tuple(table.columns), len(table), counts) == (spec.columns, spec.rows, dict(spec.class_counts)):
        return ""
    return (
        f"it has {len(table)} rows, {table.shape[1]} columns and the classes {_listed(counts) or '(none)'}; "
        f"expected are {spec.rows} rows, {len(spec.columns)} columns and the classes "
        f"{_listed(spec.class_counts)}"
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{label}: {count}" for label, count in list(counts.items())[:5])


def _check(dataset: Dataset) -> None:
    """Read the table once, before anything starts."""
    try:
        with dataset.path.open(newline="", encoding="utf-8-sig") as lines:
            header = [name.strip() for name in next(csv.reader(lines), [])]
        _check_header(dataset, header)
        if dataset.read().empty:
            raise ValueError("it has a header line and nothing under it")
    except (OSError, ValueError, csv.Error) as error:
        raise BadInput(
            f"The table of {dataset.name} at {str(dataset.path)!r} cannot be read "
            f"({one_line(error)}); give the path of a CSV in UTF-8 with a header line."
        ) from None


def _check_header(dataset: Dataset, header: Sequence[str]) -> None:
    if not header:
        raise ValueError("it is empty")
    if "" in header:
        raise ValueError(f"column {header.index('') + 1} of its header has no name")
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        raise ValueError(f"its columns {', '.join(map(repr, repeated))} come more than once")
    if dataset.target not in header:
        nearest = get_close_matches(dataset.target, header, n=1)
        raise BadInput(
            f"The table of {dataset.name} has no column {dataset.target!r}; it has {', '.join(header[:12])}"
            f"{', ...' if len(header) > 12 else ''}. "
            + (f"Did you mean {nearest[0]!r}?" if nearest else "Set target to one of them.")
        )
