"""The light installation: complete without what it leaves out, done once, by uv with pip's settings."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from support import ROOT
from support.helpers.shared import Compiled

from commands import install
from helpers.image.pip_settings import pip_settings


def required(distribution: str) -> set[str]:
    """What a distribution requires here, without its extras."""
    asked = [Requirement(line) for line in requires(distribution) or []]
    return {normal(one.name) for one in asked if not one.marker or one.marker.evaluate({"extra": ""})}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def is_installed(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


@pytest.mark.slow
def test_definitions_need_nothing_of_what_is_left_out(
    compiled: Compiled, compiled_elsewhere: list[str]
) -> None:
    classification, regression, in_a_network = compiled_elsewhere
    assert classification == compiled.definition
    assert json.loads(regression)["Steps"]
    assert "subnet-1" in in_a_network


def test_all_that_the_sdk_asks_for_is_there_but_for_what_is_left_out() -> None:
    asked = set().union(*map(required, install.SDK))
    assert set(install.LEFT_OUT) < asked
    assert {name for name in asked if not is_installed(name)} <= set(install.LEFT_OUT)


def test_an_installation_that_leaves_nothing_out_is_of_the_same_sdk() -> None:
    """What conda installs: the extra `sdk`."""
    (line,) = [line for line in requires("many-models") or [] if line.startswith("sagemaker==")]
    pinned = dict(line.split("==") for line in constraints())
    assert Requirement(line).specifier.contains(pinned["sagemaker"])
    assert "sdk" in (ROOT / "environment.yml").read_text()
    for name in (*install.SDK, *install.LEFT_OUT, "uv"):
        assert name in pinned, name


def constraints() -> list[str]:
    return [line for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]


STAMPS = {
    **{purpose: (f".venv/installed-{purpose}", f"install-{purpose}") for purpose in install.PURPOSES},
    "demo": (".venv/installed-demo", "install"),
    **{purpose: (f".venv-{purpose}/installed",) * 2 for purpose in install.APART},
}


@pytest.mark.parametrize("purpose", STAMPS)
def test_a_stamp_that_is_new_enough_installs_nothing_and_an_old_one_its_purpose(
    tmp_path: Path, purpose: str
) -> None:
    for name in ("Makefile", "constraints.txt", "pyproject.toml", "container", "src"):
        (tmp_path / name).symlink_to(ROOT / name)
    stamp, target = tmp_path / STAMPS[purpose][0], STAMPS[purpose][1]
    stamp.parent.mkdir()
    stamp.touch()
    command = ["make", "--dry-run", target, f"PYTHON={sys.executable}"]

    def planned() -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    assert "commands.install" not in planned()
    os.utime(stamp, (0, 0))
    assert f"-m commands.install {purpose}\n" in planned()


def test_an_unknown_purpose_is_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "commands.install", "all"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert (
        done.stderr
        == f"Say what to install for, one of demo, lab, mlflow, test, {', '.join(install.APART)}.\n"
    )


# uv with pip's settings


@pytest.mark.slow
def test_uv_gets_what_pip_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pip")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    settings = tmp_path / "settings.conf"
    settings.write_text(
        "[global]\nindex-url = https://one.example/simple\nextra-index-url = https://two.example/simple\n"
        "    https://three.example/simple\ncert = /etc/ssl/mine.pem\n[install]\nfind-links = /a /b\n"
        "[download]\nplatform = any\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_INDEX_URL", "https://nearest.example/simple")
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    monkeypatch.setenv("PIP_CONSTRAINT", "/mine.txt")
    variables, options = install.uv_settings(pip_settings(sys.executable))
    told = {
        "UV_DEFAULT_INDEX": "https://nearest.example/simple",
        "UV_INDEX": "https://two.example/simple https://three.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/a,/b",
        "SSL_CERT_FILE": "/etc/ssl/mine.pem",
    }
    assert variables.items() >= told.items()
    assert options[-2:] == ["--constraint", "/mine.txt"]


def test_pip_does_it_where_uv_has_no_word_for_a_setting() -> None:
    assert install.uv_settings({}) == ({}, [])
    assert install.uv_settings({"only-binary": [":all:"]}) is None
