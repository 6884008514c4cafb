"""A fleet: a model for each partition of a table, which are the rows with the same cells in some columns.

A partition is served by its own model or by the pooled model, which has the partition columns among its
features; some may keep the pooled model of an earlier version. Each row of a request goes to the model of
its partition, and the answers come back in the order of the rows. Rows of a partition that the fleet does not
know are predicted by the pooled model.

The folder has the pooled model in a folder of its own, the arrays of all own models one after the other in
one file, and a line of JSON for each partition, which says where its arrays are. Own models are read from the
mapped file when they are first asked, so that loading thousands takes no longer than reading their keys. Only
those that were asked last are kept, so that memory does not grow with every partition.
"""

import hashlib
import json
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal, NamedTuple

import numpy as np
import orjson
from safetensors.numpy import save

from tabular.portable.arrays import arrays_in, mapped
from tabular.portable.model import MANIFEST, PortableModel
from tabular.portable.predictors import TOLERANCES, Arrays
from tabular.portable.table_model import Prediction, Table, TableModel, UnusableModel

__all__ = [
    "BUILT",
    "FORMAT",
    "FORMAT_VERSION",
    "FORMER",
    "OWN",
    "PARTITIONS",
    "POOLED",
    "FleetModel",
    "load_fleet",
    "save_fleet",
]

FORMAT, FORMAT_VERSION = "tabular-fleet", 1
POOLED, FORMER, OWN, PARTITIONS = "pooled", "former", "own.bin", "partitions.jsonl"
BUILT = 4096  # own models that are ready to predict at a time: each takes some 20 kB, and 0.2 ms to build
ALIGNED = 8  # bytes: where the arrays of a model may begin, so that they are read without a copy
Key = tuple[str, ...]


class Place(NamedTuple):
    """Where the line of a partition is, and what serves it."""

    start: int
    end: int
    served_by: Literal["own", "pooled", "former"]


def save_fleet(
    folder: Path,
    manifest: Mapping[str, Any],
    pooled: Path,
    partitions: Iterable[tuple[Mapping[str, Any], Arrays | None]],
    others: Mapping[str, bytes] | None = None,
    former: Path | None = None,
) -> None:
    """Write a fleet, one partition after the other, so that memory does not grow with their number.

    Args:
        folder: where to write it.
        manifest: the pooled model's schema, with the option `partition`, and what else is known.
        pooled: the folder of the pooled model, as `save_model` wrote it.
        partitions: for each partition its document, with at least `key` and `model` (None, or the names of
            its columns, its encodings and its estimator), and the arrays of its own model or None. With
            `former`, the earlier pooled model serves it.
        others: further files, which the server does not read.
        former: the folder of an earlier pooled model, which some partitions keep.

    Raises:
        ValueError: if a partition has a model without arrays or arrays without a model.
    """
    for name, source in ((POOLED, pooled), (FORMER, former)):
        if source is not None:
            (folder / name).mkdir(parents=True, exist_ok=True)
            for file in sorted(source.iterdir()):
                (folder / name / file.name).write_bytes(file.read_bytes())
    end = 0
    with (folder / OWN).open("wb") as own, (folder / PARTITIONS).open("wb") as lines:
        for document, arrays in partitions:
            if (document["model"] is None) != (arrays is None):
                raise ValueError(
                    f"The partition {document['key']} has a model without arrays, or arrays only."
                )
            line = dict(document)
            if arrays is not None:
                packed = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
                own.write(packed + bytes(-len(packed) % ALIGNED))
                line["arrays"] = [end, end + len(packed)]
                end = own.tell()
            lines.write(orjson.dumps(line) + b"\n")
    for name, contents in (others or {}).items():
        (folder / name).write_bytes(contents)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    whole = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "files": {path.relative_to(folder).as_posix(): _digest(path) for path in files},
        **manifest,
    }
    (folder / MANIFEST).write_text(json.dumps(whole, indent=1))


def load_fleet(folder: Path, manifest: Mapping[str, Any], load: Callable[[Path], TableModel]) -> "FleetModel":
    """Read a fleet that `save_fleet` wrote; `load` reads the pooled model.

    Raises:
        UnusableModel: if a file is missing or changed, or the format has another version.
    """
    if (version := manifest.get("format_version")) != FORMAT_VERSION:
        raise UnusableModel(f"The fleet's format version is {version!r}; this server reads {FORMAT_VERSION}.")
    files = manifest.get("files")
    has_former = (folder / FORMER).is_dir()
    for name in (f"{POOLED}/{MANIFEST}", *([f"{FORMER}/{MANIFEST}"] if has_former else []), OWN, PARTITIONS):
        if not isinstance(files, dict) or files.get(name) != _digest(folder / name):
            raise UnusableModel(f"The SHA-256 of {name} is not the one in {MANIFEST}.")
    try:
        former = load(folder / FORMER) if has_former else None
        files = mapped(folder / PARTITIONS), mapped(folder / OWN)
        return FleetModel(manifest, load(folder / POOLED), *files, former)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnusableModel(f"The fleet's files do not fit together: {error}") from None


class FleetModel(TableModel):
    """A model for each partition of a table.

    Args:
        manifest: the schema of the table, with the option `partition`.
        pooled: the model for the partitions without a model of their own.
        lines: the contents of the file of partitions.
        arrays: the contents of the file of arrays.
        former: an earlier pooled model, which serves the partitions that were better off with it.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: if these do not form a fleet.
    """

    def __init__(
        self,
        manifest: Mapping[str, Any],
        pooled: TableModel,
        lines: Any,
        arrays: Any,
        former: TableModel | None = None,
    ) -> None:
        self.kind = "fleet"
        Table.__init__(self, manifest)
        self.pooled, self.former, self.tolerance = pooled, former, max(TOLERANCES.values())
        whole = [pooled, *([] if former is None else [former])]
        if any(_inputs(self) != _inputs(one) for one in whole):
            raise ValueError("A pooled model has other columns or classes than the fleet.")
        self._levels = {
            position: frozenset().union(*(one.levels_of(position) for one in whole))
            for position in self.categorical
        }
        self.partition: list[str] = manifest["options"]["partition"]
        columns = [self.names.index(name) for name in self.partition]
        self._key_places = [self.categorical.index(column) for column in columns]
        self._lines, self._arrays = memoryview(lines), memoryview(arrays)
        self._places = self._read_places()
        self._built: OrderedDict[Key, _Own] = OrderedDict()
        self._building = Lock()

    @property
    def size(self) -> int:
        """The number of partitions."""
        return len(self._places)

    def __contains__(self, key: Key) -> bool:
        """Whether it knows a partition."""
        return key in self._places

    def predict(self, numbers: np.ndarray, categories: Sequence[Sequence[str]]) -> Prediction:
        """Labels and probabilities of rows, each by the model of its partition.

        Whatever the models are, probabilities are in double precision, so that an answer does not depend on
        the rows beside it.
        """
        rows_of: defaultdict[Key | str, list[int]] = defaultdict(
            list
        )  # by own model, or name of a pooled one
        counts = {"own": 0, "pooled": 0, "unknown": 0}
        for row, key in enumerate(zip(*(categories[place] for place in self._key_places), strict=True)):
            place = self._places.get(key)
            is_own = place is not None and place.served_by == "own"
            counts["unknown" if place is None else "own" if is_own else "pooled"] += 1
            rows_of[key if is_own else POOLED if place is None else place.served_by].append(row)
        if len(rows_of) == 1:
            ((key, _),) = rows_of.items()
            found = self._predict(key, numbers, categories)
            return found._replace(probabilities=_double(found.probabilities), served_by=counts)
        labels: list[Any] = [None] * len(numbers)
        shape = (len(numbers), len(self.classes))
        probabilities = np.empty(shape) if self.classes else None
        is_finite = True
        for key, rows in rows_of.items():
            some = [[column[row] for row in rows] for column in categories]
            found = self._predict(key, numbers[rows], some)
            for row, label in zip(rows, found.labels, strict=True):
                labels[row] = label
            if probabilities is not None:
                probabilities[rows] = found.probabilities
            is_finite = is_finite and found.is_finite
        return Prediction(labels, probabilities, is_finite, counts)

    def own(self, key: Key) -> PortableModel | None:
        """The own model of a partition; None if it has none, or is not known.

        Raises:
            UnusableModel: if its line and its arrays do not form a model.
        """
        place = self._places.get(key)
        return self._own(key).model if place is not None and place.served_by == "own" else None

    def served_by(self, key: Key) -> str | None:
        """Which model predicts the rows of a partition: own, pooled or former; None if it is not known."""
        return self._places[key].served_by if key in self._places else None

    def document(self, key: Key) -> dict[str, Any]:
        """What is written about a partition.

        Raises:
            KeyError: if the fleet has no such partition.
        """
        place = self._places[key]
        return orjson.loads(self._lines[place.start : place.end])

    def arrays(self, key: Key) -> Arrays:
        """The arrays of a partition's own model, as views of the file.

        Raises:
            KeyError: if the fleet has no such partition, or it has no model of its own.
        """
        begin, end = self.document(key)["arrays"]
        return arrays_in(self._arrays[begin:end])

    def keys(self) -> list[Key]:
        """The keys of all partitions."""
        return list(self._places)

    def _predict(
        self, key: Key | str, numbers: np.ndarray, categories: Sequence[Sequence[str]]
    ) -> Prediction:
        if isinstance(key, str):
            model = self.pooled if self.former is None or key == POOLED else self.former
            return model.predict(numbers, categories)
        own = self._own(key)
        return own.model.predict(numbers[:, own.numbers], [categories[place] for place in own.categories])

    def _own(self, key: Key) -> "_Own":
        """The own model of a partition, which is kept until others have been asked for since.

        Two threads that build it at the same time build the same.
        """
        with self._building:
            if (known := self._built.get(key)) is not None:
                self._built.move_to_end(key)
                return known
        built = _Own(self, self.document(key)["model"], self.arrays(key))
        with self._building:
            self._built[key] = built
            while len(self._built) > BUILT:
                self._built.popitem(last=False)
        return built

    def _read_places(self) -> dict[Key, Place]:
        found: dict[Key, Place] = {}
        start = 0
        for line in bytes(self._lines).splitlines(keepends=True):
            end = start + len(line)
            document = orjson.loads(line)
            key = tuple(document["key"])
            if len(key) != len(self.partition) or not all(isinstance(text, str) for text in key):
                raise ValueError(f"A partition has the key {document['key']!r}.")
            if key in found:
                raise ValueError(f"The partition {document['key']!r} is there twice.")
            if document["model"] is not None:
                self._check(document)
                served_by = "own"
            else:
                served_by = FORMER if document.get("former") else POOLED
            if served_by == FORMER and self.former is None:
                raise ValueError(f"The partition {document['key']!r} has an earlier model that is not there.")
            found[key] = Place(start, end, served_by)
            start = end
        return found

    def _check(self, document: Mapping[str, Any]) -> None:
        begin, end = document["arrays"]
        if not (type(begin) is int and type(end) is int and 0 <= begin < end <= len(self._arrays)):
            raise ValueError(f"The arrays of the partition {document['key']!r} are not in the file.")
        if not self.name_set.issuperset(document["model"]["columns"]):
            raise ValueError(f"The partition {document['key']!r} has columns that the table does not have.")


class _Own:
    """An own model, and which of the fleet's numbers and categories it predicts from."""

    def __init__(self, fleet: FleetModel, model: Mapping[str, Any], arrays: Arrays) -> None:
        columns = [fleet.columns[fleet.names.index(name)] for name in model["columns"]]
        self.model = PortableModel({"classes": fleet.classes, **model, "columns": columns}, arrays)
        places = [fleet.names.index(name) for name in self.model.names]
        self.numbers = [fleet.numeric.index(places[position]) for position in self.model.numeric]
        self.categories = [fleet.categorical.index(places[position]) for position in self.model.categorical]


def _inputs(table: Table) -> tuple[Any, ...]:
    """What two models have in common that can predict the same rows."""
    return table.names, table.numeric, table.categorical, table.classes


def _double(probabilities: np.ndarray | None) -> np.ndarray | None:
    return None if probabilities is None else probabilities.astype(np.float64)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
