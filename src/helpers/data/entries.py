"""The data sets that a parameter file names, checked before any of them is fetched."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tabular.spec.metrics import METRICS, SCORERS
from tabular.spec.options import Options

from contract.names import NAME
from helpers.data.catalogue import DATASETS, DatasetSpec
from helpers.data.sources import SCHEMES, scheme
from helpers.errors import BadInput, Mistakes, refusing

__all__ = ["KEYS", "Entry", "absolute", "names", "parse"]

OPTIONS = tuple(field.name for field in fields(Options))
# How to evaluate a table, if not as the notebook says for its whole family.
JUDGED = ("scorer", "metric", "min_metric")
KEYS = ("name", "uri", "target", *OPTIONS, *JUDGED)
# A job is told the target by an argument, which SageMaker refuses only when the job is to start:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AppSpecification.html
LONGEST_TARGET, LINE_BREAKS = 256, "\n\r\x85\u2028\u2029"


@dataclass(frozen=True)
class Entry:
    """One data set: where its table is, what to predict, how to read it and how to evaluate it."""

    name: str
    uri: str
    target: str
    options: Options
    judged: Mapping[str, Any]


def parse(entries: Sequence[str | Mapping[str, Any]]) -> list[Entry]:
    """The entries of DATASETS: names of the project's own data sets, or mappings with KEYS.

    For one of the project's own data sets, `uri` is a local copy of it, and the catalogue says what the entry
    does not.

    Raises:
        BadInput: names, keys or values are invalid, or a name occurs twice; the message has a line for each.
    """
    mistakes, parsed = Mistakes(), []
    for name in (name for name, count in Counter(names(entries)).items() if count > 1):
        mistakes.said.append(f"DATASETS names {name!r} more than once; give each data set its own name.")
    for entry in entries:
        with mistakes.noted():
            parsed.append(_parsed({"name": entry} if isinstance(entry, str) else entry))
    mistakes.check()
    return parsed


def names(entries: Sequence[str | Mapping[str, Any]]) -> list[str]:
    """The names of the data sets."""
    return [entry if isinstance(entry, str) else str(entry["name"]) for entry in entries]


def absolute(entries: Sequence[str | Mapping[str, Any]]) -> list[Any]:
    """The same entries with absolute paths, because a notebook's kernel may work in another folder."""
    return [
        {**entry, "uri": str(Path(entry["uri"]).expanduser().absolute())}
        if isinstance(entry, Mapping) and isinstance(entry.get("uri"), str) and not scheme(entry["uri"])
        else entry
        for entry in entries
    ]


def _parsed(entry: Mapping[str, Any]) -> Entry:
    name = str(entry.get("name", ""))
    spec, mistakes = DATASETS.get(name), Mistakes()
    if not (is_name := NAME.fullmatch(name)):
        likely = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "my-table"
        mistakes.said.append(
            f"{name!r} is not a valid data set name; use lower-case letters, digits and single hyphens "
            f"between them, such as {likely}."
        )
    for key in entry:
        if key not in KEYS:
            nearest = get_close_matches(str(key), KEYS, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"allowed are {', '.join(KEYS)}."
            mistakes.said.append(f"The data set {name!r} has the unknown key {key!r}; {hint}")
    if has_place := spec is not None or "uri" in entry:
        with mistakes.noted():
            target = _target(name, entry, spec)
    if has_place or is_name:  # a name that is not valid is not unknown, too
        with mistakes.noted():
            uri = _uri(name, entry, spec)
    own = spec.entry if spec is not None and entry.get("target", spec.target) == spec.target else {}
    whole = {**own, **entry}
    with mistakes.noted():
        options = _options(name, whole)
    with mistakes.noted():
        judged = _judged(name, whole)
    mistakes.check()
    return Entry(name, uri, target, options, judged)


def _target(name: str, entry: Mapping[str, Any], spec: DatasetSpec | None) -> str:
    if spec is None and "target" not in entry:
        raise BadInput(f"The data set {name!r} has no target; name the column to predict.")
    # A table's names are read without the blanks around them.
    target = _text(name, "target", entry.get("target", spec and spec.target)).strip()
    if len(target) > LONGEST_TARGET or any(character in LINE_BREAKS for character in target):
        shown = repr(target[:40]) + "..." * (len(target) > 40)
        what = f"has {len(target)} characters" if len(target) > LONGEST_TARGET else "has a line break"
        raise BadInput(
            f"The target of {name}, {shown}, {what}. "
            f"SageMaker passes at most {LONGEST_TARGET} in one line to a job, so rename the column."
        )
    return target


def _uri(name: str, entry: Mapping[str, Any], spec: DatasetSpec | None) -> str:
    """Where the table is; empty for one of the project's own that is not copied."""
    if spec is None and "uri" not in entry:
        nearest = get_close_matches(name, DATASETS, n=1)
        hint = (
            f"did you mean {nearest[0]!r}?" if nearest else "or give a uri and a target for your own table."
        )
        raise BadInput(f"Unknown data set {name!r}; known are {', '.join(DATASETS)}; {hint}")
    uri = _text(name, "uri", entry.get("uri", ""))
    if spec is not None and scheme(spec.uri) and scheme(uri):
        raise BadInput(
            f"The uri of {name} is {uri!r}; {name} is one of the project's own data sets, whose uri may only "
            "be the path of a copy of it, so leave it out, or give the data set another name."
        )
    if (found := scheme(uri)) and found not in SCHEMES:
        raise BadInput(
            f"The uri of {name} is {uri!r}; give a path, a glob such as 'data/*.csv', s3://bucket/key, "
            "https://..., sklearn:<name> or openml:<name or number>."
        )
    return uri or (os.environ.get(spec.copy_variable, "") if spec else "")


def _text(name: str, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadInput(f"The {key} of {name} is {value!r}; it must be text, so put quotes around it.")
    return value


def _options(name: str, entry: Mapping[str, Any]) -> Options:
    with refusing(f"The data set {name!r}"):
        return Options.from_dict({key: entry[key] for key in OPTIONS if key in entry})


def _judged(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry's values for JUDGED; whether they fit the task is known only with the table."""
    known = {"scorer": SCORERS, "metric": METRICS}
    for key, by_task in known.items():
        allowed = sorted({one for ones in by_task.values() for one in ones})
        if key in entry and entry[key] not in allowed:
            nearest = get_close_matches(str(entry[key]), allowed, n=1)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise BadInput(
                f"The {key} of {name} is {entry[key]!r}; it must be one of {', '.join(allowed)}.{hint}"
            )
    least = entry.get("min_metric", 0)
    if isinstance(least, bool) or not isinstance(least, int | float) or not abs(least) <= 1e12:
        raise BadInput(f"The min_metric of {name} is {least!r}; it must be a number from -1e12 to 1e12.")
    return {key: entry[key] for key in JUDGED if key in entry}
