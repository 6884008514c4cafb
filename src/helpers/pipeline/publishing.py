"""Compiles the steps to a definition and publishes it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sagemaker.core import image_uris
from sagemaker.mlops.workflow.pipeline import Pipeline
from tabular.spec.columns import Family

from helpers.errors import refusing
from helpers.pipeline import infrastructure
from helpers.pipeline.compiler import Compiler
from helpers.pipeline.parameters import Parameters
from helpers.pipeline.processing import evaluate_best_model, preprocess_data
from helpers.pipeline.registration import (
    register_best_model,
    register_condition_check,
    threshold_condition_check,
)
from helpers.pipeline.training import search
from helpers.session import Session
from helpers.session.storage import write_whole

__all__ = ["base_image", "definition", "publish", "steps"]


def base_image(region: str, tag: str) -> str:
    """URI of SageMaker's scikit-learn image, which the project's own extends, in a region's registry.

    Raises:
        BadInput: the SDK does not know such an image in the region.
    """
    version, _, python = tag.partition("-cpu-")
    with refusing(f"There is no scikit-learn image {tag} in {region}"):
        return image_uris.retrieve(
            "sklearn", region, version, py_version=python, instance_type="ml.m5.large", image_scope="training"
        )


def steps(compiler: Compiler, parameters: Parameters) -> list[Any]:
    """All steps, as notebook 02 creates them one by one."""
    preprocess = preprocess_data(compiler, parameters)
    *searching, fitted = search(compiler, parameters, preprocess)
    evaluate = evaluate_best_model(compiler, parameters, preprocess, fitted)
    register = register_best_model(compiler, parameters, preprocess, fitted, evaluate)
    threshold = threshold_condition_check(parameters, evaluate)
    condition = register_condition_check(evaluate, register)
    return [preprocess, *searching, fitted, evaluate, threshold, condition]


def definition(compiler: Compiler, parameters: Parameters, steps: Sequence[Any]) -> str:
    """The definition as JSON: the same inputs give the same bytes."""
    pipeline = Pipeline(
        name=compiler.session.pipeline(compiler.family),
        parameters=list(parameters),
        steps=list(steps),
        sagemaker_session=compiler.sdk,
        pipeline_experiment_config=None,  # none: the jobs' role may not create experiments
    )
    document = json.loads(pipeline.definition())
    if compiler.session.vpc:
        infrastructure.place(document["Steps"], compiler.session.vpc)
    if compiler.session.kms_key_arn:
        infrastructure.encrypt(document["Steps"], compiler.session.kms_key_arn)
    return json.dumps(document, indent=1)


def publish(compiler: Compiler, compiled: str, developer: str = "", definition_file: str = "") -> None:
    """Create the pipeline, or update it if its definition changed, and write the definition to a file.

    `definition_file` is the file for classification; for regression, `-regression` precedes its suffix.

    On AWS, Terraform owns the pipeline without a developer's name and creates it from the file.
    """
    session = compiler.session
    name = session.pipeline(compiler.family, developer)
    if definition_file:
        path = _of_family(Path(definition_file), compiler.family)
        with write_whole(path) as part:
            part.write_text(compiled)
        print(f"Definition of {name} written to {path}.")
    if session.is_local or developer:
        _upsert(session, name, compiled)
    else:
        print(f"Terraform owns {name}: give it the definition file, or set DEVELOPER to have your own.")


def _of_family(path: Path, family: Family) -> Path:
    return path.with_stem(f"{path.stem}-regression") if family == "regression" else path


def _upsert(session: Session, name: str, compiled: str) -> None:
    sagemaker = session.client("sagemaker")
    request = {"PipelineName": name, "PipelineDefinition": compiled, "RoleArn": session.job_role_arn}
    try:
        described = sagemaker.describe_pipeline(PipelineName=name)
    except sagemaker.exceptions.ResourceNotFound:
        sagemaker.create_pipeline(**request)
        print(f"Created the pipeline {name}.")
        return
    if described["PipelineDefinition"] == compiled:
        print(f"The pipeline {name} is up to date.")
    else:
        sagemaker.update_pipeline(**request)
        print(f"Updated the pipeline {name}.")
