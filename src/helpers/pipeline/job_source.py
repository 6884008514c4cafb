"""The code that travels with a job: what it imports of `tabular`, in one tarball named by its contents.

A job's source is part of the key of its step's cache: what a job does not import does not make it run again.
"""

import ast
import gzip
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from tabular.spec.own_steps import CUSTOM_STEPS

from contract.names import load
from helpers.pipeline import own_steps as steps
from helpers.session import Session
from helpers.storage import put_once

__all__ = ["JOBS", "archive", "closure", "upload"]

JOBS = tuple(f"tabular.jobs.{name}" for name in ("preprocess", "train", "refit", "evaluate"))
READS_OWN_STEPS = "tabular.spec.own_steps"


def archive(module: str, package: Path | None = None, own_steps: str = "") -> bytes:
    """What a module of the package imports of it, and your own steps if it reads them, as a tar.gz.

    Its bytes depend on nothing but those of the files.
    """
    folder = package or _tabular()
    modules = closure([module], folder)
    beside = {}
    if own_steps and READS_OWN_STEPS in modules:
        modules |= closure(_imported(own_steps), folder)
        beside[CUSTOM_STEPS] = own_steps.encode()
    contents = {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in modules.values()}
    packed = io.BytesIO()
    # A fixed time in the gzip header and in every entry: the same files make the same bytes.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, text in [*sorted(contents.items()), *beside.items()]:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text))
    return packed.getvalue()


def closure(names: Iterable[str], package: Path) -> dict[str, Path]:
    """The files of all modules of a package that some of its names import, and those import, and so on.

    An import counts wherever it stands, and with a module the packages that it is in. What is no Python file,
    such as an extension in C, does not travel.
    """
    found: dict[str, Path] = {}
    waiting = list(names)
    while waiting:
        parts = waiting.pop().split(".")
        for end in range(1, len(parts) + 1):
            name = ".".join(parts[:end])
            path = _file(name, package)
            if path is not None and name not in found:
                found[name] = path
                waiting += _imported(path.read_text(encoding="utf-8"))
    return found


def upload(session: Session, steps_file: str = "", package: Path | None = None) -> Mapping[str, str]:
    """Put the tarball of each job into the bucket, unless it is there; its S3 URI by the job's module.

    Raises:
        BadInput: there is no such file of steps, or it is not Python.
    """
    own_steps = steps.read(steps_file) if steps_file else ""
    prefix = load().prefixes.code
    return {job: put_once(session, prefix, "source.tar.gz", archive(job, package, own_steps)) for job in JOBS}


def _file(module: str, package: Path) -> Path | None:
    """Where a module of the package is; None of a name that is not a module of it."""
    top, *parts = module.split(".")
    if top != package.name:
        return None
    for path in (package.joinpath(*parts, "__init__.py"), package.joinpath(*parts).with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _imported(source: str) -> Iterator[str]:
    """Every name that a source may import as a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _tabular() -> Path:
    found = find_spec("tabular")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("The package tabular is not installed; run `make install`.")
    return Path(found.origin).parent
