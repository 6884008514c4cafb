"""The version of a model that scores a table, and what it needs of the table."""

import difflib
import hashlib
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.names import MODEL_SHA256, group_prefix
from helpers.deployment.deployments import in_service
from helpers.deployment.registry import describe, packages
from helpers.errors import BadInput, JobFailed
from helpers.session import Session
from helpers.session.storage import read

__all__ = ["Model", "find", "unpack"]

NEAREST = 3


@dataclass(frozen=True)
class Model:
    """One version of a data set's model: a single model, or all models of a fleet.

    Attributes:
        dataset: The data set.
        version: Its number in the registry.
        image: The image that serves it.
        uri: Its model.tar.gz.
        columns: Name and kind of each column that a request must have, in this order. Those of a fleet
            include its partition columns, so that its server finds the partition of each row.
        classes: The labels, in the order of the probabilities; empty for regression.
    """

    dataset: str
    version: int
    image: str
    uri: str
    columns: Sequence[Mapping[str, Any]]
    classes: Sequence[str | int | float]

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column["name"] for column in self.columns]

    @property
    def said(self) -> str:
        """What sentences call it."""
        return f"version {self.version} of {self.dataset}"

    def places(self, given: Sequence[str]) -> list[int]:
        """The positions in a table of the columns that the model needs; others are of no use to it.

        As at the endpoint, case matters only if two columns differ in nothing else.

        Raises:
            BadInput: the table lacks a column.
        """
        exact = {name: place for place, name in enumerate(given)}
        folded: dict[str, list[int]] = {}
        for place, name in enumerate(given):
            folded.setdefault(name.strip().casefold(), []).append(place)
        found: dict[str, int] = {}
        for name in self.names:
            similar = folded.get(name.strip().casefold(), [])
            if name in exact:
                found[name] = exact[name]
            elif len(similar) == 1 and similar[0] not in found.values():
                found[name] = similar[0]
        if missing := [name for name in self.names if name not in found]:
            raise BadInput(
                f"The table has no column {_listed(missing)}, which {self.said} needs; it has "
                f"{_listed(given)}. Add what is missing, or name a version that does not need it."
            )
        return [found[name] for name in self.names]


def find(session: Session, name: str, version: int | None, folder: Path) -> Model:
    """A version of a model, unpacked into a folder.

    Args:
        session: where it is registered.
        name: its data set or its group.
        version: its number; None for the one in service.
        folder: where its files go.

    Raises:
        BadInput: there is no such model or version.
        JobFailed: its artifact is another than the one that was evaluated, or none.
    """
    dataset = name.removeprefix(group_prefix(session.pipeline_name))
    serving = in_service(session)
    if version is None and dataset not in serving:
        listed = packages(session, dataset)
        if listed:
            have = _listed([str(package.version) for package in listed])
            raise BadInput(f"No version of {dataset!r} is in service; name one with --version: {have}.")
        raise BadInput(f"There is no model {name!r}. {_nearest(dataset, serving)}")
    number = serving[dataset]["version"] if version is None else version
    listed = packages(session, dataset)
    package = next((package for package in listed if package.version == number), None)
    if package is None:
        if not listed:
            raise BadInput(f"There is no model {name!r}. {_nearest(dataset, serving)}")
        have = _listed([str(package.version) for package in listed])
        raise BadInput(f"{dataset} has no version {number}; the registry has {have}.")
    described = describe(session, package)
    container = described["InferenceSpecification"]["Containers"][0]
    contents = read(session, container["ModelDataUrl"])
    known = described.get("CustomerMetadataProperties", {}).get(MODEL_SHA256, "")
    if known and (seen := hashlib.sha256(contents).hexdigest()) != known:
        raise JobFailed(
            f"The model of version {number} of {dataset} is not the one that was evaluated: its SHA-256 was "
            f"{known} and is {seen}; find out who replaced {container['ModelDataUrl']}, and train again."
        )
    manifest = unpack(contents, folder, f"version {number} of {dataset}")
    return Model(
        dataset,
        number,
        container["Image"],
        container["ModelDataUrl"],
        manifest["columns"],
        manifest["classes"] or (),
    )


def unpack(contents: bytes, folder: Path, what: str) -> dict[str, Any]:
    """Unpack a model.tar.gz into a folder, and return its manifest.

    Raises:
        JobFailed: it is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder.with_suffix(".tar.gz")
    archive.write_bytes(contents)
    try:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        return json.loads((folder / "manifest.json").read_text())
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise JobFailed(f"The artifact of {what} cannot be read ({error}); train it again.") from None
    finally:
        archive.unlink()


def _nearest(dataset: str, serving: Iterable[str]) -> str:
    known = sorted(serving)
    if not known:
        return "No model is in service yet; approve one in notebook 04."
    nearest = difflib.get_close_matches(dataset, known, n=NEAREST)
    hint = f"Did you mean {' or '.join(map(repr, nearest))}? " if nearest else ""
    return f"{hint}In service: {_listed(known)}."


def _listed(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
