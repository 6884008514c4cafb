"""All jobs run where Terraform says: inside its VPC, or in none."""

import dataclasses
import json
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters
from support.helpers.shared import Compiled
from tabular.spec.algorithms import ALGORITHMS

from helpers.pipeline import network

VPC = {"subnet_ids": ["subnet-2", "subnet-1"], "security_group_ids": ["sg-1"]}
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
    network.place([gate], VPC)
    assert job["Arguments"] == {"RoleArn": "role", "VpcConfig": CONFIG}
