"""What the image holds, what it is named by, and the table of algorithms."""

import dataclasses
import re
from pathlib import Path

import pytest
from tabular.algorithms import ALGORITHMS

from helpers import algorithms, image
from helpers.session import Session

ROOT = Path(__file__).parents[2]


def test_every_source_of_the_container_is_listed_with_what_it_is_for() -> None:
    table = image.contents()
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "container").rglob("*.py")}
    assert {name for name in table.index if name.endswith(".py")} == sources
    assert {"container/Dockerfile", "container/pyproject.toml"} <= set(table.index)
    modules = table["what it is"][[name for name in table.index if name.endswith(".py")]]
    assert modules.str.len().gt(0).all()


def test_libraries_have_the_versions_that_the_laptop_has() -> None:
    table = image.requirements()
    pinned = (ROOT / "constraints.txt").read_text().splitlines()
    for library, version in table["version"].items():
        assert f"{library}=={version}" in pinned
    assert {"scikit-learn", "lightgbm"} <= set(table.index)


def test_the_fingerprint_changes_with_the_contents_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "container/tabular").mkdir(parents=True)
    (tmp_path / "constraints.txt").write_text("pandas==1\n")
    source = tmp_path / "container/tabular/train.py"
    source.write_text('"""Train."""\n')
    monkeypatch.setattr(image, "ROOT", tmp_path)
    prints = [image.fingerprint(), image.fingerprint()]
    source.touch()
    (tmp_path / "container/notes.md").write_text("notes")
    prints.append(image.fingerprint())
    assert len(set(prints)) == 1
    assert re.fullmatch(r"[0-9a-f]{64}", prints[0])

    source.write_text('"""Train!"""\n')
    prints.append(image.fingerprint())
    source.rename(source.with_name("fit.py"))
    prints.append(image.fingerprint())
    (tmp_path / "constraints.txt").write_text("pandas==2\n")
    prints.append(image.fingerprint())
    assert len(set(prints)) == 4


def test_a_laptop_builds_nothing_and_aws_is_told_what_to_build(session: Session) -> None:
    assert image.plan(session).startswith("Nothing to build")
    there = dataclasses.replace(session, environment="aws")
    assert session.image_uri in image.plan(there)
    assert "container/Dockerfile" in image.plan(there)


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
