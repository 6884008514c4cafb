"""CONTRIBUTING.md is literally true: what it names exists, and what it says to type can be typed."""

import re
import subprocess
import sys

import pytest
from support import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
QUOTED = re.findall(r"`([^`\n]+)`", re.sub(r"(?s)```.*?```", "", TEXT))
COMMANDS = [line for block in re.findall(r"(?s)```sh\n(.*?)```", TEXT) for line in block.splitlines()]
PATHS = {
    *[word for word in QUOTED if "/" in word and " " not in word],
    *re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT),
}
TARGETS = {word.split()[1] for word in [*QUOTED, *COMMANDS] if word.startswith("make ")}


@pytest.mark.parametrize("path", sorted(PATHS))
def test_each_file_that_it_names_is_there(path: str) -> None:
    assert (ROOT / path).exists() or path.startswith(".venv")


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_each_target_that_it_names_is_in_the_list_of_make(target: str) -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert target in [line.split()[0] for line in listed.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("command", [line for line in COMMANDS if not line.startswith("make ")])
def test_each_command_can_be_typed(command: str) -> None:
    """With --help: by this interpreter, which is that of .venv where `make test` runs."""
    program, *arguments = command.removeprefix(".venv/bin/").split()
    assert command.startswith(".venv/bin/")
    module = [] if program == "python" else ["-m", program.replace("-", "_")]
    done = subprocess.run(
        [sys.executable, *module, *arguments, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_the_changelog_has_a_place_for_what_comes() -> None:
    headings = re.findall(r"(?m)^(##+) (.*)$", (ROOT / "CHANGELOG.md").read_text())
    assert headings[0] == ("##", "Unreleased")
    assert {name for level, name in headings if level == "###"} <= {
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    }
