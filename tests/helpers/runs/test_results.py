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
from helpers.data.datasets import Dataset
from helpers.errors import BadInput, JobFailed
from helpers.runs import facts
from helpers.runs.executions.execution import steps_of
from helpers.session import Session
from helpers.storage import File
from local_aws.core.validation import validate

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
    monkeypatch.setattr(facts, "display", lambda data, raw: left.append(data))
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
    assert set(table["status"]) == {"Completed"}
    assert all("=" in text for text in table["hyperparameters"])
    assert (table["seconds"] > 0).all()


def test_the_report_has_the_metrics_the_gate_and_the_winner(session: Session, ran: runs.Execution) -> None:
    report, table = runs.evaluation(session, ran), runs.leaderboard(session, ran)
    assert report["model"]["algorithm"] == table["algorithm"][1]
    assert report["model"]["cross_validation"]["score"] == pytest.approx(table["score"][1])
    assert (report["gate"]["metric"], report["gate"]["threshold"]) == ("auc", 0.9)
    metrics = runs.metrics({"wine": report})
    assert metrics.loc["wine", "accuracy"] > 0.9
    assert metrics.loc["wine", "auc"] == report["gate"]["value"]


def test_the_outcome_names_the_version(session: Session, ran: runs.Execution) -> None:
    assert runs.registered_version(session, ran) == 1
    row = runs.outcomes(session, [ran]).loc["wine"]
    assert (row["outcome"], row["in service"]) == ("registered as version 1", "none")
    assert row["threshold"] == "at least 0.9"


def test_the_facts_of_a_run_are_json_with_everything_one_asks(
    session: Session, ran: runs.Execution, shown: list[dict[str, Any]]
) -> None:
    runs.record(session, ran)
    (content,) = (output[facts.MIME_TYPE] for output in shown)
    found = json.loads(json.dumps(content, allow_nan=False))["facts"]
    assert content["dataset"] == "wine"
    assert (found["outcome"], found["version"]) == ("registered", 1)
    assert found["scores"]["value"] == found["scores"]["held_out"]["auc"]
    assert set(found["steps"]) == set(runs.steps(session, ran).index)
    assert found["hyperparameters"]


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
    runs.watch(session, refused)
    (run,) = refused
    assert runs.steps(session, run)["status"]["RegisterFailed"] == "Failed"
    assert runs.outcomes(session, refused).loc["wine", "outcome"] == "refused: worse than the threshold"
    assert runs.registered_version(session, run) is None
    runs.record(session, run)
    assert json.dumps(shown, allow_nan=False)

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
    session: Session, few: Dataset
) -> None:
    executions = runs.start(session, [few], {})
    lines = failure(session, *executions).splitlines()
    assert lines[0].startswith("few: PreprocessData failed. Job ")
    job = lines[0].split("Job ")[1].split(":")[0]
    log = Path(lines[1].removeprefix("Log: "))
    assert log.parent.name == job
    assert lines[2] == log.read_text().splitlines()[-1]
    assert lines[2].startswith("Only 2 rows are left after cleaning")
    assert lines[-1] == "Fix what the log names and run 03 again."
    assert runs.registered_version(session, executions[0]) is None
    with pytest.raises(JobFailed, match="few: the execution did not reach EvaluateBestModel"):
        runs.evaluation(session, executions[0])

    # On AWS the reason does not say where the log is.
    there = dataclasses.replace(session, environment="aws")
    assert f"\nLog: CloudWatch /aws/sagemaker/ProcessingJobs, job {job}\n" in failure(there, *executions)


def test_of_several_failures_all_are_named_and_none_hides_a_success(
    session: Session, ran: runs.Execution, few: Dataset, tmp_path: Path
) -> None:
    executions = runs.start(session, [few, with_lost_rows(tmp_path, "fewer")], {})
    told = failure(session, executions[0], ran, executions[1])
    assert "few: PreprocessData failed." in told
    assert "fewer: PreprocessData failed." in told
    assert "wine" not in told


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
