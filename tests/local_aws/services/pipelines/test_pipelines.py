"""Pipelines: what is accepted, how parameters are typed, how steps run."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from support.local_aws.aws import Aws, wait_for
from support.local_aws.pipeline import (
    ROLE,
    Step,
    channel,
    compare,
    condition,
    create,
    definition,
    fail,
    finish,
    get,
    join,
    processing,
    register,
    run,
    run_steps,
    training,
)

PREPARE = "open(base + '/processing/train/rows.csv', 'w').write('1,2')"
FIT = "import shutil; shutil.copy(base + '/input/data/train/rows.csv', base + '/model/model.txt')"
REPORT = "json.dump({'gate': {'margins': [0.25]}}, open(base + '/processing/report/report.json', 'w'))"


@pytest.fixture
def sagemaker(aws: Aws) -> Any:
    return aws.client("sagemaker")


def whole_pipeline(group: str) -> list[dict[str, Any]]:
    train = get("Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri")
    model = get("Steps.Fit.ModelArtifacts.S3ModelArtifacts")
    report = {"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}
    margin = {
        "Std:JsonGet": {"PropertyFile": get("Steps.Evaluate.PropertyFiles.Report"), "Path": "gate.margins[0]"}
    }
    return [
        processing(
            "Prepare", PREPARE, outputs=["train"], CacheConfig={"Enabled": True, "ExpireAfter": "P1D"}
        ),
        training("Fit", FIT, InputDataConfig=[channel("train", train)]),
        processing("Evaluate", REPORT, {"model": model}, ["report"], PropertyFiles=[report]),
        condition(
            "IsGood",
            [
                compare("GreaterThanOrEqualTo", margin, get("Parameters.Threshold")),
                compare("GreaterThan", margin, -1),
            ],
            [register("Register", group, model)],
            [fail("NotGood", {"Std:Join": {"On": " ", "Values": ["margin", margin, "is too low"]}})],
        ),
    ]


THRESHOLD = [{"Name": "Threshold", "Type": "Float", "DefaultValue": 0.0}]


def test_a_whole_definition_runs_and_registers(aws: Aws, sagemaker: Any, bucket: str, name: str) -> None:
    create(sagemaker, name, whole_pipeline(f"{name}--data"), THRESHOLD)
    execution, steps = run(sagemaker, name)
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert {step["StepStatus"] for step in steps.values()} == {"Succeeded"}
    assert set(steps) == {"Prepare", "Fit", "Evaluate", "IsGood", "Register"}
    assert steps["IsGood"]["Metadata"]["Condition"]["Outcome"] == "True"
    arn = steps["Register"]["Metadata"]["RegisterModel"]["Arn"]
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert package["ModelPackageVersion"] == 1
    job = steps["Fit"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[-1]
    fit = sagemaker.describe_training_job(TrainingJobName=job)
    url = fit["ModelArtifacts"]["S3ModelArtifacts"]
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == url
    aws.client("s3").head_object(Bucket=bucket, Key=url.removeprefix(f"s3://{bucket}/"))


def test_a_fail_step_fails_the_execution_with_its_message(sagemaker: Any, bucket: str, name: str) -> None:
    create(sagemaker, name, whole_pipeline(f"{name}--data"), THRESHOLD)
    execution, steps = run(sagemaker, name, Threshold="0.5")
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Step failure: NotGood: margin 0.25 is too low"
    assert steps["NotGood"]["Metadata"]["Fail"]["ErrorMessage"] == "margin 0.25 is too low"
    assert "Register" not in steps


def test_a_cached_step_is_taken_over(sagemaker: Any, bucket: str, name: str) -> None:
    create(sagemaker, name, whole_pipeline(f"{name}--data"), THRESHOLD)
    first, first_steps = run(sagemaker, name)
    second, second_steps = run(sagemaker, name)
    assert second["PipelineExecutionStatus"] == "Succeeded"
    hit = second_steps["Prepare"]["CacheHitResult"]
    assert hit["SourcePipelineExecutionArn"] == first["PipelineExecutionArn"]
    assert second_steps["Prepare"]["Metadata"] == first_steps["Prepare"]["Metadata"]
    assert "CacheHitResult" not in second_steps["Fit"]
    assert second_steps["Fit"]["Metadata"] != first_steps["Fit"]["Metadata"]


def test_jobs_are_named_as_pipelines_names_them(sagemaker: Any, bucket: str, name: str) -> None:
    execution, steps = run_steps(sagemaker, name, [processing("A_step_with-a-long-name-" + "x" * 40, "pass")])
    ((_, step),) = steps.items()
    job = step["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[-1]
    identifier = execution["PipelineExecutionArn"].rsplit("/", 1)[-1]
    assert re.fullmatch(rf"pipelines-{identifier}-A-step-with-a-long-name-x+-[A-Za-z0-9]{{10}}", job)
    assert len(job) <= 63


def test_the_resolved_request_of_every_step_is_kept(aws: Aws, sagemaker: Any, bucket: str, name: str) -> None:
    execution, _ = run_steps(sagemaker, name, [processing("Prepare", PREPARE, outputs=["train"])])
    requests = aws.told("requests")
    arn = execution["PipelineExecutionArn"]
    (request,) = [it["Request"] for it in requests if it["PipelineExecutionArn"] == arn]
    output = request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    assert output == f"s3://toys/executions/{arn.rsplit('/', 1)[-1]}/train"


# Each job writes a file, and ends when there are two.
MEET = (
    "open(os.environ['MET'] + f'/{os.getpid()}', 'w').close(); "
    "[time.sleep(.02) for _ in iter(lambda: len(os.listdir(os.environ['MET'])) > 1, True)]"
)


def meeting(name: str, folder: Path) -> Step:
    """A step whose job ends when another one runs at the same time, or has."""
    folder.mkdir(exist_ok=True)
    step = processing(name, MEET)
    step["Arguments"]["Environment"] = {"MET": str(folder)}
    return step


def test_independent_steps_run_side_by_side(sagemaker: Any, bucket: str, name: str, tmp_path: Path) -> None:
    both = [meeting(step, tmp_path / "met") for step in ("Left", "Right")]
    _, steps = run_steps(sagemaker, name, both)
    latest_start = max(step["StartTime"] for step in steps.values())
    assert latest_start < min(step["EndTime"] for step in steps.values())


def test_the_21st_execution_at_a_time_is_refused(sagemaker: Any, bucket: str, name: str) -> None:
    create(sagemaker, name, [processing("Sleep", "time.sleep(600)")])
    started = [
        sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"] for _ in range(20)
    ]
    try:
        with pytest.raises(ClientError, match="current utilization of 20") as raised:
            sagemaker.start_pipeline_execution(PipelineName=name)
        assert raised.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    finally:
        for arn in started:
            sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
        for arn in started:
            finish(sagemaker, arn)


def test_depends_on_is_an_order(sagemaker: Any, bucket: str, name: str) -> None:
    _, steps = run_steps(
        sagemaker, name, [processing("Second", "pass", DependsOn=["First"]), processing("First", "pass")]
    )
    assert steps["Second"]["StartTime"] >= steps["First"]["EndTime"]


def test_what_needs_a_step_of_the_other_branch_is_skipped(sagemaker: Any, bucket: str, name: str) -> None:
    execution, steps = run_steps(
        sagemaker,
        name,
        [
            processing("After", "pass", DependsOn=["Then"]),
            condition("Choose", [compare("Equals", 1, 2)], [processing("Then", "pass")], []),
        ],
    )
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert set(steps) == {"Choose"}


@pytest.mark.parametrize(
    ("expected", "conditions"),
    [
        (True, [compare("Equals", "a", "a"), compare("LessThan", 1, 2)]),
        (False, [compare("Equals", "a", "a"), compare("GreaterThan", 1, 2)]),
        (True, [compare("LessThanOrEqualTo", 2, 2)]),
        (True, [{"Type": "In", "QueryValue": "b", "Values": ["a", "b"]}]),
        (True, [{"Type": "Not", "Expression": compare("Equals", 1, 2)}]),
        (True, [{"Type": "Not", "Condition": compare("Equals", 1, 2)}]),
        (True, [{"Type": "Or", "Conditions": [compare("Equals", 1, 2), compare("Equals", 2, 2)]}]),
    ],
)
def test_conditions(sagemaker: Any, name: str, expected: bool, conditions: list[dict[str, Any]]) -> None:
    _, steps = run_steps(sagemaker, name, [condition("Check", conditions)])
    assert steps["Check"]["Metadata"]["Condition"]["Outcome"] == str(expected)


def test_a_failing_step_says_which_job_where_its_log_is_and_how_it_ends(
    aws: Aws, sagemaker: Any, bucket: str, name: str
) -> None:
    code = "print('x' * 3000); sys.exit('no such column: price')"
    execution, steps = run_steps(
        sagemaker, name, [processing("Prepare", code), processing("Next", "pass", DependsOn=["Prepare"])]
    )
    assert execution["PipelineExecutionStatus"] == "Failed"
    reason = steps["Prepare"]["FailureReason"]
    job = steps["Prepare"]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[-1]
    assert reason.startswith(f"Job {job}: AlgorithmError: exit code 1")
    assert str(aws.home / "jobs" / job / "log.txt") in reason
    assert reason.endswith("no such column: price")
    assert len(reason) <= 1024
    assert "no such column: price" in execution["FailureReason"]
    assert "Next" not in steps


def test_a_request_that_aws_would_refuse_fails_its_step(sagemaker: Any, bucket: str, name: str) -> None:
    step = processing("Prepare", "pass")
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceType"] = get("Parameters.Instance")
    create(sagemaker, name, [step], [{"Name": "Instance", "Type": "String"}])
    _, steps = run(sagemaker, name, Instance="ml.nonsense")
    assert "ml.nonsense" in steps["Prepare"]["FailureReason"]
    assert "enum value set" in steps["Prepare"]["FailureReason"]


def test_an_expression_without_a_value_fails_its_step(sagemaker: Any, bucket: str, name: str) -> None:
    use = processing(
        "Use", "pass", {"in": get("Steps.Make.ProcessingOutputConfig.Outputs['absent'].S3Output")}
    )
    _, steps = run_steps(sagemaker, name, [processing("Make", PREPARE, outputs=["train"]), use])
    assert "nothing at 'absent'" in steps["Use"]["FailureReason"]


def test_stopping_an_execution_ends_its_jobs(sagemaker: Any, bucket: str, name: str) -> None:
    create(
        sagemaker,
        name,
        [processing("Sleep", "time.sleep(600)"), processing("Next", "pass", DependsOn=["Sleep"])],
    )
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]

    def has_begun() -> bool:
        listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        return bool(listed and listed[0]["Metadata"])

    wait_for(has_begun)
    once = {"PipelineExecutionArn": arn, "ClientRequestToken": "s" * 32}
    sagemaker.stop_pipeline_execution(**once)
    execution, by_name = finish(sagemaker, arn)
    assert execution["PipelineExecutionStatus"] == "Stopped"
    assert sagemaker.stop_pipeline_execution(**once)["PipelineExecutionArn"] == arn
    assert by_name["Sleep"]["StepStatus"] == "Stopped"
    assert "Next" not in by_name
    job = by_name["Sleep"]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[-1]
    assert sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="ConflictException"):
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)


PARAMETERS = [
    {"Name": "Text", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
    {"Name": "Count", "Type": "Integer", "DefaultValue": 3},
    {"Name": "Share", "Type": "Float", "DefaultValue": 0.5},
    {"Name": "Flag", "Type": "Boolean", "DefaultValue": False},
    {"Name": "Needed", "Type": "String"},
]


def test_parameters_are_typed_and_listed(sagemaker: Any, name: str) -> None:
    types = [compare("Equals", get("Parameters.Count"), 7), compare("Equals", get("Parameters.Flag"), True)]
    create(sagemaker, name, [condition("Check", types)], PARAMETERS)
    execution, steps = run(sagemaker, name, Count="7", Flag="true", Needed="x")
    assert steps["Check"]["Metadata"]["Condition"]["Outcome"] == "True"
    listed = sagemaker.list_pipeline_parameters_for_execution(
        PipelineExecutionArn=execution["PipelineExecutionArn"]
    )["PipelineParameters"]
    assert {item["Name"]: item["Value"] for item in listed} == {
        "Text": "a",
        "Count": "7",
        "Share": "0.5",
        "Flag": "true",
        "Needed": "x",
    }


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, r"\[Needed\] are undefined"),
        ({"Needed": "x", "Nedeed": "y"}, r"not have the parameters \[Nedeed\]"),
        ({"Needed": "x", "Count": "many"}, "Count: 'many' is not of type Integer"),
        ({"Needed": "x", "Text": "c"}, r"Text: 'c' is not one of \['a', 'b'\]"),
    ],
)
def test_bad_parameters_are_refused(sagemaker: Any, name: str, given: dict[str, str], complaint: str) -> None:
    create(sagemaker, name, [fail("No", "no")], PARAMETERS)
    values = [{"Name": key, "Value": value} for key, value in given.items()]
    with pytest.raises(ClientError, match=complaint):
        sagemaker.start_pipeline_execution(PipelineName=name, PipelineParameters=values)


SAME = compare("Equals", 1, 1)
CHOICE = {"Name": "P", "Type": "String", "DefaultValue": "a"}
UNDECLARED = {"Std:JsonGet": {"PropertyFile": get("Steps.A.PropertyFiles.F"), "Path": "x"}}


def changed(**arguments: Any) -> str:
    step = processing("A", "pass")
    return definition([{**step, "Arguments": step["Arguments"] | arguments}])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "not JSON"),
        ('{"Version": "2020-12-01"}', "no list of Steps"),
        (definition([]), "no steps"),
        (definition([{"Name": "A", "Type": "QualityCheck", "Arguments": {}}]), "'QualityCheck'.*'A'"),
        (
            definition([condition("A", [SAME], [{"Name": "B", "Type": "EMR"}])]),
            "'EMR'.*'B'",
        ),
        (definition([fail("A", "x"), fail("A", "y")]), "unique"),
        (definition([fail("A", get("Parameters.Absent"))]), "Parameters.Absent"),
        (definition([fail("A", get("Steps.Absent.Name"))]), "Absent"),
        (definition([fail("A", get("Steps.B.X")), fail("B", get("Steps.A.X"))]), "circle"),
        (definition([condition("A", [{"Type": "Sometimes"}])]), "Sometimes"),
        (definition([condition("A", [SAME], [condition("B", [SAME])])]), r"B needs \[A\].*nested condition"),
        (
            definition([condition("A", [SAME]), condition("B", [SAME]) | {"DependsOn": ["A"]}]),
            r"B needs \[A\].*nested condition",
        ),
        (
            definition(
                [condition("A", [SAME]), condition("B", [compare("Equals", get("Steps.A.Outcome"), True)])]
            ),
            r"B needs \[A\].*nested condition",
        ),
        (definition([processing("A", "pass", CacheConfig={"Enabled": True, "ExpireAfter": "soon"})]), "soon"),
        (definition([fail("A", "x")], [{"Name": "P", "Type": "Date"}]), "Date"),
        (definition([fail("A", "x")], [{**CHOICE, "EnumValues": list("abcdefghijklmnopq")}]), "more than 16"),
        (definition([fail("A", "x")], [{**CHOICE, "Name": f"P{n}"} for n in range(201)]), "at most 200"),
        (definition([fail("A", "x" * 3073)]), "more than 3072"),
        (definition([fail("A", join(*"x" * 1537))]), "more than 3072"),  # with the slashes between them
        (definition([fail("A", "x") | {"DisplayName": "x" * 257}]), "DisplayName .* at most 256"),
        (definition([fail("A", "x") | {"Description": "x" * 3073}]), "Description .* at most 3072"),
        (
            definition([processing("A", "pass"), condition("B", [compare("Equals", UNDECLARED, 1)])]),
            "B reads the property file F of A",
        ),
        (
            changed(Environment={f"K{n}": "v" for n in range(101)}),
            "Unable to parse.*less than or equal to 100",
        ),
        (changed(Environment={"K": 1}), r"Environment\['K'\] must be of type string, not 1"),
        (changed(Nonsense=get("Execution.PipelineName")), "Unknown Argument member 'Nonsense'"),
        (changed(RoleArn=True), "RoleArn must be of type string"),
        (changed(ProcessingResources={}), "ProcessingResources has no ClusterConfig"),
        (definition([fail("A b", "x")]), "step name 'A b'"),
        (definition([fail("A" * 65, "x")]), "1 to 64 letters"),
        (definition([fail("A", "x")], [{"Name": "P q", "Type": "String"}]), "parameter name 'P q'"),
    ],
)
def test_a_definition_that_cannot_run_is_refused_when_created(
    sagemaker: Any, name: str, text: str, complaint: str
) -> None:
    with pytest.raises(ClientError, match=complaint):
        sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE)


def test_the_length_of_a_message_is_that_of_its_text_as_far_as_it_is_known(sagemaker: Any, name: str) -> None:
    create(sagemaker, name, [fail("A", join(*"m" * 1000, join(*"m" * 535), get("Execution.PipelineName")))])


def test_pipeline_records(sagemaker: Any, name: str) -> None:
    create(sagemaker, name, [fail("A", "old")])
    with pytest.raises(ClientError, match="Pipeline names must be unique") as raised:
        create(sagemaker, name, [fail("A", "x")])
    assert raised.value.response["Error"]["Code"] == "ValidationException"
    execution, _ = run(sagemaker, name)
    arn = execution["PipelineExecutionArn"]
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=definition([fail("A", "new")]))
    assert "new" in sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"]
    old = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert "old" in old["PipelineDefinition"]
    listed = sagemaker.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]
    assert [item["PipelineName"] for item in listed] == [name]
    run(sagemaker, name)
    summaries = sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert [item["PipelineExecutionFailureReason"].split()[-1] for item in summaries] == ["new", "old"]
    first = sagemaker.list_pipeline_executions(PipelineName=name, MaxResults=1)
    second = sagemaker.list_pipeline_executions(PipelineName=name, MaxResults=1, NextToken=first["NextToken"])
    assert second["PipelineExecutionSummaries"][0]["PipelineExecutionArn"] == arn
    sagemaker.delete_pipeline(PipelineName=name)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_pipeline(PipelineName=name)


def test_a_step_tags_its_job_as_anybody_else_may(sagemaker: Any, bucket: str, name: str) -> None:
    step = processing("A", "pass")
    step["Arguments"]["Tags"] = [{"Key": "aws:owner", "Value": "toys"}]
    _, steps = run_steps(sagemaker, name, [step])
    assert "Tag keys cannot begin with aws:" in steps["A"]["FailureReason"]


def test_the_same_request_token_starts_one_execution(sagemaker: Any, name: str) -> None:
    create(sagemaker, name, [fail("A", "x")])
    arns = {
        sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken="t" * 32)[
            "PipelineExecutionArn"
        ]
        for _ in range(2)
    }
    assert len(arns) == 1


def test_a_deleted_pipeline_is_created_again_with_the_same_request_token(sagemaker: Any, name: str) -> None:
    asked = {
        "PipelineName": name,
        "PipelineDefinition": json.dumps({"Version": "2020-12-01", "Steps": [fail("A", "x")]}),
        "RoleArn": ROLE,
        "ClientRequestToken": "t" * 32,
    }
    (arn,) = {sagemaker.create_pipeline(**asked)["PipelineArn"] for _ in range(2)}
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "toys"}])
    sagemaker.delete_pipeline(PipelineName=name)
    assert sagemaker.create_pipeline(**asked)["PipelineArn"] == arn
    assert sagemaker.describe_pipeline(PipelineName=name)["PipelineStatus"] == "Active"
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == []


def test_a_request_token_with_another_request_is_refused(sagemaker: Any, name: str) -> None:
    create(sagemaker, name, [fail("A", "x")])
    asked = {"PipelineName": name, "ClientRequestToken": "t" * 32}
    arn = sagemaker.start_pipeline_execution(**asked)["PipelineExecutionArn"]
    with pytest.raises(ClientError, match="ConflictException") as refused:
        sagemaker.start_pipeline_execution(**asked, PipelineExecutionDisplayName="another")
    assert arn in str(refused.value)
    with pytest.raises(ParamValidationError, match="ClientRequestToken"):
        sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken="t" * 31)


def test_executions_run_side_by_side(sagemaker: Any, bucket: str, name: str, tmp_path: Path) -> None:
    create(sagemaker, name, [meeting("Work", tmp_path / "met")])
    arns = [sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"] for _ in range(4)]
    assert {finish(sagemaker, arn)[0]["PipelineExecutionStatus"] for arn in arns} == {"Succeeded"}


def test_join_and_execution_variables(sagemaker: Any, name: str) -> None:
    _, steps = run_steps(sagemaker, name, [fail("A", join(get("Execution.PipelineName"), 1, 0.5, "x"))])
    assert steps["A"]["FailureReason"] == f"{name}/1/0.5/x"
