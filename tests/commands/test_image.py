"""`many-models image`: what it refuses."""

from pathlib import Path

import pytest

from commands import image
from commands.__main__ import main
from commands.environment.terraform import Environment
from helpers.errors import BadInput


def test_the_command_says_what_is_wrong_and_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["image", "--base", "python:3.12-slim"]) == 2
    assert "There is no Docker on this machine" in capsys.readouterr().err
    assert main(["image", "--env", "moon"]) == 2
    assert "There is no environment 'moon'" in capsys.readouterr().err


def test_an_environment_that_was_not_made_yet_is_told_how(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"try has no registry yet; .* up --env try` creates it\."):
        image.push(Environment("try", tmp_path), "auto")
