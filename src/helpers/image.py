"""The container image: what it holds, and the name of its contents."""

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from helpers.session import Session

__all__ = ["contents", "fingerprint", "plan", "requirements"]

ROOT = Path(__file__).parents[2]
SUFFIXES = (".py", ".toml", ".c", ".h")


def contents() -> pd.DataFrame:
    """A row for each file of container/ that goes into the image, and what it is for."""
    rows = {path.relative_to(ROOT).as_posix(): _first_line(text) for path, text in _files()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["what it is"]).rename_axis("file")


def requirements() -> pd.DataFrame:
    """The libraries of the image at the versions of constraints.txt, which the laptop shares."""
    project = tomllib.loads((ROOT / "container/pyproject.toml").read_text())["project"]
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    )
    names = [requirement.split(";")[0].strip() for requirement in project["dependencies"]]
    return pd.DataFrame({"library": names, "version": [pinned[name] for name in names]}).set_index("library")


def plan(session: Session) -> str:
    """What there is to build for this environment."""
    if session.is_local:
        return (
            "Nothing to build: jobs and endpoint run as processes of this machine, with the same commands "
            "`train`, `process` and `serve` that the image would hold."
        )
    if not session.image_uri:
        return "There is no image yet: build container/Dockerfile with BASE_IMAGE and push it."
    return (
        f"Jobs and endpoint run in {session.image_uri}; build container/Dockerfile with BASE_IMAGE and "
        "push it there when the fingerprint above is not its tag."
    )


def fingerprint() -> str:
    """SHA-256 over the image's files and versions: unchanged contents need no new image."""
    digest = hashlib.sha256((ROOT / "constraints.txt").read_bytes())
    for path, text in _files():
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{text}\0".encode())
    return digest.hexdigest()


def _files() -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / "container").rglob("*")):
        if path.name == "Dockerfile" or (path.suffix in SUFFIXES and "build" not in path.parts):
            yield path, path.read_text()


def _first_line(text: str) -> str:
    line = text.strip().split("\n", 1)[0]
    return line.strip('"#/* ') if line.startswith(('"""', "#", "/*")) else ""
