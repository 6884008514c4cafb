"""Which jobs a definition runs, also one of another project's pipeline."""

import json
from typing import Any

import pytest
from support import ROOT
from support.helpers.shared import FOR_FORECAST, Compiled

from helpers.cost.forecast import jobs
from helpers.cost.forecast.jobs import Step, of_definition

OLDER = (ROOT / "tests/support/local_aws/projects/older/definition.json").read_text()


def definition(*steps: dict[str, Any], **defaults: Any) -> str:
    parameters = [{"Name": name, "Type": "String", "DefaultValue": value} for name, value in defaults.items()]
    return json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)})


def processing(name: str, instance: Any = "ml.m5.large", **more: Any) -> dict[str, Any]:
    cluster = {"InstanceType": instance, "InstanceCount": 2, "VolumeSizeInGB": 50}
    arguments = {"ProcessingResources": {"ClusterConfig": cluster}}
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}


def test_what_is_known_before_the_definition_is_compiled_is_what_it_says(
    compiled: Compiled, packed: Compiled
) -> None:
    found, unknown = of_definition(compiled.definition)
    assert (found, unknown) == (jobs.own(FOR_FORECAST), {})
    found, unknown = of_definition(packed.definition)
    assert (found, unknown) == (jobs.own(FOR_FORECAST | {"SEARCH": "packed"}), {})
    assert [step.jobs for step in found] == [1, 1, 1]


def test_a_packed_search_runs_its_trials_in_one_job_for_as_long_as_it_may(packed: Compiled) -> None:
    given = {"MaxTuningJobs": 7, "SearchSeconds": 300}
    steps = {step.name: step for step in of_definition(packed.definition, given)[0]}
    search = steps["SearchAndRefit"]
    assert (search.packed, search.trials, search.budget_seconds) == (7, False, 300)
    assert (
        search
        == jobs.own(FOR_FORECAST | {"SEARCH": "packed", "MAX_TUNING_JOBS": 7, "SEARCH_SECONDS": 300})[1]
    )


def test_the_parameters_of_an_execution_replace_the_defaults(compiled: Compiled) -> None:
    given = {"MaxTuningJobs": 7, "MaxTuningParallelJobs": 50, "TrainingInstance": "ml.c5.xlarge"}
    steps = {step.name: step for step in of_definition(compiled.definition, given)[0]}
    tuning = steps["TuningWithCrossValidation"]
    assert (tuning.jobs, tuning.parallel, tuning.types) == (7, 7, ("ml.c5.xlarge",))
    assert steps["EvaluateBestModel"].types == ("ml.t3.medium",)


def test_the_steps_of_another_project_are_read_from_its_definition() -> None:
    steps, unknown = of_definition(OLDER, {"Trials": 6})
    assert unknown == {}
    split, tune, evaluate = steps
    assert (split.kind, split.types, split.after) == ("processing", ("ml.m5.large",), ())
    assert (tune.kind, tune.jobs, tune.parallel, tune.trials, tune.limit_seconds) == (
        *("training", 6, 2, True),
        600,
    )
    assert evaluate.after == ("Split", "Tune")


def test_steps_inside_a_condition_may_not_run_and_wait_for_what_it_waits_for() -> None:
    check = {
        "Name": "Check",
        "Type": "Condition",
        "DependsOn": ["First"],
        "Arguments": {"Conditions": [], "IfSteps": [processing("Second")], "ElseSteps": []},
    }
    first, second = of_definition(definition(processing("First"), check))[0]
    assert (first.instances, first.volume_gb, first.optional) == (2, 50, False)
    assert (second.optional, second.after) == (True, ("First",))


@pytest.mark.parametrize(
    "step",
    [
        {"Name": "Spark", "Type": "EMR", "Arguments": {"ClusterId": "j-1"}},
        processing("Later", {"Get": "Steps.First.ProcessingJobName"}),
        processing("Nowhere", {"Get": "Parameters.Missing"}),
    ],
    ids=lambda step: step["Name"],
)
def test_a_step_whose_jobs_are_not_known_beforehand_is_named(step: dict[str, Any]) -> None:
    steps, unknown = of_definition(definition(processing("First"), step))
    assert [found.name for found in steps] == ["First"]
    assert list(unknown) == [step["Name"]]


def test_a_step_that_runs_no_instance_is_no_job() -> None:
    free = [{"Name": kind, "Type": kind, "Arguments": {}} for kind in ("Fail", "Model", "Lambda")]
    assert of_definition(definition(*free)) == ((), {})


def test_spot_capacity_and_alternative_instances_are_read() -> None:
    trial = {
        "HyperParameterTuningResourceConfig": {
            "InstanceConfigs": [
                {"InstanceType": name, "InstanceCount": 1, "VolumeSizeInGB": 30}
                for name in ("ml.m5.large", "ml.m5.xlarge")
            ]
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "EnableManagedSpotTraining": True,
    }
    limits = {"MaxNumberOfTrainingJobs": {"Get": "Parameters.Trials"}, "MaxParallelTrainingJobs": 3}
    arguments = {
        "HyperParameterTuningJobConfig": {"ResourceLimits": limits},
        "TrainingJobDefinition": trial,
    }
    (tune,), _ = of_definition(
        definition({"Name": "Tune", "Type": "Tuning", "Arguments": arguments}, Trials="9")
    )
    assert tune == Step(
        *("Tune", "training", ("ml.m5.large", "ml.m5.xlarge")),
        **{"jobs": 9, "parallel": 3, "spot": True, "limit_seconds": 60, "trials": True},
    )
