"""A user's mistake ends a command with one sentence."""

import pytest
from tabular.jobs.command import ArgumentParser, command
from tabular.spec.errors import BadInput, unknown


def test_a_command_ends_with_the_sentence_and_without_a_traceback():
    def main():
        raise BadInput("The table is empty.")

    with pytest.raises(SystemExit) as ended:
        command(main)
    assert ended.value.code == "The table is empty."
    assert ended.value.__suppress_context__


def test_a_fault_of_the_program_keeps_its_traceback():
    def main():
        raise KeyError("x")

    with pytest.raises(KeyError):
        command(main)


@pytest.mark.parametrize(
    ("name", "nearest"), [("xgboost", "XGBoost"), ("XGBOOST", "XGBoost"), ("lightGMB", "LightGBM")]
)
def test_the_nearest_name_is_found_whatever_its_case(name, nearest):
    assert str(unknown("algorithm", name, ["XGBoost", "LightGBM"])).endswith(f"Did you mean {nearest!r}?")


def test_an_unknown_name_is_shown_with_the_known_ones_and_the_nearest():
    assert str(unknown("colour", "gren", ["red", "green"])) == (
        "Unknown colour 'gren'; the known ones are 'red', 'green'. Did you mean 'green'?"
    )
    assert str(unknown("colour", "x", ["red"])).endswith(
        "the known ones are 'red'. Use one of the names listed."
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "prog: the following arguments are required: --share."),
        (["--share", "half"], "prog: argument --share: invalid float value: 'half'."),
        (["--share", "1", "--shade", "2"], "prog: unrecognized arguments: --shade 2."),
    ],
)
def test_wrong_arguments_are_a_sentence(arguments, sentence):
    parser = ArgumentParser(prog="prog")
    parser.add_argument("--share", type=float, required=True)
    with pytest.raises(BadInput) as refused:
        parser.parse_args(arguments)
    assert str(refused.value) == sentence
