"""A compiled definition to look at: cards of steps, the gate's numbers, and what differs between two."""

import json
from typing import Any

import pytest
from support.helpers.shared import Compiled

from helpers.errors import BadInput
from helpers.pipeline.definitions import cards, comparing, expressions
from helpers.session import Session

STEPS = [
    "PreprocessData",
    "TuningWithCrossValidation",
    "RefitBestModel",
    "EvaluateBestModel",
    "ThresholdConditionCheck",
    "RegisterFailed",
    "RegisterConditionCheck",
    "RegisterBestModel",
]


def edited(definition: str, step: str, **arguments: Any) -> str:
    document = json.loads(definition)
    next(one for one in document["Steps"] if one["Name"] == step)["Arguments"] |= arguments
    return json.dumps(document)


def test_a_step_says_what_it_reads_writes_and_runs_and_how_long_it_took(compiled: Compiled) -> None:
    shown = cards.step_card(compiled.steps[0], compiled.definition, {"PreprocessData": 2.34})
    assert shown.title == "PreprocessData: a processing job"
    data, code = shown.rows["reads"]
    assert data.startswith("data: s3://") and code.startswith("code: source.tar.gz ")
    assert shown.rows["writes"] == ["train", "test", "report"]
    assert shown.rows["instance"] == "1 x ml.t3.medium, 30 GB, at most 60 minutes"
    assert shown.rows["command"].startswith("process tabular.jobs.preprocess --target diagnosis ")
    assert shown.rows["last time"] == "2.3 s"
    assert shown.rows["runs"].startswith("only if")


def test_every_step_has_a_card_in_which_nothing_is_left_unsaid(compiled: Compiled) -> None:
    assert list(expressions.steps(compiled.definition)) == STEPS
    for name in STEPS:
        words = repr(cards.step_card(name, compiled.definition))
        assert not any(language in words for language in ("Std:", "Get", "Parameters.", "Steps."))
    refit = cards.step_card("RefitBestModel", compiled.definition).rows
    assert refit["reads"][0] == "train: train of PreprocessData"
    assert "best_training_job = TrainingJobName of TuningWithCrossValidation" in refit["hyperparameters"]
    assert cards.step_card("EvaluateBestModel", compiled.definition).rows["runs"] == "in every execution"


def test_a_step_that_is_not_there_is_refused_with_those_that_are(compiled: Compiled) -> None:
    with pytest.raises(BadInput, match="no step 'Preprocess'; it has PreprocessData, "):
        cards.step_card("Preprocess", compiled.definition)


def test_a_step_of_another_type_is_shown_by_its_arguments() -> None:
    step = {"Name": "Ask", "Type": "Callback", "Arguments": {"Who": {"Get": "Parameters.Name"}}}
    definition = json.dumps({"Parameters": [{"Name": "Name", "DefaultValue": "Ann"}], "Steps": [step]})
    shown = cards.step_card("Ask", definition)
    assert (shown.title, shown.rows) == ("Ask: a step of the type Callback", {"Who": "Ann"})


def test_the_gate_has_the_numbers_in_force(compiled: Compiled) -> None:
    gate = cards.gate(expressions.with_defaults(compiled.definition, MinThresholdForRegisterMetric=0.87))
    assert gate.index.tolist() == [
        ("ThresholdConditionCheck", "auc on held-out rows reaches 0.87"),
        ("RegisterConditionCheck", "auc on held-out rows reaches 0.87"),
        (
            "RegisterConditionCheck",
            "it keeps at least 95% of the skill of the version in service, with 95% confidence",
        ),
    ]
    assert gate["if not"].tolist() == ["RegisterFailed", "no new version", "no new version"]


def test_the_json_of_a_step_is_what_sagemaker_gets(compiled: Compiled) -> None:
    shown = cards.as_json(compiled.definition, "ThresholdConditionCheck")
    assert json.loads(repr(shown)) == expressions.steps(compiled.definition)["ThresholdConditionCheck"]
    assert max(map(len, repr(shown).splitlines())) <= 110


def test_another_default_is_one_of_a_parameter_that_is_there(compiled: Compiled) -> None:
    assert expressions.defaults(expressions.with_defaults(compiled.definition, TestSetSize=0.3))[
        "TestSetSize"
    ] == pytest.approx(0.3)
    with pytest.raises(BadInput, match="no parameter 'TestSize'"):
        expressions.with_defaults(compiled.definition, TestSize=0.3)


def test_who_reads_what_has_changed_runs_again(compiled: Compiled) -> None:
    changed = expressions.with_defaults(compiled.definition, TestSetSize=0.3)
    table = comparing.changes(compiled.definition, changed)
    assert table["changed"].to_dict() == {
        "PreprocessData": "--test-size: 0.2 to 0.3",
        "TuningWithCrossValidation": "",
        "RefitBestModel": "",
        "EvaluateBestModel": "",
    }
    assert table["runs again"].to_dict() == {
        "PreprocessData": "yes, because of the change",
        "TuningWithCrossValidation": "yes, after PreprocessData",
        "RefitBestModel": "yes, after PreprocessData and TuningWithCrossValidation",
        "EvaluateBestModel": "yes, as in every execution",
    }


def test_what_the_cache_does_not_compare_makes_nothing_run_again(compiled: Compiled) -> None:
    resources = {"ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}}
    changed = edited(compiled.definition, "PreprocessData", ProcessingResources=resources)
    table = comparing.changes(compiled.definition, changed)
    assert table["changed"]["PreprocessData"] == "InstanceType: ml.t3.medium to ml.m5.xlarge"
    assert table["runs again"]["PreprocessData"].startswith("no")


def test_other_code_is_called_code(compiled: Compiled) -> None:
    inputs = expressions.steps(compiled.definition)["PreprocessData"]["Arguments"]["ProcessingInputs"]
    inputs[1]["S3Input"]["S3Uri"] = f"s3://bucket/code/{'a' * 64}/source.tar.gz"
    table = comparing.changes(
        compiled.definition, edited(compiled.definition, "PreprocessData", ProcessingInputs=inputs)
    )
    assert table.loc["PreprocessData"].tolist() == ["its code", "yes, because of the change"]


def test_steps_come_and_go(compiled: Compiled) -> None:
    document = json.loads(compiled.definition)
    document["Steps"][0]["Name"] = "Clean"
    table = comparing.changes(compiled.definition, json.dumps(document))
    assert table.loc["Clean"].tolist() == ["new", "yes, it is new"]
    assert table.loc["PreprocessData"].tolist() == ["removed", "no"]


@pytest.mark.parametrize(("before", "words"), [("", "published yet"), ("{}", "the one that is published")])
def test_without_a_difference_a_sentence_says_what_that_means(before: str, words: str) -> None:
    assert words in comparing.changes(before, "{}").attrs["instead"]


def test_of_a_pipeline_that_is_not_published_there_is_no_definition(session: Session) -> None:
    assert comparing.published(session, "many-models-nobody") == ""


def test_the_compiler_is_a_card(compiled: Compiled) -> None:
    rows = compiled.compiler.card().rows
    assert len(rows["code"]) == 5
    assert rows["capacity"] == "on demand"
