"""What a run says at its end about what is left to do."""

from commands.reporting.sentences import RESUME
from commands.running import advice
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
