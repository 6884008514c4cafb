"""Tuning jobs: what is tried, what wins, what is counted.

The trials are real ones: the image's `train` command, and a toy algorithm that travels as source.tar.gz.
"""

import math
import statistics
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws, needs_proc, processes_of, wait_for
from support.local_aws.pipeline import (
    compare,
    condition,
    create,
    finish,
    get,
    run_steps,
    source_archive,
    training_request,
)

from local_aws.core.errors import AwsError
from local_aws.services.jobs.ranges import check_ranges, sample
from local_aws.services.jobs.search import Search

TRIAL = """
import json, os, signal, subprocess, sys, time
parameters = json.load(open(os.environ["SAGEMAKER_BASE_DIR"] + "/input/config/hyperparameters.json"))
behaviour, x = parameters["behaviour"], float(parameters["x"])
time.sleep(float(parameters.get("seconds", 0)))
if behaviour == "fail" or (behaviour == "fail if small" and x < 0.5):
    sys.exit("this trial has failed")
if behaviour == "die if small" and x < 0.5:
    subprocess.Popen(["sleep", parameters["leak"]])
    os.kill(os.getpid(), signal.SIGKILL)
if behaviour != "silent":
    print(f"score={1.0 if behaviour == 'constant' else x}")
"""


@pytest.fixture(scope="module")
def sagemaker(aws: Aws) -> Any:
    return aws.client("sagemaker")


@pytest.fixture(scope="module")
def source(aws: Aws, bucket: str) -> str:
    """The S3 address of the toy algorithm."""
    content = source_archive("toy_trial", TRIAL)
    aws.client("s3").put_object(Bucket=bucket, Key="code/source.tar.gz", Body=content)
    return f"s3://{bucket}/code/source.tar.gz"


def ranges(low: str = "0.1", high: str = "1", scaling: str = "Auto") -> dict[str, Any]:
    return {
        "ContinuousParameterRanges": [
            {"Name": "x", "MinValue": low, "MaxValue": high, "ScalingType": scaling}
        ]
    }


def algorithm(source: str, behaviour: str = "score", **static: str) -> dict[str, Any]:
    """A training job definition."""
    return {
        **training_request(),
        "TuningObjective": {"Type": "Maximize", "MetricName": "score"},
        "HyperParameterRanges": ranges(),
        "StaticHyperParameters": {
            "behaviour": behaviour,
            "sagemaker_program": "toy_trial",
            "sagemaker_submit_directory": source,
            **static,
        },
    }


def tuning(algorithms: dict[str, Any], count: int = 4, parallel: int = 2, seed: int = 7) -> dict[str, Any]:
    """A tuning request."""
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": count, "MaxParallelTrainingJobs": parallel},
            "RandomSeed": seed,
        },
        "TrainingJobDefinitions": [{"DefinitionName": key, **value} for key, value in algorithms.items()],
    }


def run_tuning(sagemaker: Any, name: str, request: dict[str, Any]) -> dict[str, Any]:
    sagemaker.create_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **request)
    return ended(sagemaker, name)


def ended(sagemaker: Any, name: str) -> dict[str, Any]:
    def check() -> dict[str, Any] | None:
        job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return job if job["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return wait_for(check)


def trials(sagemaker: Any, name: str, **options: Any) -> list[dict[str, Any]]:
    return sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, **options
    )["TrainingJobSummaries"]


def test_the_best_trial_wins_and_every_algorithm_gets_its_share(
    sagemaker: Any, source: str, name: str
) -> None:
    job = run_tuning(sagemaker, name, tuning({"one": algorithm(source), "two": algorithm(source)}, count=4))
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    listed = trials(sagemaker, name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    values = [item["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for item in listed]
    assert values == sorted(values, reverse=True)
    assert values == [float(item["TunedHyperParameters"]["x"]) for item in listed]
    assert job["BestTrainingJob"]["TrainingJobName"] == listed[0]["TrainingJobName"]
    by_name = trials(sagemaker, name)
    assert [item["TrainingJobDefinitionName"] for item in by_name] == ["one", "two", "one", "two"]
    assert [item["TrainingJobName"][: len(name) + 4] for item in by_name] == [
        f"{name}-{i:03d}" for i in range(4)
    ]
    trial = sagemaker.describe_training_job(TrainingJobName=listed[0]["TrainingJobName"])
    assert trial["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert trial["HyperParameters"]["behaviour"] == "score"
    assert trial["HyperParameters"]["_tuning_objective_metric"] == "score"


def test_what_is_tried_depends_on_the_seed_only(sagemaker: Any, source: str, name: str) -> None:
    tried = []
    for suffix, parallel, seed in (("a", 1, 7), ("b", 3, 7), ("c", 1, 8)):
        job = f"{name}{suffix}"
        run_tuning(sagemaker, job, tuning({"one": algorithm(source)}, count=3, parallel=parallel, seed=seed))
        tried.append([item["TunedHyperParameters"] for item in trials(sagemaker, job)])
    assert tried[0] == tried[1] != tried[2]


def test_of_equal_trials_the_earlier_wins(sagemaker: Any, source: str, name: str) -> None:
    # The first trial takes longest.
    first = algorithm(source, "constant", seconds="0.7")
    job = run_tuning(sagemaker, name, tuning({"slow": first, "fast": algorithm(source, "constant")}, count=2))
    assert job["BestTrainingJob"]["TrainingJobDefinitionName"] == "slow"


def test_failed_and_silent_trials_do_not_fail_the_job(sagemaker: Any, source: str, name: str) -> None:
    algorithms = {kind: algorithm(source, kind) for kind in ("score", "fail", "silent")}
    job = run_tuning(sagemaker, name, tuning(algorithms, count=3))
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 2
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 0, "Failed": 2}
    reasons = {
        item["TrainingJobDefinitionName"]: item.get("FailureReason") for item in trials(sagemaker, name)
    }
    assert reasons["score"] is None
    assert "this trial has failed" in reasons["fail"]
    assert "no objective metric 'score'" in reasons["silent"]
    scored = trials(sagemaker, name, SortBy="FinalObjectiveMetricValue")
    assert [item["TrainingJobDefinitionName"] for item in scored] == ["score"]
    assert len(trials(sagemaker, name, StatusEquals="Failed")) == 2


@needs_proc
def test_a_trial_that_is_killed_harms_no_other_and_leaves_nothing(
    aws: Aws, sagemaker: Any, source: str, name: str
) -> None:
    leak = "4711.25"  # seconds of sleep, by which its process is known
    run_tuning(sagemaker, name, tuning({"toy": algorithm(source, "die if small", leak=leak)}, count=6))
    survived = {
        trial["TrainingJobStatus"]: float(trial["TunedHyperParameters"]["x"]) >= 0.5
        for trial in trials(sagemaker, name)
    }
    assert survived == {"Completed": True, "Failed": False}
    commands = [Path(f"/proc/{pid}/cmdline") for pid in processes_of(aws.home)]
    assert not [command for command in commands if leak.encode() in command.read_bytes()]


def test_a_job_without_a_completed_trial_has_failed(sagemaker: Any, source: str, name: str) -> None:
    job = run_tuning(sagemaker, name, tuning({"bad": algorithm(source, "fail")}, count=2))
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert "None of 2 trials completed" in job["FailureReason"]
    assert "this trial has failed" in job["FailureReason"]
    assert "BestTrainingJob" not in job


def test_stopping_a_job_ends_its_trials(sagemaker: Any, source: str, name: str) -> None:
    request = tuning({"slow": algorithm(source, seconds="600")}, count=10)
    sagemaker.create_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **request)
    wait_for(lambda: trials(sagemaker, name))
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    job = ended(sagemaker, name)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert {item["TrainingJobStatus"] for item in trials(sagemaker, name)} == {"Stopped"}
    assert len(trials(sagemaker, name)) < 10


def test_stopping_an_execution_ends_the_trials_of_its_step(sagemaker: Any, source: str, name: str) -> None:
    step = {"Name": "Tune", "Type": "Tuning", "Arguments": tuning({"one": algorithm(source, seconds="3600")})}
    create(sagemaker, name, [step])
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    record = wait_for(lambda: job_of(sagemaker, arn))
    wait_for(lambda: len(trials(sagemaker, record)) == 2)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    execution, steps = finish(sagemaker, arn)
    assert (execution["PipelineExecutionStatus"], steps["Tune"]["StepStatus"]) == ("Stopped", "Stopped")
    assert {trial["TrainingJobStatus"] for trial in trials(sagemaker, record)} == {"Stopped"}


def job_of(sagemaker: Any, arn: str) -> str:
    """The name of the tuning job of an execution's only step; empty while there is none."""
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    named = steps[0]["Metadata"].get("TuningJob", {}).get("Arn", "") if steps else ""
    return named.rpartition("/")[2]


def test_pages_of_trials(sagemaker: Any, source: str, name: str) -> None:
    run_tuning(sagemaker, name, tuning({"one": algorithm(source)}, count=3))
    paginator = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    pages = paginator.paginate(HyperParameterTuningJobName=name, PaginationConfig={"PageSize": 2})
    assert [len(page["TrainingJobSummaries"]) for page in pages] == [2, 1]


def test_a_tuning_step_knows_its_winner(sagemaker: Any, source: str, name: str) -> None:
    tune = {
        "Name": "TuningWithCrossValidation",
        "Type": "Tuning",
        "Arguments": tuning({"one": algorithm(source)}),
    }
    best, first = (
        get(f"Steps.TuningWithCrossValidation.{path}.TrainingJobName")
        for path in ("BestTrainingJob", "TrainingJobSummaries[0]")
    )
    execution, steps = run_steps(sagemaker, name, [tune, condition("Same", [compare("Equals", best, first)])])
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    assert steps["Same"]["Metadata"]["Condition"]["Outcome"] == "True"
    job = steps["TuningWithCrossValidation"]["Metadata"]["TuningJob"]["Arn"].rsplit("/", 1)[-1]
    assert len(job) <= 32


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"Strategy": "Hyperband"}, "strategy Hyperband"),
        ({"TrainingJobEarlyStoppingType": "Auto"}, "EarlyStopping"),
    ],
)
def test_other_strategies_are_refused(
    sagemaker: Any, source: str, name: str, change: dict[str, str], complaint: str
) -> None:
    request = tuning({"one": algorithm(source)})
    request["HyperParameterTuningJobConfig"].update(change)
    with pytest.raises(ClientError, match=complaint):
        sagemaker.create_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **request)


@pytest.mark.parametrize(
    ("resources", "complaint"),
    [
        (
            {
                "HyperParameterTuningResourceConfig": {
                    "InstanceConfigs": [
                        {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
                    ]
                }
            },
            "InstanceConfigs of a HyperParameterTuningResourceConfig",
        ),
        (
            {
                "ResourceConfig": {
                    "InstanceGroups": [
                        {"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "one"}
                    ]
                }
            },
            "instance groups",
        ),
    ],
)
def test_instances_that_are_not_emulated_are_refused_by_name(
    sagemaker: Any, source: str, name: str, resources: dict[str, Any], complaint: str
) -> None:
    trial = algorithm(source)
    del trial["ResourceConfig"]
    with pytest.raises(ClientError, match=f"does not emulate {complaint}"):
        sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name, **tuning({"one": trial | resources})
        )


def categories(request: dict[str, Any], **values: list[str]) -> dict[str, Any]:
    """Let every algorithm of a request be tried on lists of values."""
    items = [{"Name": key, "Values": value} for key, value in values.items()]
    for definition in request["TrainingJobDefinitions"]:
        definition["HyperParameterRanges"] = {"CategoricalParameterRanges": items}
    return request


def test_grid_tries_every_combination_once(sagemaker: Any, source: str, name: str) -> None:
    request = categories(tuning({"one": algorithm(source)}), x=["0.1", "0.9"], color=["red", "blue"])
    configuration = request["HyperParameterTuningJobConfig"]
    configuration["Strategy"] = "Grid"
    del configuration["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    job = run_tuning(sagemaker, name, request)
    tried = {tuple(sorted(item["TunedHyperParameters"].items())) for item in trials(sagemaker, name)}
    assert len(tried) == 4 == job["TrainingJobStatusCounters"]["Completed"]
    assert job["BestTrainingJob"]["TunedHyperParameters"]["x"] == "0.9"
    (listed,) = sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)[
        "HyperParameterTuningJobSummaries"
    ]
    assert (listed["Strategy"], listed["ObjectiveStatusCounters"]["Succeeded"]) == ("Grid", 4)


@pytest.mark.parametrize(
    ("strategy", "count", "complaint"),
    [("Grid", 4, "only CategoricalParameterRanges"), ("Random", None, "needs MaxNumberOfTrainingJobs")],
)
def test_strategies_take_what_they_take_on_aws(
    sagemaker: Any, source: str, name: str, strategy: str, count: int | None, complaint: str
) -> None:
    request = tuning({"one": algorithm(source)})
    configuration = request["HyperParameterTuningJobConfig"]
    configuration["Strategy"] = strategy
    if count is None:
        del configuration["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    with pytest.raises(ClientError, match=complaint):
        sagemaker.create_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **request)


def test_an_account_has_quotas_for_tuning(sagemaker: Any, source: str, name: str) -> None:
    many = categories(tuning({"one": algorithm(source)}), **{f"y{number}": ["0"] for number in range(30)})
    many["TrainingJobDefinitions"][0]["HyperParameterRanges"] |= ranges()
    for request, complaint in (
        (tuning({"one": algorithm(source)}, count=751), "'Number of training jobs per .*' is 750, .* 751"),
        (tuning({"one": algorithm(source)}, count=20, parallel=11), "parallel training jobs per .*' is 10,"),
        (many, "hyperparameters to search per .*' is 30,"),
    ):
        with pytest.raises(ClientError, match=f"ResourceLimitExceeded.*{complaint}"):
            sagemaker.create_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **request)


def test_all_definitions_share_the_most_variables(sagemaker: Any, source: str, name: str) -> None:
    request = tuning({"one": algorithm(source), "two": algorithm(source)})
    for definition in request["TrainingJobDefinitions"]:
        definition["Environment"] = {f"K{number}": "v" for number in range(25)}
    with pytest.raises(ClientError, match="50 environment variables together; at most 48"):
        sagemaker.create_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **request)


def test_a_grids_count_is_that_of_its_combinations(sagemaker: Any, source: str, name: str) -> None:
    request = categories(tuning({"one": algorithm(source)}, count=3), x=["0.1", "0.9"])
    request["HyperParameterTuningJobConfig"]["Strategy"] = "Grid"
    with pytest.raises(ClientError, match="combinations, 2"):
        sagemaker.create_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **request)


def test_bayesian_trials_are_the_same_with_the_same_seed(sagemaker: Any, source: str, name: str) -> None:
    tried = []
    for suffix, delay in (("a", "0"), ("b", "0.2")):
        # The second algorithm fails; in the second job the first one is slow.
        algorithms = {"one": algorithm(source, seconds=delay), "two": algorithm(source, "fail if small")}
        request = tuning(algorithms, count=6, parallel=3)
        request["HyperParameterTuningJobConfig"]["Strategy"] = "Bayesian"
        run_tuning(sagemaker, name + suffix, request)
        tried.append([item["TunedHyperParameters"] for item in trials(sagemaker, name + suffix)])
    assert len(tried[0]) == 6
    assert tried[0] == tried[1]


MIXED = {
    "ContinuousParameterRanges": [
        {"Name": "rate", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic"},
        {"Name": "momentum", "MinValue": "0.5", "MaxValue": "0.9999", "ScalingType": "ReverseLogarithmic"},
        {"Name": "share", "MinValue": "-1", "MaxValue": "1", "ScalingType": "Linear"},
    ],
    "IntegerParameterRanges": [
        {"Name": "depth", "MinValue": "1", "MaxValue": "64", "ScalingType": "Logarithmic"},
        {"Name": "leaves", "MinValue": "-2", "MaxValue": "30"},
    ],
    "CategoricalParameterRanges": [{"Name": "color", "Values": ["red", "blue", "green"]}],
}


@pytest.mark.parametrize("objective", ["Maximize", "Minimize"])
def test_bayesian_learns_from_its_past_over_every_kind_of_range(objective: str) -> None:
    definition = {
        "HyperParameterRanges": MIXED,
        "TuningObjective": {"Type": objective, "MetricName": "score"},
    }
    search = Search("Bayesian", [definition], seed=3, count=60)
    sign = 1 if objective == "Maximize" else -1
    past: list[tuple[dict[str, str], float | None]] = []
    for index in range(60):
        values = search.propose(index, past)
        assert 0.0001 <= float(values["rate"]) <= 1
        assert 0.5 <= float(values["momentum"]) <= 0.9999
        assert -1 <= float(values["share"]) <= 1
        assert 1 <= int(values["depth"]) <= 64
        assert -2 <= int(values["leaves"]) <= 30
        score = sign * (float(values["share"]) + (values["color"] == "red"))
        past.append((values, None if index % 10 == 0 else score))
    assert search.propose(60, past) == search.propose(60, past)
    early, late = ([values["color"] for values, _ in past[start : start + 20]] for start in (0, 40))
    assert late.count("red") > early.count("red")
    shares = [float(values["share"]) for values, _ in past]
    assert statistics.mean(shares[40:]) > statistics.mean(shares[:20])


def test_after_five_failures_and_no_success_the_job_gives_up(sagemaker: Any, source: str, name: str) -> None:
    job = run_tuning(sagemaker, name, tuning({"bad": algorithm(source, "fail")}, count=12, parallel=2))
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after 5 attempts.")
    assert 5 <= job["TrainingJobStatusCounters"]["NonRetryableError"] <= 6


def test_a_single_definition_has_its_ranges_in_the_configuration(
    sagemaker: Any, source: str, name: str
) -> None:
    request = tuning({"one": algorithm(source)}, count=1)
    (single,) = request.pop("TrainingJobDefinitions")
    configuration = request["HyperParameterTuningJobConfig"]
    configuration["ParameterRanges"] = single.pop("HyperParameterRanges")
    configuration["HyperParameterTuningJobObjective"] = single.pop("TuningObjective")
    job = run_tuning(sagemaker, name, {**request, "TrainingJobDefinition": single})
    assert job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "score"


def drawn(item: dict[str, Any], kind: str) -> list[str]:
    return [sample({kind: [{"Name": "x", **item}]}, 1, trial)["x"] for trial in range(400)]


def test_integers_are_uniform_and_reach_both_ends() -> None:
    values = drawn({"MinValue": "1", "MaxValue": "4"}, "IntegerParameterRanges")
    assert set(values) == {"1", "2", "3", "4"}
    assert min(values.count(value) for value in set(values)) > 70


@pytest.mark.parametrize(
    ("scaling", "low", "high", "median"),
    [
        ("Auto", 0.0, 10.0, 5.0),
        ("Linear", 0.0, 10.0, 5.0),
        ("Logarithmic", 0.001, 10.0, 0.1),
        ("ReverseLogarithmic", 0.0, 0.9999, 0.99),
    ],
)
def test_scaling(scaling: str, low: float, high: float, median: float) -> None:
    item = {"MinValue": str(low), "MaxValue": str(high), "ScalingType": scaling}
    values = [float(value) for value in drawn(item, "ContinuousParameterRanges")]
    assert low <= min(values)
    assert max(values) <= high
    measured = statistics.median(values)
    if scaling == "ReverseLogarithmic":
        measured, median = 1 - measured, 1 - median
    assert math.isclose(measured, median, rel_tol=0.5)


def test_categories_are_all_tried() -> None:
    assert set(drawn({"Values": ["a", "b"]}, "CategoricalParameterRanges")) == {"a", "b"}


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (ranges("1", "1"), "less than MaxValue"),
        (ranges("one", "2"), "must be numbers"),
        (ranges("0", "1", "Logarithmic"), "greater than 0"),
        (ranges("0", "1", "ReverseLogarithmic"), r"\[0, 1\)"),
        ({}, "at least one"),
        ({**ranges(), "CategoricalParameterRanges": [{"Name": "x", "Values": ["a"]}]}, "More than one range"),
        ({"IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "2.5"}]}, "integers"),
    ],
)
def test_ranges_that_aws_refuses(bad: dict[str, Any], complaint: str) -> None:
    with pytest.raises(AwsError, match=complaint):
        check_ranges(bad)
