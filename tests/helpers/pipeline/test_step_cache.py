"""What runs again after an edit: only the steps whose code was edited."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import tabular
from support.helpers.shared import INSTANCES

from helpers import runs
from helpers.data import datasets
from helpers.pipeline.code import job_source
from helpers.session import Session, storage

PAGE = "judging/reporting/page.py"


@pytest.fixture
def table(tmp_path: Path) -> datasets.Dataset:
    """A table that comes with scikit-learn, by another name: other tests count the versions of `wine`."""
    wine = datasets.fetch("wine")
    own = shutil.copy(wine.files[0].path, tmp_path / "own.csv")
    return datasets.fetch({"name": "step-cache", "uri": str(own), "target": wine.target})


def execute(session: Session, table: datasets.Dataset, package: Path, **more: int) -> runs.Execution:
    """Compile the pipeline with the code of a package, and run it with as few trials as possible."""
    from helpers import pipeline

    compiler = pipeline.Compiler(session, job_source.upload(session, package=package))
    defaults = datasets.inputs(session, table) | INSTANCES
    parameters = pipeline.Parameters.with_defaults(defaults)
    compiled = pipeline.definition(compiler, parameters, pipeline.steps(compiler, parameters))
    pipeline.publish(compiler, compiled, developer="page")
    few = {"MaxTuningJobs": 2, "CrossValidationFolds": 2}
    (run,) = runs.start(session, [table], few | more, developer="page")
    runs.watch(session, [run])
    return run


def found(session: Session, run: runs.Execution) -> dict[str, Any]:
    """Every step of an execution by its name."""
    pages = session.client("sagemaker").get_paginator("list_pipeline_execution_steps")
    whole = pages.paginate(PipelineExecutionArn=run.arn).build_full_result()["PipelineExecutionSteps"]
    return {step["StepName"]: step for step in whole}


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")  # imports the SDK without its warnings
def test_an_edit_of_the_page_runs_the_evaluation_again_and_nothing_before_it(
    session: Session, table: datasets.Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "tabular"
    shutil.copytree(Path(tabular.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    first = execute(session, table, package)
    capsys.readouterr()

    text = (package / PAGE).read_text()
    assert text.count("held-out rows, through") == 1
    (package / PAGE).write_text(text.replace("held-out rows, through", "held-out records, through"))
    second = execute(session, table, package)

    steps = found(session, second)
    taken = {name for name, step in steps.items() if "CacheHitResult" in step}
    assert taken == {"PreprocessData", "TuningWithCrossValidation", "RefitBestModel"}
    assert capsys.readouterr().out.count("taken from an earlier execution") >= 3
    jobs = [found(session, run)["EvaluateBestModel"]["Metadata"]["ProcessingJob"] for run in (first, second)]
    assert jobs[0] != jobs[1]
    pages = [
        storage.read(session, f"{runs.evaluation_uri(session, run)}/report.html").decode()
        for run in (first, second)
    ]
    assert ["held-out records, through" in page for page in pages] == [False, True]

    steps = found(session, execute(session, table, package, SearchRows=1000))
    taken = {name for name, step in steps.items() if "CacheHitResult" in step}
    assert taken == {"PreprocessData"}, "trials that see fewer rows are other trials"
