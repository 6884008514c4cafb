"""The definition that SageMaker gets: deterministic, complete, with every parameter given a default."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters
from support import ROOT
from support.helpers.shared import INSTANCES, Compiled, Connected, compile_pipeline, settings
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.metrics import METRICS, SCORERS
from tabular.spec.search import Plan
from tabular.spec.trial import METRICS as TRIAL_METRICS

from contract.seeds import tuner_seed
from helpers.errors import BadInput
from helpers.session import Session

DEFAULTS = {
    "DatasetName": "breast-cancer",
    "TargetColumn": "diagnosis",
    "StratifySplit": "true",
    "TestSetSize": 0.2,
    "RandomState": 42,
    "CrossValidationScorer": "neg_log_loss",
    "CrossValidationFolds": 5,
    "Search": "jobs",
    "SearchSeconds": 0,
    "Ensemble": "true",
    "FleetInstances": 1,
    "SearchRows": 0,
    "MaxTuningJobs": 24,
    "MaxTuningParallelJobs": 2,
    "TunerSeed": tuner_seed("breast-cancer", 42),
    "MetricForRegistrationThreshold": "auc",
    "MinThresholdForRegisterMetric": 0.9,
    "ChampionMargin": 0.05,
    "ChampionConfidence": 0.95,
    "RegisterModelApprovalStatus": "PendingManualApproval",
    **INSTANCES,
}
TABLE = {"DatasetName": "wine", "InputDataUri": "s3://bucket/raw", "TargetColumn": "cultivar", **INSTANCES}


@pytest.fixture
def definition(compiled: Compiled) -> dict[str, Any]:
    return json.loads(compiled.definition)


@pytest.fixture(scope="module")
def regression(connected: Connected) -> Compiled:
    """The pipeline of the regression family."""
    with settings(connected.settings):
        return compile_pipeline(connected.session, "regression")


@pytest.fixture
def steps(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["Name"]: step for step in definition["Steps"]}


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes(compiled: Compiled, compiled_elsewhere: list[str]) -> None:
    """In another process, with another hash seed, whatever settings the user has for the SDK."""
    assert compiled_elsewhere[0] == compiled.definition


def test_it_holds_no_moment_and_no_path_of_this_machine(compiled: Compiled) -> None:
    version = json.loads(compiled.definition)["Version"]  # of the schema, which is a date
    moments = re.findall(r"20\d\d-\d\d-\d\d|\b1[6-9]\d{8}\b", compiled.definition)
    assert moments == [version]
    assert str(Path.home()) not in compiled.definition
    assert "127.0.0.1" not in compiled.definition


def test_every_parameter_has_a_default(definition: dict[str, Any]) -> None:
    found = {parameter["Name"]: parameter["DefaultValue"] for parameter in definition["Parameters"]}
    uri = found.pop("InputDataUri")
    assert found == DEFAULTS
    assert re.fullmatch(r"s3://[^/]+/raw/breast-cancer/[0-9a-f]{64}/", uri)


def test_the_defaults_of_the_other_family_fit_it(regression: Compiled) -> None:
    found = {each["Name"]: each["DefaultValue"] for each in json.loads(regression.definition)["Parameters"]}
    assert found["DatasetName"] == "diabetes"
    assert found["CrossValidationScorer"] in SCORERS["regression"]
    assert found["MetricForRegistrationThreshold"] in METRICS["regression"]


def test_parameters_of_few_values_take_no_other(definition: dict[str, Any]) -> None:
    allowed = {p["Name"]: p["EnumValues"] for p in definition["Parameters"] if "EnumValues" in p}
    assert allowed["StratifySplit"] == ["true", "false"]
    assert allowed["RegisterModelApprovalStatus"] == ["PendingManualApproval"]


def test_the_table_of_parameters_shows_name_type_meaning_and_default(compiled: Compiled) -> None:
    table = compiled.parameters.table()
    assert table.loc["TestSetSize"].tolist() == ["Float", "the fraction of rows that are held out", "0.2"]
    assert table.loc["DatasetName", "default"] == "breast-cancer"
    assert len(table) == len(DEFAULTS) + 1


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(
    ("defaults", "named"),
    [(TABLE | {"DatasetNam": "x"}, "DatasetNam"), ({"DatasetName": "wine"}, "EvaluationInstance, Input")],
    ids=["unknown", "missing"],
)
def test_a_default_too_many_or_too_few_is_refused(defaults: dict[str, str], named: str) -> None:
    from helpers import pipeline

    with pytest.raises(BadInput, match=rf"^{named}.*each parameter of the pipeline needs a default"):
        pipeline.Parameters.with_defaults(defaults)


def test_the_steps_stand_in_order_and_the_last_are_the_gate(definition: dict[str, Any]) -> None:
    assert [(step["Name"], step["Type"]) for step in definition["Steps"]] == [
        ("PreprocessData", "Processing"),
        ("TuningWithCrossValidation", "Tuning"),
        ("RefitBestModel", "Training"),
        ("EvaluateBestModel", "Processing"),
        ("ThresholdConditionCheck", "Condition"),
        ("RegisterConditionCheck", "Condition"),
    ]


def test_the_evaluation_is_never_cached_and_all_before_it_is(steps: dict[str, dict[str, Any]]) -> None:
    assert "CacheConfig" not in steps["EvaluateBestModel"]
    for name in ("PreprocessData", "TuningWithCrossValidation", "RefitBestModel"):
        assert steps[name]["CacheConfig"] == {"Enabled": True, "ExpireAfter": "P30D"}


def jobs(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The arguments of every step that runs a job."""
    kinds = ("Processing", "Tuning", "Training")
    return {step["Name"]: step["Arguments"] for step in definition["Steps"] if step["Type"] in kinds}


def test_every_step_that_calls_sagemaker_is_tried_again(steps: dict[str, dict[str, Any]]) -> None:
    (register,) = steps["RegisterConditionCheck"]["Arguments"]["IfSteps"]
    requests = {"Step.THROTTLING", "Step.SERVICE_FAULT"}
    running = {"SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT", "SageMaker.JOB_INTERNAL_ERROR"}
    for step in [*steps.values(), register]:
        policies = step.get("RetryPolicies", [])
        covered = [kind for policy in policies for kind in policy["ExceptionType"]]
        expected = {"Condition": set(), "RegisterModel": requests}.get(step["Type"], requests | running)
        assert sorted(covered) == sorted(expected), step["Name"]
    for trial in steps["TuningWithCrossValidation"]["Arguments"]["TrainingJobDefinitions"]:
        assert trial["RetryStrategy"] == {"MaximumRetryAttempts": 2}


def test_every_job_has_the_tag_that_the_budget_counts_by(definition: dict[str, Any]) -> None:
    for arguments in jobs(definition).values():
        assert {"Key": "Pipeline", "Value": "many-models"} in arguments["Tags"]
    assert "user:Pipeline$%s" in (ROOT / "terraform/alarms.tf").read_text()


def test_trials_are_asked_for_in_the_same_words_in_every_execution(definition: dict[str, Any]) -> None:
    """Otherwise, the step cache would never find them."""
    assert "Execution." not in json.dumps(jobs(definition)["TuningWithCrossValidation"])


def test_no_experiment_is_created_for_an_execution(definition: dict[str, Any]) -> None:
    assert definition["PipelineExperimentConfig"] is None


def test_a_packed_search_is_one_job_that_gets_the_whole_plan(packed: Compiled) -> None:
    steps = json.loads(packed.definition)["Steps"]
    assert [step["Name"] for step in steps[:3]] == ["PreprocessData", "SearchAndRefit", "EvaluateBestModel"]
    search = steps[1]
    assert (search["Type"], search["CacheConfig"]["Enabled"]) == ("Training", True)
    arguments = search["Arguments"]
    given = arguments["HyperParameters"]
    literal = {name: value for name, value in given.items() if isinstance(value, str)}
    plan = Plan.from_hyperparameters(
        literal | {name: "2" for name in given if name not in literal} | {"ensemble": "true"}
    )
    assert plan.names == tuple(ALGORITHMS)
    assert plan.models_map_uri.endswith("/deployments/models-map.json")
    referred = {name: re.findall(r"Parameters\.(\w+)", json.dumps(value)) for name, value in given.items()}
    assert {name: found[0] for name, found in referred.items() if found} == {
        "trials": "MaxTuningJobs",
        "scorer": "CrossValidationScorer",
        "folds": "CrossValidationFolds",
        "random_state": "RandomState",
        "seconds": "SearchSeconds",
        "search_rows": "SearchRows",
        "ensemble": "Ensemble",
        "group": "DatasetName",
    }
    assert arguments["ResourceConfig"]["InstanceCount"] == {"Get": "Parameters.FleetInstances"}
    (channel,) = arguments["InputDataConfig"]
    assert channel["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "ShardedByS3Key"
    named = {each["Name"] for each in arguments["AlgorithmSpecification"]["MetricDefinitions"]}
    assert named == set(TRIAL_METRICS)
    assert "CheckpointConfig" not in arguments
    assert arguments["StoppingCondition"] == {"MaxRuntimeInSeconds": 43200}
    others = {p["Name"] for p in json.loads(packed.definition)["Parameters"]}
    assert others == {*DEFAULTS, "InputDataUri"}, "whoever starts one need not know which way it searches"


def test_an_interrupted_search_on_spot_capacity_goes_on_from_a_checkpoint_of_its_execution(
    connected: Connected, packed: Compiled
) -> None:
    from helpers import pipeline

    with settings(connected.settings):
        compiler = pipeline.Compiler(connected.session, packed.compiler.sources, use_spot=True)
        steps = pipeline.steps(compiler, packed.parameters)
        arguments = jobs(json.loads(pipeline.definition(compiler, packed.parameters, steps)))
    search = arguments["SearchAndRefit"]
    limits = {"MaxRuntimeInSeconds": 43200, "MaxWaitTimeInSeconds": 46800}
    assert (search["EnableManagedSpotTraining"], search["StoppingCondition"]) == (True, limits)
    config = search["CheckpointConfig"]
    *folder, execution = config["S3Uri"]["Std:Join"]["Values"]
    assert folder[-2:] == ["SearchAndRefit", "checkpoints"]
    assert execution == {"Get": "Execution.PipelineExecutionId"}
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("CheckpointConfig")
    validate_parameters(config | {"S3Uri": "s3://bucket/key"}, shape)


def test_an_algorithm_that_is_left_out_does_not_compete(connected: Connected, packed: Compiled) -> None:
    from helpers import pipeline

    fewer = {name: each for name, each in ALGORITHMS.items() if name != "NaiveBayes"}
    with settings(connected.settings):
        compiler = pipeline.Compiler(connected.session, packed.compiler.sources, algorithms=fewer)
        steps = pipeline.steps(compiler, packed.parameters)
        arguments = jobs(json.loads(pipeline.definition(compiler, packed.parameters, steps)))
    assert arguments["SearchAndRefit"]["HyperParameters"]["algorithms"].split(",") == list(fewer)


def test_jobs_run_on_spot_capacity_if_asked_for(connected: Connected, compiled: Compiled) -> None:
    from helpers import pipeline

    with settings(connected.settings):
        compiler = pipeline.Compiler(connected.session, compiled.compiler.sources, use_spot=True)
        steps = pipeline.steps(compiler, compiled.parameters)
        arguments = jobs(json.loads(pipeline.definition(compiler, compiled.parameters, steps)))
    limits = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    trials = arguments["TuningWithCrossValidation"]["TrainingJobDefinitions"]
    for training in [*trials, arguments["RefitBestModel"]]:
        assert (training["EnableManagedSpotTraining"], training["StoppingCondition"]) == (True, limits)
    assert "Spot" not in compiled.definition


def compared(step: dict[str, Any]) -> list[tuple[str, str, float]]:
    return [
        (each["Type"], each["LeftValue"]["Std:JsonGet"]["Path"], each["RightValue"])
        for each in step["Arguments"]["Conditions"]
    ]


def branches(step: dict[str, Any]) -> list[list[tuple[str, str]]]:
    return [
        [(each["Name"], each["Type"]) for each in step["Arguments"][branch]]
        for branch in ("IfSteps", "ElseSteps")
    ]


def test_a_model_below_the_threshold_fails_the_execution(steps: dict[str, dict[str, Any]]) -> None:
    check = steps["ThresholdConditionCheck"]
    assert compared(check) == [("GreaterThanOrEqualTo", "gate.threshold_margin", 0.0)]
    assert branches(check) == [[], [("RegisterFailed", "Fail")]]


def test_two_conditions_stand_between_a_model_and_the_registry(steps: dict[str, dict[str, Any]]) -> None:
    """Both in one step, because Pipelines has no condition steps inside or after others."""
    check = steps["RegisterConditionCheck"]
    assert compared(check) == [
        ("GreaterThanOrEqualTo", "gate.threshold_margin", 0.0),
        ("GreaterThanOrEqualTo", "gate.champion_margin", 0.0),
    ]
    assert branches(check) == [[("RegisterBestModel", "RegisterModel")], []]


def test_the_package_awaits_approval_in_the_group_of_its_data_set(steps: dict[str, dict[str, Any]]) -> None:
    (register,) = steps["RegisterConditionCheck"]["Arguments"]["IfSteps"]
    arguments = register["Arguments"]
    assert arguments["ModelPackageGroupName"] == {
        "Std:Join": {"On": "", "Values": ["many-models--", {"Get": "Parameters.DatasetName"}]}
    }
    assert arguments["ModelApprovalStatus"] == {"Get": "Parameters.RegisterModelApprovalStatus"}
    assert len(arguments["CustomerMetadataProperties"]) <= 50
    card = arguments["ModelCard"]["ModelCardContent"]["Std:JsonGet"]
    assert (card["PropertyFile"], card["Path"]) == (
        {"Get": "Steps.EvaluateBestModel.PropertyFiles.ModelCard"},
        "content",
    )


@pytest.mark.parametrize("family", ["classification", "regression"])
def test_every_algorithm_competes_over_the_ranges_of_its_family(
    compiled: Compiled, regression: Compiled, family: str
) -> None:
    made = {"classification": compiled, "regression": regression}[family]
    tuning = json.loads(made.definition)["Steps"][1]["Arguments"]
    competing = {each["DefinitionName"]: each for each in tuning["TrainingJobDefinitions"]}
    assert list(competing) == list(ALGORITHMS)
    for name, algorithm in ALGORITHMS.items():
        tuned = {
            entry["Name"] for entries in competing[name]["HyperParameterRanges"].values() for entry in entries
        }
        assert tuned == set(algorithm.estimators[family].hyperparameters)
        static = competing[name]["StaticHyperParameters"]
        assert not tuned & set(static)
        assert static["algorithm"] == name


def test_the_regression_family_has_a_pipeline_of_its_own(
    session: Session, regression: Compiled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from helpers import pipeline

    path = tmp_path / "deep/definition-regression.json"
    pipeline.publish(
        regression.compiler, regression.definition, "ana", str(tmp_path / "deep/definition.json")
    )
    assert capsys.readouterr().out.splitlines() == [
        f"Definition of many-models-regression-ana written to {path}.",
        "Created the pipeline many-models-regression-ana.",
    ]
    assert path.read_text() == regression.definition
    assert list(path.parent.iterdir()) == [path]
    pipelines = session.client("sagemaker").list_pipelines(PipelineNamePrefix="many-models-regression")
    assert [each["PipelineName"] for each in pipelines["PipelineSummaries"]] == ["many-models-regression-ana"]
    arguments = json.loads(regression.definition)["Steps"][0]["Arguments"]["AppSpecification"]
    assert arguments["ContainerArguments"][2:4] == ["--family", "regression"]


def test_a_pipeline_is_created_kept_updated_and_created_again(
    session: Session, compiled: Compiled, capsys: pytest.CaptureFixture[str]
) -> None:
    from helpers import pipeline

    changed = compiled.definition.replace("many-models--", "many-models--x")
    for definition in (compiled.definition, compiled.definition, changed):
        pipeline.publish(compiled.compiler, definition, "ben")
    sagemaker = session.client("sagemaker")
    assert sagemaker.describe_pipeline(PipelineName="many-models-ben")["PipelineDefinition"] == changed
    sagemaker.delete_pipeline(PipelineName="many-models-ben")
    pipeline.publish(compiled.compiler, compiled.definition, "ben")
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        *("Created", "The", "Updated", "Created")
    ]


def test_on_aws_the_pipeline_of_terraform_is_not_touched(
    session: Session, compiled: Compiled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from helpers import pipeline

    elsewhere = dataclasses.replace(session, environment="aws", pipeline_name="theirs")
    compiler = pipeline.Compiler(elsewhere, compiled.compiler.sources)
    pipeline.publish(compiler, compiled.definition, definition_file=str(tmp_path / "definition.json"))
    assert (tmp_path / "definition.json").is_file()
    assert "Terraform owns theirs: give it the definition file, or set DEVELOPER" in capsys.readouterr().out
    with pytest.raises(session.client("sagemaker").exceptions.ResourceNotFound):
        session.client("sagemaker").describe_pipeline(PipelineName="theirs")
