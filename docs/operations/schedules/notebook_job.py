"""Retraining as a SageMaker notebook job: a pipeline that runs notebooks 02 and 03, each in a job of its own.

    .venv/bin/python docs/operations/schedules/notebook_job.py ssm:/many-models/outputs --image <URI> --start

It creates or updates the pipeline `<pipeline name>-notebooks`; without `--start` it starts nothing. README.md
beside it says which role and which image the jobs need.
"""

import argparse
import json
import logging
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill

from helpers.errors import BadInput, UserError
from helpers.parameters import parse, read
from helpers.session import Session, connect
from helpers.session.outputs import outputs_of

ROOT = Path(__file__).parents[3]
NOTEBOOKS = {"DefinePipeline": "02_define_pipeline.ipynb", "RunPipeline": "03_run_and_inspect.ipynb"}
# What the initialization script unpacks beside the notebook and installs.
PROJECT = ("container", "src", "Makefile", "constraints.txt", "pyproject.toml", "README.md", "LICENSE")
KERNEL = "many-models"
HOURS = 12  # the longest that one notebook may take


def texts(notebook: Path, values: Mapping[str, Any]) -> dict[str, str]:
    """The values that are parameters of this notebook, as text: a notebook job passes nothing else."""
    known = papermill.inspect_notebook(str(notebook))
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if name in known and value != ""  # SageMaker's hyperparameters are not empty
    }


def pack(file: Path) -> Path:
    """Write the project as one archive, because the SDK uploads a folder file by file."""
    with tarfile.open(file, "w:gz") as archive:
        for name in PROJECT:
            archive.add(ROOT / name, name, filter=lambda each: None if "__pycache__" in each.name else each)
    return file


def pipeline(session: Session, role: str, image: str, values: Mapping[str, Any], project: Path) -> Any:
    """The pipeline of notebook jobs; its compilation uploads the notebooks and the archive of the project."""
    from sagemaker.mlops.workflow.notebook_job_step import NotebookJobStep
    from sagemaker.mlops.workflow.pipeline import Pipeline

    from helpers.pipeline.sdk import pipeline_session

    steps: list[Any] = []
    for name, file in NOTEBOOKS.items():
        notebook = ROOT / "notebooks" / file
        steps.append(
            NotebookJobStep(
                name=name,
                notebook_job_name=f"{session.pipeline_name}-{name}",
                input_notebook=str(notebook),
                initialization_script=str(Path(__file__).with_suffix(".sh")),
                additional_dependencies=[str(project)],
                image_uri=image,
                kernel_name=KERNEL,
                role=role,
                s3_root_uri=session.uri("code/notebook-jobs"),
                parameters=texts(notebook, values),
                max_runtime_in_seconds=HOURS * 3600,
                tags=[{"Key": "Pipeline", "Value": session.pipeline_name}],
                depends_on=steps[-1:],
            )
        )
    return Pipeline(
        name=f"{session.pipeline_name}-notebooks",
        steps=steps,
        sagemaker_session=pipeline_session(session),
        pipeline_experiment_config=None,  # none: the role may not create experiments
    )


def main() -> None:
    """Create or update the pipeline, and start it if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outputs", help="Terraform's outputs, such as ssm:/many-models/outputs")
    parser.add_argument("--image", required=True, help="a SageMaker Distribution image of the region")
    parser.add_argument("--role", help="the jobs' role, if not studio_role_arn of the outputs")
    parser.add_argument("--file", type=Path, default=ROOT / "parameters/schedule.yaml", help="the parameters")
    parser.add_argument("--start", action="store_true", help="start it once")
    given = parser.parse_args()
    outputs = outputs_of(given.outputs)
    role = given.role or outputs.get("studio_role_arn")
    if not role:
        raise BadInput(
            f"{given.outputs} names no role for the jobs; set `studio = true` in Terraform's variables and "
            "apply, or give --role."
        )
    if outputs["region"] not in given.image:
        raise BadInput(
            f"--image is {given.image!r}, which is not in {outputs['region']}, the region of the jobs; give "
            "an image of SageMaker Distribution that is."
        )
    logging.getLogger("papermill").setLevel(logging.ERROR)
    session = connect("aws", outputs["pipeline_name"], given.outputs)
    own = {"PIPELINE_NAME": session.pipeline_name, "TERRAFORM_OUTPUTS": given.outputs}
    with tempfile.TemporaryDirectory() as folder:
        project = pack(Path(folder) / "project.tar.gz")
        made = pipeline(session, role, given.image, parse(read(given.file)) | own, project)
        print(made.upsert(role_arn=role)["PipelineArn"])
    if given.start:
        print(made.start().arn)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
