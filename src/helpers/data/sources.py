"""Fetches tables from files, S3, the web, scikit-learn and OpenML; each ends up as files on this machine."""

import glob
import hashlib
import inspect
import json
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd
import requests

from helpers.errors import BadInput, one_line
from helpers.session import Session
from helpers.session.storage import File, require_room, write_whole

__all__ = ["SCHEMES", "SourceError", "cache", "fetch", "scheme", "web"]

CONNECT_SECONDS, READ_SECONDS = 5, 30
CHUNK_BYTES = 2**20
TABLES = ".csv", ".tsv", ".txt", ".parquet", ".json", ".jsonl", ".gz"
MANY = 10_000  # files in a folder, of which no more are looked at to give advice
WILDCARDS = re.compile(r"[*?[]")
FIRST_LOG = f"{0:020}.json"  # of a Delta table


class SourceError(Exception):
    """A source cannot be reached, or returns something else; the message continues a sentence."""


def scheme(uri: str) -> str:
    """The part of a URI before the colon; empty for a path."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)(://|:(?=[^\\/]))", uri)
    return found[1].lower() if found else ""


def fetch(uri: str, session: Session | None = None) -> list[File]:
    """The files that a URI names, in the order of their names.

    Raises:
        BadInput: there is no such file, object, or data set.
        SourceError: the source cannot be reached.
    """
    found = scheme(uri)
    if not found:
        return _local(uri)
    return SCHEMES[found](uri, session)


def cache(*parts: str) -> Path:
    """A path in the folder that keeps what was fetched.

    Raises:
        BadInput: there is nothing yet, and nothing can be written there.
    """
    root = Path(os.environ.get("MANY_MODELS_CACHE", Path.home() / ".cache" / "many-models"))
    path = root.joinpath(*parts)
    if not path.exists():
        require_room(path.parent, "name another one with MANY_MODELS_CACHE")
    return path


def web() -> requests.Session:
    """A session that uses only HTTPS, wherever it is redirected to."""
    session = requests.Session()
    del session.adapters["http://"]
    return session


def _local(uri: str) -> list[File]:
    path = Path(uri).expanduser()
    if path.is_dir():
        raise BadInput(f"{uri!r} is a folder; give a file, or a glob such as {str(path / _pattern(path))!r}.")
    if path.exists() or not WILDCARDS.search(uri):
        if not path.exists():
            raise BadInput(
                f"There is no file {uri!r}; give the path of a file that exists, or a glob that matches one."
            )
        return [File(path)]
    found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute
    found = [name for name in found if name.is_file()]
    if not found:
        raise BadInput(
            f"No file matches {uri!r}; give the path of a file that exists, or a glob that matches one."
        )
    given = len(Path(WILDCARDS.split(str(path), maxsplit=1)[0]).parts)
    found = [name for name in found if not _is_note(name.parts[given - 1 :])] or found
    for folder in dict.fromkeys(name.parent for name in found):
        _check_no_older_rows(uri, folder)
    return [File(name) for name in found]


def _pattern(folder: Path) -> str:
    """A pattern for the files of tables in a folder, also if they are in folders within it."""
    for pattern in ("*", "**/*"):
        for path in sorted(islice(folder.glob(pattern), MANY)):
            is_note = _is_note(path.relative_to(folder).parts)
            if path.suffix in TABLES and not is_note and path.is_file():
                return f"{pattern}{path.suffix}"
    return "*.csv"


def _is_note(parts: Sequence[str]) -> bool:
    """Whether a file under these folders is a program's note beside a table, not a part of it.

    Spark, Hive, Delta and Databricks write `_SUCCESS`, `_metadata`, `_delta_log/` and `_temporary/`, and EMR
    writes `part_$folder$`.
    """
    *folders, name = parts
    in_notes = any(folder.startswith("_") and "=" not in folder for folder in folders)
    return in_notes or (name.startswith("_") and "." not in name) or name.endswith("_$folder$")


def _check_no_older_rows(uri: str, folder: Path) -> None:
    """Check that a folder is not that of a Delta table with files of rows that were deleted or replaced.

    Raises:
        BadInput: if it is.
    """
    while "=" in folder.name:  # of a partition
        folder = folder.parent
    log = folder / "_delta_log"
    if not log.is_dir():
        return
    if not (log / FIRST_LOG).exists() or any(b'"remove"' in one.read_bytes() for one in log.glob("*.json")):
        raise BadInput(
            f"{uri!r} is a Delta table, whose folder also holds rows that were deleted or replaced; read it "
            "with its own library, and write it as Parquet."
        )


def _s3(uri: str, session: Session | None) -> list[File]:
    """Objects by their key, by a glob, or all under a prefix that ends with a slash."""
    if session is None:
        raise ValueError("A table in S3 needs a session.")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not (bucket and key):
        raise BadInput(
            f"{uri!r} does not name an object; give s3://bucket/key, s3://bucket/folder/ or a glob."
        )
    pattern = f"{key}*" if key.endswith("/") else key
    prefix = WILDCARDS.split(key, maxsplit=1)[0]
    s3 = session.client("s3")
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        objects = [
            found
            for page in pages
            for found in page.get("Contents", [])
            if not found["Key"].endswith("/") and (found["Key"] == key or fnmatchcase(found["Key"], pattern))
        ]
        given = prefix.count("/")
        objects = [one for one in objects if not _is_note(one["Key"].split("/")[given:])] or objects
        if not objects:
            raise BadInput(f"There is no object {uri!r}; give the URI of an existing one.")
        return [_downloaded(s3, bucket, found["Key"], found["ETag"]) for found in objects]
    except s3.exceptions.ClientError as error:
        raise SourceError(f"S3 returns an error ({one_line(error)})") from None


def _downloaded(s3: Any, bucket: str, key: str, etag: str) -> File:
    place = hashlib.sha256(f"{bucket}/{key}/{etag}".encode()).hexdigest()[:16]
    folders = [part for part in PurePosixPath(key).parent.parts if "=" in part]  # region=eu is a column
    path = cache("s3", place, *folders, PurePosixPath(key).name)
    if not path.exists():
        with write_whole(path) as part:
            s3.download_file(bucket, key, str(part))
    return File(path, f"s3://{bucket}/{key}", etag)


def _https(uri: str, _: Session | None) -> list[File]:
    """A file from the web; one in the cache is fetched again only if it has changed on the web."""
    name = re.sub(r"[^\w.-]", "_", PurePosixPath(unquote(urlsplit(uri).path)).name) or "table"
    path = cache("https", hashlib.sha256(uri.encode()).hexdigest()[:16], name)
    notes = path.with_name("headers.json")
    headers = {}
    if path.exists():
        with suppress(OSError, ValueError):  # without its headers it is fetched again
            headers = json.loads(notes.read_text())
    try:
        with web() as session:
            answer = session.get(uri, headers=headers, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True)
            answer.raise_for_status()
            if answer.status_code == requests.codes.not_modified:
                return [File(path)]
            with write_whole(path) as part, part.open("wb") as file:
                for chunk in answer.iter_content(CHUNK_BYTES):
                    file.write(chunk)
    except requests.RequestException as error:
        if path.exists():
            print(f"{uri} cannot be reached ({type(error).__name__}); the copy in {path} is used.")
            return [File(path)]
        raise SourceError(f"its source cannot be reached ({type(error).__name__})") from None
    conditions = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
    noted = {ask: answer.headers[said] for ask, said in conditions.items() if said in answer.headers}
    with write_whole(notes) as part:
        part.write_text(json.dumps(noted))
    return [File(path)]


def _sklearn(uri: str, _: Session | None) -> list[File]:
    """A data set from scikit-learn: `load_<name>`, or `fetch_<name>`, which downloads it."""
    name = uri.partition(":")[2]
    path = cache("sklearn", f"{name}.csv")
    if not path.exists():
        from sklearn import datasets  # takes a second, and only the first time

        loaders = {
            key.partition("_")[2]: value
            for key, value in vars(datasets).items()
            if key.startswith(("load_", "fetch_"))
            and "as_frame" in inspect.signature(value).parameters
            and key != "fetch_openml"
        }
        if name not in loaders:
            nearest = get_close_matches(name, loaders, n=1)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise BadInput(f"scikit-learn has no table {name!r}; it has {', '.join(sorted(loaders))}.{hint}")
        home = {"data_home": cache("scikit_learn_data")}
        takes_home = "data_home" in inspect.signature(loaders[name]).parameters
        table = _asked(lambda: loaders[name](as_frame=True, **(home if takes_home else {})))
        with write_whole(path) as part:
            table.to_csv(part, index=False)
    return [File(path)]


def _openml(uri: str, _: Session | None) -> list[File]:
    """A data set from OpenML, by its number, or by its name in the active version."""
    name = uri.partition(":")[2]
    path = cache("openml", f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.csv")
    if not path.exists():
        from sklearn.datasets import fetch_openml

        which = {"data_id": int(name)} if name.isdecimal() else {"name": name}
        home = str(cache("scikit_learn_data"))
        table = _asked(lambda: fetch_openml(**which, as_frame=True, parser="pandas", data_home=home))
        with write_whole(path) as part:
            table.to_csv(part, index=False)
    return [File(path)]


def _asked(ask: Callable[[], Any]) -> pd.DataFrame:
    """The whole table of one of scikit-learn's data sets, with the classes' names as labels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its own retries
            bunch = ask()
    except (OSError, ValueError) as error:  # from its download, or about OpenML's answer
        raise SourceError(f"its source cannot be reached ({one_line(error)})") from None
    table, labels = bunch.frame.copy(), bunch.get("target_names")
    target = bunch.target
    if labels is not None and isinstance(target, pd.Series) and set(target) == set(range(len(labels))):
        table[target.name] = pd.Series(labels, dtype=object).iloc[target].to_numpy()
    return table


SCHEMES: Mapping[str, Callable[[str, Session | None], list[File]]] = {
    "s3": _s3,
    "https": _https,
    "sklearn": _sklearn,
    "openml": _openml,
}
