"""The command that simulates an endpoint."""

import json

import pytest

from commands.__main__ import main

FEW = ["--requests", "2000", "--instance", "ml.m5.large"]


def test_it_shows_each_type_and_the_cheapest_that_holds(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["capacity", "--models", "500", "--rate", "50", *FEW, "--instance", "ml.c5.large"]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()[2:4]] == ["ml.m5.large", "ml.c5.large"]
    assert "One instance of ml.c5.large for " in told
    assert main([*arguments, "--p99-ms", "1"]) == 0
    assert "None of these holds p99 under 1 ms" in capsys.readouterr().out


def test_programs_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capacity", "--models", "500", "--rate", "50", *FEW, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["recommended"] == {"instance_type": "ml.m5.large", "instances": 1}
    assert found["inputs"]["models"] == 500
    assert 0 < found["fleets"][0]["outcome"]["hit_ratio"] <= 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--rate", "nan"], "rate is nan; it must be from 0.001 to"),
        (["--memory-mb", "0"], "--memory-mb is 0; a model needs more than 0."),
        (["--instance", "ml.huge"], "The memory of 'ml.huge' is not known"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["capacity", "--models", "5", "--rate", "5", *wrong]) == 2
    assert said in capsys.readouterr().err
