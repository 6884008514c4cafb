"""What a run says at its end about what is left to do."""

import yaml

from commands.reporting.recording import RESUME
from commands.running import advice
from helpers.deployment.decisions import wishes
from helpers.runs import summary


def test_what_is_the_same_for_many_tables_is_said_once() -> None:
    document = summary.new("1", {}, "local", "demo", ["03_run_and_inspect"], ["good", "a", "b", "c"])
    document["data_sets"]["good"] |= {"outcome": "registered"}
    for name in ("a", "c"):
        document["data_sets"][name] |= {
            "outcome": "failed",
            "said": "No rows.",
            "advice": "Give it some.",
        }
    document["data_sets"]["b"] |= {"outcome": "failed", "said": "No.", "log": "x.log", "advice": "Fix it."}
    assert advice.failures(document) == [
        "a, c: No rows.\nGive it some.",
        "b: No.\nLog: x.log\nFix it.",
    ]
    assert advice.again(document) == [RESUME.format(run="1")]


def registered(*names: str) -> summary.Summary:
    """The summary of a run that registered version 2 of these tables, and of one more that was approved."""
    document = summary.new("1", {}, "local", "demo", ["03_run_and_inspect"], ["served", *names])
    for name in ("served", *names):
        document["data_sets"][name] |= {
            "outcome": "registered",
            "version": 2,
            "awaits_decision": name != "served",
        }
    return document


def test_versions_that_await_a_decision_are_named_in_the_command_that_decides() -> None:
    assert advice.decisions(registered()) == ""
    told = advice.decisions(registered("a", "b"))
    assert told.startswith("2 versions await a decision.")
    assert "`many-models run FILE --only 04 -p APPROVE '{a: {2: approve}, b: {2: approve}}'`" in told
    asked = yaml.safe_load(told.split("'")[1])
    assert wishes.by_version(asked, ["a", "b", "served"]) == {"a": {2: "Approved"}, "b": {2: "Approved"}}


def test_of_many_versions_that_await_a_decision_a_few_are_named() -> None:
    told = advice.decisions(registered(*(f"t{number}" for number in range(1000))))
    assert told.startswith("1,000 versions await a decision.")
    assert "approves the first 5;" in told
    assert len(told) < 400
