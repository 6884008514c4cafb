"""What the image contains, how it is named, and the table of algorithms."""

import configparser
import io
import os
import re
import zipfile
from pathlib import Path

import pytest
from support import ROOT
from tabular.spec.algorithms import ALGORITHMS

from helpers.image import contents
from helpers.pipeline.code import algorithms


def test_every_source_of_the_container_is_in_a_part_that_says_what_it_is_for() -> None:
    table = contents.parts()
    suffixes = {".py", ".toml", ".c", ".h"}
    sources = [p for p in (ROOT / "container").rglob("*") if p.suffix in suffixes and "build" not in p.parts]
    assert table["files"].sum() == len(sources) + 1  # the Dockerfile
    places = {place for where in table["where"] for place in where.split(", ")}
    folders = {path.parent for path in (ROOT / "container/tabular").glob("*/__init__.py")}
    assert {folder.relative_to(ROOT / "container").as_posix() for folder in folders} <= places
    assert all((ROOT / "container" / place).exists() for place in places)
    assert table["what it does"].str.len().gt(0).all()
    assert len(table) == 8  # what one can take in at a glance


def test_libraries_have_the_versions_that_the_laptop_has() -> None:
    table = contents.libraries()
    pinned = (ROOT / "constraints.txt").read_text().splitlines()
    for library, version in table["version"].items():
        assert f"{library}=={version}" in pinned
    assert {"scikit-learn", "lightgbm"} <= set(table.index)


def test_the_fingerprint_changes_with_the_contents_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "container/tabular/jobs").mkdir(parents=True)
    (tmp_path / "constraints.txt").write_text("pandas==1\n")
    source = tmp_path / "container/tabular/jobs/train.py"
    source.write_text('"""Train."""\n')
    monkeypatch.setattr(contents, "ROOT", tmp_path)
    prints = [contents.fingerprint(), contents.fingerprint()]
    source.touch()
    (tmp_path / "container/notes.md").write_text("notes")
    prints.append(contents.fingerprint())
    assert len(set(prints)) == 1
    assert re.fullmatch(r"[0-9a-f]{64}", prints[0])

    source.write_text('"""Train!"""\n')
    prints.append(contents.fingerprint())
    source.rename(source.with_name("fit.py"))
    prints.append(contents.fingerprint())
    (tmp_path / "constraints.txt").write_text("pandas==2\n")
    prints.append(contents.fingerprint())
    assert len(set(prints)) == 4


def test_the_tag_is_of_the_contents_and_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    tags = {contents.tag("sha256:" + "a" * 64), contents.tag("sha256:" + "b" * 64)}
    monkeypatch.setattr(contents, "fingerprint", lambda: "f" * 64)
    tags.add(contents.tag("sha256:" + "a" * 64))
    assert len(tags) == 3
    assert f"{'f' * 12}-{'a' * 12}" in tags
    assert all(re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{12}", tag) for tag in tags)


@pytest.mark.slow
def test_the_context_holds_what_the_dockerfile_copies_and_nothing_else(tmp_path: Path) -> None:
    contents.write_context(tmp_path)
    given = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    with zipfile.ZipFile(io.BytesIO(contents.archive())) as archive:
        assert given - {"pip.conf"} == set(archive.namelist())
    copied = re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", (tmp_path / "Dockerfile").read_text())
    names = {name for names in copied for name in names.split()} - {"pip.con[f]"}
    assert {name.split("/")[0] for name in given} - {"pip.conf"} == names | {"Dockerfile"}


def test_the_zip_depends_on_nothing_but_the_files() -> None:
    assert contents.archive() == contents.archive()


@pytest.mark.slow
def test_packages_come_from_where_this_machines_packages_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.conf"
    settings.write_text(
        "[global]\nindex-url = https://packages.example/simple\ntrusted-host = one.example\n"
        "    two.example\nfind-links = /opt/wheels file:///opt/more\ncert = /etc/ssl/mine.pem\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_PROXY", "http://user:100%@proxy.example")
    contents.write_context(tmp_path / "context")
    written = configparser.RawConfigParser()
    written.read(tmp_path / "context/pip.conf")
    given = dict(written["global"])
    assert given["index-url"] == "https://packages.example/simple"
    assert given["trusted-host"].split() == ["one.example", "two.example"]
    assert given["proxy"] == "http://user:100%@proxy.example"
    assert "cert" not in given and "/opt" not in str(given), "paths of this machine"


@pytest.mark.slow
def test_pips_own_defaults_need_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    contents.write_context(tmp_path)
    assert not (tmp_path / "pip.conf").exists()


@pytest.mark.parametrize("family", ["classification", "regression"])
def test_the_table_of_algorithms_has_every_hyperparameter_with_range_scale_and_default(family: str) -> None:
    table = algorithms.table(family)
    expected = {
        (name, tuned)
        for name, algorithm in ALGORITHMS.items()
        for tuned in algorithm.estimators[family].hyperparameters
    }
    assert set(table.index) == expected
    for _, row in table.iterrows():
        assert " to " in row["range"] or ", " in row["range"]
        assert row["scale"] in ("linear", "logarithmic", "")
        assert row["default"]
