"""The container image: what it contains, its tag, and the files that a builder needs."""

import configparser
import hashlib
import io
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from helpers.image.pip_settings import pip_settings

__all__ = ["PLATFORM", "archive", "fingerprint", "libraries", "parts", "tag", "write_context"]
__dir__ = __all__.copy

ROOT = Path(__file__).parents[3]
PLATFORM = "linux/amd64"
TIME = (1980, 1, 1, 0, 0, 0)  # of every file in the zip: the same files give the same bytes
# pip's settings for where packages come from. Paths on this machine mean nothing in a container.
PIP_SETTINGS = ("extra-index-url", "find-links", "index-url", "no-index", "proxy", "timeout", "trusted-host")
SUFFIXES = (".py", ".toml", ".c", ".h")
# The groups that a person can take in: what each does, and its files and folders in container/.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "build": (
        "says how the image is built, and lists what is in it",
        "Dockerfile",
        "inventory.py",
        "pyproject.toml",
    ),
    "launcher": ("starts a job: unpacks the code that comes with it, and runs it", "launcher"),
    "jobs": (
        "the programs of the steps: preprocess, train, refit, search, evaluate, monitor",
        "tabular/jobs",
    ),
    "vocabulary": ("names what all share: columns, algorithms, metrics, options", "tabular", "tabular/spec"),
    "data": ("reads tables, cleans them and splits them", "tabular/data"),
    "training": (
        "prepares, fits, and searches for the best model",
        "tabular/learning",
        "tabular/searching",
        "tabular/fleets",
    ),
    "judging": (
        "evaluates a model, watches its requests, and writes reports",
        "tabular/judging",
        "tabular/monitoring",
    ),
    "serving": (
        "exports models to arrays, and answers requests with them",
        "tabular/portable",
        "tabular/serving",
    ),
}


def parts() -> pd.DataFrame:
    """What goes into the image, in a few groups: what each does, where it is, and how many files it has."""
    files = dict.fromkeys(GROUPS, 0)
    for path, _ in _sources():
        files[_group(path)] += 1
    rows = {
        name: {"what it does": purpose, "where": ", ".join(places), "files": files[name]}
        for name, (purpose, *places) in GROUPS.items()
    }
    return pd.DataFrame(rows).T.astype({"files": int}).rename_axis("part")


def libraries() -> pd.DataFrame:
    """The libraries in the image at the versions in constraints.txt, which the laptop shares."""
    project = tomllib.loads((ROOT / "container/pyproject.toml").read_text())["project"]
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    )
    names = [requirement.split(";")[0].strip() for requirement in project["dependencies"]]
    return pd.DataFrame({"library": names, "version": [pinned[name] for name in names]}).set_index("library")


def fingerprint(edited: Mapping[Path, str] | None = None) -> str:
    """SHA-256 of the image's files and versions: unchanged contents need no new image.

    Args:
        edited: other texts of some files, to see what an edit would change.
    """
    digest = hashlib.sha256((ROOT / "constraints.txt").read_bytes())
    for path, text in _sources():
        text = (edited or {}).get(path, text)
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{text}\0".encode())
    return digest.hexdigest()


def tag(base_digest: str) -> str:
    """The image's tag: a hash of its contents, and the digest of the image that it extends."""
    return f"{fingerprint()[:12]}-{base_digest.removeprefix('sha256:')[:12]}"


def write_context(folder: Path) -> None:
    """Write what `docker build` reads: container/, LICENSE, constraints.txt, and pip's settings if any.

    With these settings, the packages come from the same source as this machine's. Only the first stages of
    the build get the settings: neither the image nor its history contains them.
    """
    for name, content in _context():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if settings := _pip_settings():
        (folder / "pip.conf").write_text(settings)


def archive() -> bytes:
    """The same as a zip for CodeBuild, without pip's settings; the same files give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _context():
            archive.writestr(zipfile.ZipInfo(name, TIME), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _context() -> Iterator[tuple[str, bytes]]:
    for name in ("LICENSE", "constraints.txt"):
        yield name, (ROOT / name).read_bytes()
    for path, _ in _sources():
        yield path.relative_to(ROOT / "container").as_posix(), path.read_bytes()


def _pip_settings() -> str:
    """Where this machine's pip gets packages from, as a pip.conf; empty if that is pip's default."""
    found: dict[str, str] = {}
    for key, values in pip_settings(sys.executable).items():
        kept = [one for one in values if not one.startswith(("/", "file:"))]
        if key in PIP_SETTINGS and kept:
            found[key] = "\n".join(kept)
    if not found:
        return ""
    settings, text = configparser.RawConfigParser(), io.StringIO()
    settings["global"] = found
    settings.write(text)
    return text.getvalue()


def _sources() -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / "container").rglob("*")):
        if path.name == "Dockerfile" or (path.suffix in SUFFIXES and "build" not in path.parts):
            yield path, path.read_text()


def _group(path: Path) -> str:
    """The group of a file of the image: that of its folder, or of the file itself."""
    parts = path.relative_to(ROOT / "container").parts
    place = "/".join(parts[: 2 if parts[0] == "tabular" and len(parts) > 2 else 1])
    return next(name for name, (_, *places) in GROUPS.items() if place in places)
