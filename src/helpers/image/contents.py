"""The container image: what it contains, its tag, and the files that a builder needs."""

import configparser
import hashlib
import io
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from helpers.image.pip_settings import pip_settings

__all__ = ["PLATFORM", "archive", "fingerprint", "libraries", "parts", "tag", "write_context"]

ROOT = Path(__file__).parents[3]
PLATFORM = "linux/amd64"
TIME = (1980, 1, 1, 0, 0, 0)  # of every file in the zip: the same files give the same bytes
# pip's settings for where packages come from. Paths on this machine mean nothing in a container.
PIP_SETTINGS = ("extra-index-url", "find-links", "index-url", "no-index", "proxy", "timeout", "trusted-host")
SUFFIXES = (".py", ".toml", ".c", ".h")


def parts() -> pd.DataFrame:
    """What goes into the image: a row for each part of container/, and for each folder of `tabular`."""
    files: dict[str, int] = {}
    purposes: dict[str, str] = {}
    for path, text in _sources():
        part = _part(path)
        name = part.relative_to(ROOT).as_posix()
        files[name] = files.get(name, 0) + 1
        if path in (part, part / "__init__.py"):
            purposes[name] = _first_line(text)
    table = pd.DataFrame({"files": files, "what it is": purposes})
    return table.rename_axis("part")


def libraries() -> pd.DataFrame:
    """The libraries in the image at the versions in constraints.txt, which the laptop shares."""
    project = tomllib.loads((ROOT / "container/pyproject.toml").read_text())["project"]
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    )
    names = [requirement.split(";")[0].strip() for requirement in project["dependencies"]]
    return pd.DataFrame({"library": names, "version": [pinned[name] for name in names]}).set_index("library")


def fingerprint() -> str:
    """SHA-256 of the image's files and versions: unchanged contents need no new image."""
    digest = hashlib.sha256((ROOT / "constraints.txt").read_bytes())
    for path, text in _sources():
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


def _part(path: Path) -> Path:
    """The file, or the folder, as which a file of the image is listed."""
    container = ROOT / "container"
    inside = path.relative_to(container).parts
    return container.joinpath(*inside[: 2 if inside[0] == "tabular" and len(inside) > 2 else 1])


def _first_line(text: str) -> str:
    line = text.strip().split("\n", 1)[0]
    return line.strip('"#/* ') if line.startswith(('"""', "#", "/*")) else ""
