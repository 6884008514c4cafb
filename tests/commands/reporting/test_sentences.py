"""What a run's page, the page of all models and the end of a run say about versions that await a decision."""

import yaml

from commands.reporting.sentences import decisions
from helpers.deployment.decisions import wishes


def test_versions_that_await_a_decision_are_named_in_the_command_that_decides() -> None:
    assert decisions({}) == ""
    told = decisions({"a": 2, "b": 2})
    assert told.startswith("2 versions await a decision.")
    assert "`many-models run FILE --only 04 -p APPROVE '{a: {2: approve}, b: {2: approve}}'`" in told
    asked = yaml.safe_load(told.split("'")[1])
    assert wishes.by_version(asked, ["a", "b", "served"]) == {"a": {2: "Approved"}, "b": {2: "Approved"}}


def test_of_many_versions_that_await_a_decision_a_few_are_named() -> None:
    told = decisions({f"t{number}": 2 for number in range(1000)})
    assert told.startswith("1,000 versions await a decision.")
    assert "approves the first 5;" in told
    assert len(told) < 400
