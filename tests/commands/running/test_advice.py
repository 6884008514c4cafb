"""What a run says at its end about what is left to do."""

from dataclasses import replace

from commands.running import advice, planning
from helpers.runs import summary


def test_a_version_that_had_been_decided_on_otherwise_is_told() -> None:
    names = ["stays", "rejected", "waits", "none"]
    plan = planning.plan(
        planning.chosen(["04"], None),
        {
            "DATASETS": [{"name": name, "uri": "x", "target": "y"} for name in names],
            "APPROVE": {"none": "none", "default": "reject"},
            "VERSIONS": "latest",
        },
    )
    document = summary.new("1", {}, "local", "demo", ["04_approve_and_deploy"], names)
    for name, decision, waits in (
        ("stays", None, False),
        ("rejected", "reject", False),
        ("waits", None, True),
        ("none", None, False),
    ):
        document["data_sets"][name] |= {"version": 3, "decision": decision, "awaits_decision": waits}
    assert [told.split(":")[0] for told in advice.undecided(plan, document)] == ["stays"]
    assert not advice.undecided(replace(plan, notebooks={}), document)
