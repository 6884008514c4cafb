"""Which hashes a comment changes, and what the image's commands are."""

import ast
import json
import tomllib

import pytest
from support import ROOT
from support.helpers.shared import Compiled

from helpers.errors import BadInput
from helpers.image import hashes
from helpers.image.commands import COMMANDS
from helpers.pipeline.code import job_source
from helpers.pipeline.definitions import expressions


def changed(file: str) -> set[str]:
    table = hashes.after_comment(file)
    return set(table.index[table["now"] != table["with the comment"]])


def test_a_comment_in_the_server_changes_the_image_alone() -> None:
    table = hashes.after_comment()
    assert list(table.index) == ["the image", *job_source.JOBS]
    assert table["what follows"].str.startswith("nothing").tolist() == [False, *[True] * 5]
    assert table["now"].nunique() == 6


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("tabular/jobs/evaluate.py", {"the image", "tabular.jobs.evaluate"}),
        ("launcher/source.py", {"the image"}),
        ("tabular/spec/errors.py", {"the image", *job_source.JOBS}),
    ],
)
def test_a_comment_changes_the_code_of_the_jobs_that_import_the_file(file: str, expected: set[str]) -> None:
    assert changed(file) == expected


def test_a_file_that_is_not_in_the_image_is_refused() -> None:
    with pytest.raises(BadInput, match=r"Did you mean 'tabular/serving/server.py'\?"):
        hashes.after_comment("tabular/serving/servers.py")


def test_the_commands_are_those_of_the_image() -> None:
    project = tomllib.loads((ROOT / "container/pyproject.toml").read_text())["project"]
    assert set(COMMANDS) == set(project["scripts"])
    runs = {module for command in COMMANDS.values() for module in command.runs}
    programs = {
        f"tabular.jobs.{path.stem}"
        for path in (ROOT / "container/tabular/jobs").glob("*.py")
        if any(isinstance(node, ast.If) for node in ast.parse(path.read_text()).body)  # __main__
    }
    assert programs <= runs


def test_the_steps_of_the_pipeline_call_the_commands_that_the_picture_says(compiled: Compiled) -> None:
    for name, step in expressions.steps(compiled.definition).items():
        command = {"Processing": "process", "Training": "train", "Tuning": "train"}.get(step["Type"])
        if command:
            assert name in COMMANDS[command].callers
            text = json.dumps(step["Arguments"])
            assert any(f'"{module}"' in text for module in COMMANDS[command].runs)
