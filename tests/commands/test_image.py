"""`python -m commands.image`: what it refuses."""

import pytest

from commands import image


def test_the_command_says_what_is_wrong_and_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert image.main(["--base", "python:3.12-slim"]) == 2
    assert "There is no Docker on this machine" in capsys.readouterr().err
    assert image.main(["--env", "moon"]) == 2
    assert "There is no environment 'moon'" in capsys.readouterr().err
