"""The code shipped with a job: what it imports from `tabular`, in one tarball named by its contents.

A step's cache key includes its job's source, so a change in code that the job does not import does not make
it run again.
"""

import ast
import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tabular.spec.own_steps import CUSTOM_STEPS

from contract.names import load
from helpers.pipeline.code import own_steps as steps
from helpers.session import Session
from helpers.session.storage import put_once

__all__ = ["JOBS", "archive", "closure", "upload"]
__dir__ = __all__.copy

JOBS = tuple(f"tabular.jobs.{name}" for name in ("preprocess", "train", "refit", "search", "evaluate"))
READS_OWN_STEPS = "tabular.spec.own_steps"
# Where statements stand in others. To look for imports in expressions, too, takes longer than all the rest.
STATEMENTS = ("body", "orelse", "finalbody", "handlers", "cases")
LEVEL = 6  # gzip's own; Python's 9 takes twice as long and saves 1% of the bytes


def archive(module: str, package: Path | None = None, own_steps: str = "") -> bytes:
    """What a module of the package imports from it, and your own steps if it reads them, as a tar.gz.

    Its bytes depend only on those of the files.
    """
    folder = package or _tabular()
    modules = closure([module], folder)
    beside = {}
    if own_steps and READS_OWN_STEPS in modules:
        modules |= closure(_imported(own_steps), folder)
        beside[CUSTOM_STEPS] = own_steps.encode()
    data = [path for one in modules.values() if (path := one.with_suffix(".json")).exists()]
    files = [*modules.values(), *data]
    contents = {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in files}
    packed = io.BytesIO()
    # A fixed time in the gzip header and in every entry: the same files give the same bytes.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=LEVEL, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, text in [*sorted(contents.items()), *beside.items()]:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text))
    return packed.getvalue()


def closure(names: Iterable[str], package: Path) -> dict[str, Path]:
    """The files of some modules of a package and of all that they import from it, directly or indirectly.

    An import counts wherever it stands in a file, and a module brings in the packages that contain it. What
    is not a Python file, such as a C extension, is not shipped, except a module's data: the JSON file of the
    same name beside it.
    """
    found: dict[str, Path] = {}
    looked_for: set[str] = set()
    waiting = list(names)
    while waiting:
        parts = waiting.pop().split(".")
        for end in range(1, len(parts) + 1):
            name = ".".join(parts[:end])
            if name in looked_for:
                continue
            looked_for.add(name)
            path = _file(name, package)
            if path is not None:
                found[name] = path
                waiting += _imported(path.read_text(encoding="utf-8"))
    return found


def upload(session: Session, steps_file: str = "", package: Path | None = None) -> Mapping[str, str]:
    """Upload the tarball of each job unless it is there already; return its S3 URI by the job's module.

    Raises:
        BadInput: the file of steps does not exist, or is not Python.
    """
    own_steps = steps.read(steps_file) if steps_file else ""
    prefix = load().prefixes.code
    return {job: put_once(session, prefix, "source.tar.gz", archive(job, package, own_steps)) for job in JOBS}


def _file(module: str, package: Path) -> Path | None:
    """The file of a module of the package; None if the name is not one of its modules."""
    top, *parts = module.split(".")
    if top != package.name:
        return None
    for path in (package.joinpath(*parts, "__init__.py"), package.joinpath(*parts).with_suffix(".py")):
        if path.is_file():
            return path
    return None


@lru_cache(maxsize=1024)  # the jobs share most modules
def _imported(source: str) -> tuple[str, ...]:
    """Every name in a source that may be an imported module."""
    names: list[str] = []
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        for part in STATEMENTS:
            below = getattr(node, part, ())
            waiting += below if isinstance(below, list) else ()
    return tuple(names)


def _tabular() -> Path:
    found = find_spec("tabular")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("The package tabular is not installed; run `make install`.")
    return Path(found.origin).parent
