"""What the URL is asked to show how it behaves, as far as nobody has to answer."""

import ast
import json
import shlex
from typing import Any

import pandas as pd
import pytest

from helpers.deployment.asking import endpoint, request, what_if
from helpers.deployment.asking.request import Question
from helpers.deployment.performance import unloaded
from helpers.plots import answers

BODY = {"model": "shop", "data": [[1.5, None, 'it\'s a "word"', True]]}
ASKED = Question("https://example.com/", "eu-west-1", BODY)


def test_the_curl_command_sends_the_body_through_any_shell() -> None:
    words = shlex.split(ASKED.curl.replace("\\\n", " "))
    assert words[0] == "curl"
    assert words[words.index("--aws-sigv4") + 1] == "aws:amz:eu-west-1:lambda"
    assert json.loads(words[words.index("--data") + 1]) == BODY
    assert words[-1] == "https://example.com/"


def test_the_lines_of_python_have_the_same_body_and_no_secret() -> None:
    tree = ast.parse(ASKED.python)
    dumped = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "json.dumps"
    )
    assert ast.literal_eval(dumped.args[0]) == BODY
    lines = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    assert len(lines) == 6
    for text in (ASKED.python, ASKED.curl):
        assert "SECRET" not in text.replace("$AWS_SECRET_ACCESS_KEY", "")


def test_a_request_is_a_card_with_its_address_and_body() -> None:
    shown = repr(ASKED)
    assert "POST https://example.com/" in shown
    assert json.dumps(BODY) in shown


def test_temporary_credentials_bring_their_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    assert request._with_token("curl x") == "curl x"
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    assert request._with_token("curl x").endswith('--header "x-amz-security-token: $AWS_SESSION_TOKEN"')


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([3.0, 1.0, 2.0], [1.0, 2.0, 3.0]),
        ([2, 2, None, 4], [2, 4]),
        (["b", "a", "b", None], ["b", "a"]),
        ([True, False, True], [True, False]),
        ([None, None], []),
    ],
    ids=["numbers", "counts with a gap", "words", "flags", "nothing"],
)
def test_the_values_to_try_are_those_of_the_column(cells: list[Any], values: list[Any]) -> None:
    found = what_if.values_of(cells)
    assert found == values
    assert [type(one) for one in found] == [type(one) for one in values]


def test_many_numbers_are_tried_at_their_quantiles_and_many_words_by_their_frequency() -> None:
    assert what_if.values_of([float(number) for number in range(101)], 5) == [0.0, 25.0, 50.0, 75.0, 100.0]
    words = [word for number, word in enumerate("abcdef") for _ in range(6 - number)]
    assert what_if.values_of(words, 2) == ["a", "b"]


MOVED = pd.DataFrame(
    [
        ("shop", "yes", "age", 30, 0.2, True),
        ("shop", "yes", "age", 60, 0.9, False),
        ("shop", "yes", "city", "Rome", 0.2, True),
        ("shop", "yes", "city", "Oslo", 0.3, False),
        ("shop", "yes", "city", None, 0.1, False),
    ],
    columns=["data set", "class", "column", "value", "probability", "own"],
)


def test_the_column_that_moves_the_probability_farthest_comes_first() -> None:
    table = what_if.columns_that_matter(MOVED)
    assert table.index.tolist() == ["age", "city"]
    assert table.loc["age"].tolist() == [0.2, 0.9, 0.7]
    assert what_if.columns_that_matter(MOVED, 1).index.tolist() == ["age"]


def test_one_cell_changed_is_a_curve_of_numbers_or_a_dot_for_each_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (axes,) = answers.what_if(MOVED)
    assert axes.get_xlabel() == "age"
    assert axes.lines[0].get_xdata().tolist() == [30.0, 60.0]
    said = "from 0.20 to 0.90; the row's own value, 30, gives 0.20."
    assert said in capsys.readouterr().out
    (axes,) = answers.what_if(MOVED, "city")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["an empty cell", "Rome", "Oslo"]
    assert axes.collections[-1].get_offsets().tolist() == [[1.0, 0.2]], "the ring is around the row's own"


def test_a_row_whose_own_cell_is_empty_is_a_line_across_the_numbers() -> None:
    gap = MOVED[MOVED["column"] == "age"].assign(value=[None, 60])
    (axes,) = answers.what_if(gap)
    assert axes.lines[0].get_xdata().tolist() == [60.0]
    assert list(axes.lines[1].get_ydata()) == [0.2, 0.2]


def test_the_ramp_is_shown_over_the_number_of_clients(capsys: pytest.CaptureFixture[str]) -> None:
    steps = pd.DataFrame(
        {
            "predictions per second": [100.0, 180.0, 150.0],
            "p50 ms": [9.0, 10.0, 20.0],
            "p95 ms": [11.0, 20.0, 90.0],
        },
        index=[1, 2, 4],
    )
    rates, times = answers.ramp(steps)
    assert (rates.get_title("left"), times.get_title("left")) == ("Throughput", "Latency")
    assert rates.lines[0].get_ydata().tolist() == [100.0, 180.0, 150.0]
    assert [list(line.get_ydata()) for line in times.lines] == [[11.0, 20.0, 90.0], [9.0, 10.0, 20.0]]
    assert "at most 180 predictions per second, with 2; " in capsys.readouterr().out


def test_cold_calls_differ_from_warm_ones_in_colour_and_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    called = pd.DataFrame(
        {"data set": ["a", "b", "a"], "milliseconds": [30.0, 50.0, 4.0], "cold": [True, True, False]},
        index=[1, 2, 3],
    )
    (axes,) = answers.after_unload(called)
    assert axes.get_title("left") == "How long each call took"
    drawn = {(bar.get_x() + bar.get_width() / 2, bar.get_height(), bar.get_hatch()) for bar in axes.patches}
    assert drawn == {(1.0, 30.0, "//"), (2.0, 50.0, "//"), (3.0, 4.0, "")}
    assert "the 2 cold ones took 40 ms, the 1 warm ones 4 ms" in capsys.readouterr().out
    assert unloaded.waits(called).to_dict("index") == {
        "cold": {"calls": 2, "median ms": 40.0, "slowest ms": 50.0},
        "warm": {"calls": 1, "median ms": 4.0, "slowest ms": 4.0},
    }


def test_without_a_model_in_service_every_part_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert request.question(None, {}) is None
    assert request.answered(None, None) is None
    request.by_curl(None)
    request.by_python(None)
    assert capsys.readouterr().out.splitlines() == [endpoint.NOTHING] * 4
    empty = pd.DataFrame(columns=MOVED.columns)
    assert what_if.columns_that_matter(empty).attrs["instead"] == endpoint.NOTHING
    for draw in (answers.what_if, answers.ramp, answers.after_unload):
        assert draw(empty) == []
        assert "nothing to plot" in capsys.readouterr().out
