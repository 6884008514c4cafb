"""Executions of the real pipeline: what they leave, and how their failures and refusals are told."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from support.helpers.shared import TRIALS
from support.local_aws.aws import server_of, told
from tabular.spec.algorithms import ALGORITHMS

from helpers import runs
from helpers.data import datasets
from helpers.data.datasets import Dataset, LeftOut
from helpers.errors import BadInput, JobFailed
from helpers.runs import facts, outcome, results, summary
from helpers.runs.executions.execution import steps_of
from helpers.session import Session
from helpers.session.storage import File
from local_aws.core.requests.validation import validate

TWO_ROWS = "a,b,label\n1,2,x\n3,4,y\n"
ENOUGH = "a,b,label\n" + "1,2,x\n3,4,y\n" * 20


def with_lost_rows(folder: Path, name: str) -> Dataset:
    """A table that PreprocessData refuses, because it has lost most of its rows since the check."""
    path = folder / f"{name}.csv"
    path.write_text(ENOUGH)
    dataset = Dataset(name, "label", (File(path),))
    assert dataset.checked.refused is None
    path.write_text(TWO_ROWS)
    return dataset


@pytest.fixture
def few(tmp_path: Path) -> Dataset:
    return with_lost_rows(tmp_path, "few")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is left in a notebook's outputs."""
    left: list[dict[str, Any]] = []
    for module in (facts, outcome):
        monkeypatch.setattr(module, "display", lambda data, raw=False: left.append(data))
    return left


def test_every_step_has_succeeded_and_taken_time(session: Session, ran: runs.Execution) -> None:
    table = runs.steps(session, ran)
    assert table.index.tolist() == [
        "PreprocessData",
        "TuningWithCrossValidation",
        "RefitBestModel",
        "EvaluateBestModel",
        "ThresholdConditionCheck",
        "RegisterConditionCheck",
        "RegisterBestModel",
    ]
    assert set(table["status"]) == {"Succeeded"}
    assert table["seconds"].notna().all()


def test_every_job_and_trial_carries_the_tag_of_its_pipeline(session: Session, ran: runs.Execution) -> None:
    sagemaker = session.client("sagemaker")
    jobs = [
        about["Arn"]
        for step in steps_of(session, ran)
        for kind, about in step["Metadata"].items()
        if kind.endswith("Job")
    ]
    tuning = next(arn for arn in jobs if "tuning-job" in arn).rpartition("/")[2]
    trials = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning)
    jobs += [trial["TrainingJobArn"] for trial in trials["TrainingJobSummaries"]]
    assert len(jobs) == 4 + TRIALS
    for arn in jobs:
        assert {"Key": "Pipeline", "Value": "many-models"} in sagemaker.list_tags(ResourceArn=arn)["Tags"]


def test_the_leaderboard_has_every_trial_best_first(session: Session, ran: runs.Execution) -> None:
    table = runs.leaderboard(session, ran)
    assert table.index.tolist() == list(range(1, TRIALS + 1))
    assert table["score"].is_monotonic_decreasing
    assert set(table["algorithm"]) == set(ALGORITHMS)
    assert set(table["state"]) == {"complete"}
    assert all("=" in text for text in table["hyperparameters"])
    assert (table["seconds"] > 0).all()


def test_the_report_has_the_metrics_the_gate_and_the_winner(session: Session, ran: runs.Execution) -> None:
    report, table = runs.evaluation(session, ran), runs.leaderboard(session, ran)
    model, found = report["model"], runs.search(session, ran)
    parts = model["ensemble"]["members"] if found.chosen else [{"algorithm": model["algorithm"]}]
    fitted = table.dropna(subset="weight") if found.chosen else table.head(1)
    assert sorted(fitted["algorithm"]) == sorted(one["algorithm"] for one in parts)
    assert model["cross_validation"]["score"] >= table["score"][1] - 1e-9
    assert found.ensemble, "which the refit made of the trials, chosen or not"
    assert found.ensemble["gain_low"] <= found.ensemble["gain_high"]
    if found.chosen:
        assert model["cross_validation"]["nested_score"] == found.ensemble["nested_score"]
    assert f" nested={model['cross_validation']['nested_score']:.6g}" in report["cross_validated"]
    assert (model["algorithm"] == "Ensemble") == found.chosen
    assert (report["gate"]["metric"], report["gate"]["threshold"]) == ("auc", 0.9)
    metrics = runs.metrics({"wine": report})
    assert metrics.loc["wine", "accuracy"] > 0.9
    assert metrics.loc["wine", "auc"] == report["gate"]["value"]


def test_the_outcome_names_the_version(session: Session, ran: runs.Execution) -> None:
    assert runs.registered_version(session, ran) == 1
    row = runs.outcomes(session, [ran]).loc["wine"]
    assert (row["outcome"], row["why"]) == ("registered", "Registered as version 1.")
    assert (row["in service"], row["threshold"]) == ("none", "at least 0.9")
    gate = runs.evaluation(session, ran)["gate"]
    assert row["held out"] == f"auc {gate['value']:.4f}"
    assert "trials saw" not in row, "they saw all training rows"


def test_the_facts_of_a_run_are_json_with_everything_one_asks(
    session: Session, ran: runs.Execution, shown: list[dict[str, Any]]
) -> None:
    assert runs.watch(session, [ran]) == [ran]
    (content,) = (output[facts.MIME_TYPE] for output in shown if facts.MIME_TYPE in output)
    found = json.loads(json.dumps(content, allow_nan=False))["facts"]
    assert content["dataset"] == "wine"
    assert set(found) <= set(summary.DataSet.__annotations__)
    assert (found["outcome"], found["version"]) == ("registered", 1)
    assert found["scores"]["value"] == found["scores"]["held_out"]["auc"]
    assert set(found["steps"]) == set(runs.steps(session, ran).index)
    assert found["hyperparameters"]
    jobs = {"PreprocessData", "TuningWithCrossValidation", "RefitBestModel", "EvaluateBestModel"}
    assert found["billable_seconds"] > 0
    billed = found["billed"]
    assert billed["billable_seconds"] == found["billable_seconds"]
    assert billed["dollars"] is None, "here, nothing is billed"
    assert sum(step["jobs"] for step in billed["steps"].values()) == billed["jobs"] > 3
    assert all(found["steps"][name] > 0 for name in jobs)


def test_a_model_under_the_threshold_is_an_outcome_and_no_error(
    session: Session, ran: runs.Execution, shown: list[dict[str, Any]]
) -> None:
    values = {
        "MaxTuningJobs": TRIALS,
        "StratifySplit": True,
        "MetricForRegistrationThreshold": "log_loss",
        "MinThresholdForRegisterMetric": 1e-6,
    }
    refused = runs.start(session, [datasets.fetch("wine")], values)
    assert runs.watch(session, refused) == refused
    (run,) = refused
    assert runs.steps(session, run)["status"]["RegisterFailed"] == "Failed"
    row = runs.outcomes(session, refused).loc["wine"]
    assert row["outcome"] == "refused"
    assert row["why"].startswith("Worse than the threshold: log_loss 0.")
    assert row["why"].endswith(", must be at most 1e-06.")
    assert "min_metric" in row["what to do"]
    assert runs.registered_version(session, run) is None
    told = [output[facts.MIME_TYPE]["facts"] for output in shown if facts.MIME_TYPE in output]
    assert [each["outcome"] for each in told] == ["running", "refused"]
    assert told[-1]["scores"]["threshold"] == 1e-6

    # Nothing but the evaluation depends on the threshold: the rest is taken from the execution before.
    executions = session.client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=run.arn)
    cached = {s["StepName"] for s in executions["PipelineExecutionSteps"] if "CacheHitResult" in s}
    assert cached == {"PreprocessData", "TuningWithCrossValidation", "RefitBestModel"}
    assert runs.leaderboard(session, run).equals(runs.leaderboard(session, ran))


def failure(session: Session, *executions: runs.Execution) -> str:
    with pytest.raises(JobFailed) as raised:
        runs.watch(session, executions)
    return str(raised.value)


@pytest.mark.usefixtures("ran")
def test_a_failed_job_is_named_with_step_job_log_last_lines_and_what_to_do(
    session: Session, few: Dataset, shown: list[dict[str, Any]]
) -> None:
    executions = runs.start(session, [few], {})
    said, named, advice = failure(session, *executions).splitlines()
    assert said.startswith("few: PreprocessData failed. Job ")
    assert "Only 2 rows are left after cleaning" in said
    job = said.split("Job ")[1].split(":")[0]
    log = Path(named.removeprefix("Log: "))
    assert log.parent.name == job
    assert log.is_file()
    assert advice == "Fix what the log names and run 03 again."
    told = shown[-1][facts.MIME_TYPE]["facts"]
    assert (told["outcome"], told["step"], told["job"], told["log"], told["advice"]) == (
        *("failed", "PreprocessData", job, str(log)),
        advice,
    )
    assert f"few: {told['said']}" == said
    assert runs.registered_version(session, executions[0]) is None
    with pytest.raises(JobFailed, match="few: the execution did not reach EvaluateBestModel"):
        runs.evaluation(session, executions[0])

    # On AWS the reason does not say where the log is.
    there = dataclasses.replace(session, environment="aws")
    assert f"\nLog: CloudWatch /aws/sagemaker/ProcessingJobs, job {job}\n" in failure(there, *executions)


def test_of_several_failures_all_are_named_and_none_keeps_the_others_from_going_on(
    session: Session, ran: runs.Execution, few: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = runs.start(session, [few, with_lost_rows(tmp_path, "fewer")], {})
    executions = [failing[0], ran, failing[1]]
    assert runs.watch(session, executions) == [ran]
    told = capsys.readouterr().out
    assert "\nfew: PreprocessData failed." in told
    assert "\nfewer: PreprocessData failed." in told
    gone = LeftOut("No file matches 'gone.csv'.", "Correct it.")
    table = runs.outcomes(session, executions, {"gone": gone})
    assert table["outcome"].to_dict() == {
        "gone": "failed",
        "few": "failed",
        "wine": "registered",
        "fewer": "failed",
    }
    assert table.loc["gone", ["why", "what to do"]].tolist() == [gone.said, gone.advice]


def test_tables_that_cannot_be_used_are_recorded_and_shown(shown: list[Any]) -> None:
    left_out = {"gone": LeftOut("There is no file.", "Correct it.")}
    runs.leave_out(left_out, [datasets.find("wine")])
    fact, table = shown
    assert fact[facts.MIME_TYPE]["facts"] == {
        "outcome": "failed",
        "said": "There is no file.",
        "advice": "Correct it.",
    }
    assert table.loc["gone"].tolist() == ["There is no file.", "Correct it."]
    with pytest.raises(BadInput, match=r"No data set is left .*\ngone: There is no file\. Correct it\."):
        runs.leave_out(left_out, [])


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize(
    "parameters", [{"Colour": "red"}, {"MaxTuningJobs": "many"}, {"StratifySplit": "perhaps"}]
)
def test_parameters_that_the_pipeline_refuses_are_bad_input(
    session: Session, few: Dataset, parameters: dict[str, object]
) -> None:
    (name,) = parameters
    with pytest.raises(BadInput, match=rf"refuses the parameters of few: .*{name}.* run 02_define_pipeline"):
        runs.start(session, [few], parameters)


@pytest.mark.usefixtures("ran")
def test_a_table_that_the_pipeline_or_its_metric_refuses_keeps_no_other_from_being_started(
    session: Session, few: Dataset, shown: list[Any]
) -> None:
    high = dataclasses.replace(few, name="high", judged={"min_metric": "high"})
    odd = dataclasses.replace(few, name="odd", judged={"metric": "rmse"})
    executions = runs.start(session, [high, odd, few], {}, most=1)
    try:
        assert {it.dataset: bool(it.arn) for it in executions} == {"high": False, "few": True, "odd": False}
        table = runs.outcomes(session, executions)
        assert table["outcome"].to_dict() == {"high": "failed", "few": "running", "odd": "failed"}
        assert "refuses the parameters of high: " in table.loc["high", "why"]
        assert table.loc["odd", "why"].startswith("The metric 'rmse' does not fit odd, which is")
        told = [each[facts.MIME_TYPE] for each in shown if facts.MIME_TYPE in each]
        assert {each["dataset"]: each["facts"]["outcome"] for each in told} == {
            "high": "failed",
            "odd": "failed",
        }
    finally:
        runs.stop(session, executions)


def test_a_name_too_long_for_a_group_starts_nothing(session: Session, few: Dataset) -> None:
    long = dataclasses.replace(few, name="x" * 60)
    before = session.client("sagemaker").list_pipeline_executions(PipelineName=session.pipeline())
    with pytest.raises(BadInput, match="a model package group may have at most 63"):
        runs.start(session, [few, long], {})
    after = session.client("sagemaker").list_pipeline_executions(PipelineName=session.pipeline())
    assert after["PipelineExecutionSummaries"] == before["PipelineExecutionSummaries"]


@pytest.mark.usefixtures("ran")
def test_every_kind_of_job_was_asked_for_in_a_shape_that_aws_takes(session: Session) -> None:
    recorded = told(server_of(session), "requests")
    assert {entry["Operation"] for entry in recorded} == {
        "CreateProcessingJob",
        "CreateHyperParameterTuningJob",
        "CreateTrainingJob",
        "CreateModelPackage",
    }
    for entry in recorded:
        validate("sagemaker", entry["Operation"], entry["Request"])


def test_the_seconds_of_each_step_are_those_of_when_it_last_ran(
    session: Session, ran: runs.Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "LATEST", 100)  # other tests have started executions of this pipeline since
    seconds = runs.last_seconds(session, session.pipeline())
    assert {"PreprocessData", "TuningWithCrossValidation", "EvaluateBestModel"} <= set(seconds)
    assert seconds["PreprocessData"] > 0.1, "a step that is taken from the cache takes less"
    assert runs.last_seconds(session, "many-models-nobody") == {}
