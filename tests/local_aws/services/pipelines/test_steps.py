"""Step types: each is one file that is found by itself, and what the cache compares of it."""

import re
from pathlib import Path
from typing import Any

import pytest

import local_aws
from local_aws.services.pipelines import steps
from local_aws.services.pipelines.cache import cache_key
from local_aws.services.pipelines.steps import STEP_TYPES
from local_aws.services.pipelines.steps.jobs.shared import JobStep

REQUESTS = {
    "Processing": {"AppSpecification": {"ImageUri": "i"}, "Environment": {"A": "1"}},
    "Training": {"AlgorithmSpecification": {"TrainingImage": "i"}, "HyperParameters": {"depth": "3"}},
    "Tuning": {"HyperParameterTuningJobConfig": {"Strategy": "Grid"}, "TrainingJobDefinition": {}},
}


def test_each_step_type_is_one_file() -> None:
    files = {path.stem for path in Path(steps.__file__).parent.rglob("*.py")} - {"__init__", "shared"}
    assert files == {step_type.__module__.rpartition(".")[2] for step_type in STEP_TYPES.values()}
    assert len(files) == len(STEP_TYPES) > 1


def test_the_readme_names_each_step_type() -> None:
    readme = Path(local_aws.__file__).with_name("README.md").read_text()
    (listed,) = re.findall(r"\*\*SageMaker Pipelines\.\*\* Steps (.*?), side by side", readme, re.DOTALL)
    assert all(re.search(rf"\b{name}\b", listed) for name in STEP_TYPES)


def key(name: str, request: dict[str, Any], pipeline: str = "toy") -> str:
    step_type = STEP_TYPES[name]
    assert issubclass(step_type, JobStep)
    return cache_key(pipeline, {"Name": "A", "Type": name}, step_type.cached(request))


@pytest.mark.parametrize("name", REQUESTS)
def test_the_cache_key_is_made_of_what_aws_compares(name: str) -> None:
    request = REQUESTS[name]
    same = key(name, request)
    assert same == key(name, {**request, f"{name}JobName": "two", "Tags": [{"Key": "a", "Value": "b"}]})
    assert same != key(name, request, "other")
    assert (
        len({same, *(key(name, {**request, attribute: {"TuningObjective": "x"}}) for attribute in request)})
        == 3
    )


def test_of_one_algorithm_the_cache_compares_parts_and_of_several_everything() -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html"""
    request = REQUESTS["Tuning"]
    trial = {"DefinitionName": "a", "StaticHyperParameters": {"depth": "3"}}
    elsewhere = {**trial, "OutputDataConfig": {"S3OutputPath": "s3://b/x"}, "ResourceConfig": {}}
    deeper = {**trial, "StaticHyperParameters": {"depth": "4"}}

    def of_one(definition: dict[str, Any]) -> str:
        return key("Tuning", {**request, "TrainingJobDefinition": definition})

    def of_several(definition: dict[str, Any]) -> str:
        return key("Tuning", {**request, "TrainingJobDefinitions": [definition]})

    assert of_one(trial) == of_one(elsewhere) == of_one({**trial, "DefinitionName": "b"}) != of_one(deeper)
    assert len({of_several(each) for each in (trial, elsewhere, deeper)}) == 3
