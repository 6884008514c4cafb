"""A plot of the image."""

import pytest

from helpers.image.commands import COMMANDS
from helpers.plots import images


def test_every_command_stands_between_who_calls_it_and_what_it_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    axes = images.commands(COMMANDS)
    shown = "\n".join(text.get_text() for text in axes.texts)
    for name, command in COMMANDS.items():
        assert name in shown
        assert all(caller in shown for caller in command.callers)
        assert all(module.rpartition(".")[2] in shown for module in command.runs)
    assert "train is called by TuningWithCrossValidation" in capsys.readouterr().out
