"""All jobs have what Terraform was given: its VPC and its key, or none."""

import dataclasses
import json
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters
from support.helpers.shared import Compiled
from tabular.spec.algorithms import ALGORITHMS

from helpers.pipeline import infrastructure

VPC = {"subnet_ids": ["subnet-2", "subnet-1"], "security_group_ids": ["sg-1"]}
KEY = "arn:aws:kms:us-east-1:123456789012:key/k"
CONFIG = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}


@pytest.fixture(scope="module")
def inside(compiled: Compiled) -> dict[str, Any]:
    """The definition for an environment with a VPC."""
    from helpers import pipeline

    session = dataclasses.replace(compiled.compiler.session, vpc=VPC)
    compiler = pipeline.Compiler(session, compiled.compiler.sources)
    return json.loads(pipeline.definition(compiler, compiled.parameters, compiled.steps))


def test_every_job_of_the_pipeline_is_in_the_vpc(inside: dict[str, Any]) -> None:
    steps = {step["Name"]: step["Arguments"] for step in inside["Steps"]}
    assert steps["PreprocessData"]["NetworkConfig"] == {"VpcConfig": CONFIG}
    assert steps["EvaluateBestModel"]["NetworkConfig"] == {"VpcConfig": CONFIG}
    assert steps["RefitBestModel"]["VpcConfig"] == CONFIG
    trials = steps["TuningWithCrossValidation"]["TrainingJobDefinitions"]
    assert [trial["VpcConfig"] for trial in trials] == [CONFIG] * len(ALGORITHMS)


def test_nothing_else_of_the_definition_changes(compiled: Compiled, inside: dict[str, Any]) -> None:
    left = json.dumps(inside, sort_keys=True)
    for text in (
        f', "VpcConfig": {json.dumps(CONFIG)}',
        f'"NetworkConfig": {{"VpcConfig": {json.dumps(CONFIG)}}}, ',
    ):
        assert text in left
        left = left.replace(text, "")
    assert json.loads(left) == json.loads(compiled.definition)


def test_without_a_vpc_no_job_names_one(compiled: Compiled) -> None:
    assert compiled.compiler.session.vpc is None
    assert "VpcConfig" not in compiled.definition


def test_aws_knows_these_fields() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    validate_parameters(CONFIG, model.shape_for("VpcConfig"))
    for shape in ("NetworkConfig", "CreateTrainingJobRequest", "HyperParameterTrainingJobDefinition"):
        assert model.shape_for(shape).members["VpcConfig"].name == "VpcConfig"


def test_a_job_behind_a_condition_is_in_the_vpc_too() -> None:
    job = {"Name": "Later", "Type": "Training", "Arguments": {"RoleArn": "role"}}
    gate = {"Name": "Gate", "Type": "Condition", "Arguments": {"IfSteps": [], "ElseSteps": [job]}}
    infrastructure.place([gate], VPC)
    assert job["Arguments"] == {"RoleArn": "role", "VpcConfig": CONFIG}


def test_every_job_of_the_pipeline_encrypts_with_the_key_and_nothing_else_changes(compiled: Compiled) -> None:
    from helpers import pipeline

    session = dataclasses.replace(compiled.compiler.session, kms_key_arn=KEY)
    compiler = pipeline.Compiler(session, compiled.compiler.sources)
    encrypted = json.loads(pipeline.definition(compiler, compiled.parameters, compiled.steps))
    steps = {step["Name"]: step["Arguments"] for step in encrypted["Steps"]}
    outputs = [
        steps["PreprocessData"]["ProcessingOutputConfig"],
        steps["EvaluateBestModel"]["ProcessingOutputConfig"],
        steps["RefitBestModel"]["OutputDataConfig"],
        *(
            trial["OutputDataConfig"]
            for trial in steps["TuningWithCrossValidation"]["TrainingJobDefinitions"]
        ),
    ]
    assert [written.pop("KmsKeyId") for written in outputs] == [KEY] * len(outputs)
    assert encrypted == json.loads(compiled.definition)


def test_aws_knows_the_field_of_the_key() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    for shape in ("ProcessingOutputConfig", "OutputDataConfig"):
        assert model.shape_for(shape).members["KmsKeyId"].type_name == "string"
