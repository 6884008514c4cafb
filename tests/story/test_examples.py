"""The examples and the page about your own steps, run as they are."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
import yaml
from support import HANGS, ROOT
from support.helpers import headless
from tabular.spec.algorithms import ALGORITHMS

import local_aws
from helpers.deployment import registry
from helpers.deployment.asking import endpoint
from helpers.session import connect

EXAMPLES = ROOT / "parameters/examples"
TOGETHER = ("binary", "grouped", "multiclass", "regression")
FLEET = "fleet"
STORES = 30  # of 300
# How a file says that its table is judged, and how an entry in DATASETS says so.
JUDGED = {
    "CROSS_VALIDATION_SCORER": "scorer",
    "METRIC_FOR_REGISTRATION": "metric",
    "MIN_METRIC_FOR_REGISTRATION": "min_metric",
}
REGRESSION = {"REGRESSION_SCORER", "REGRESSION_METRIC", "REGRESSION_MIN_METRIC"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state of one local_aws for all runs here."""
    folder = tmp_path_factory.mktemp("examples") / "local_aws"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_AWS_HOME", str(folder))
        local_aws.start(owner=os.getpid())
        try:
            yield folder
        finally:
            local_aws.stop()


@pytest.fixture(scope="module")
def examples(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The summary of one run of the tables of all examples, each judged as its file says."""
    folder = tmp_path_factory.mktemp("together")
    file = folder / "together.yaml"
    file.write_text(yaml.safe_dump(together()))
    summary, _ = left(
        headless.typed("run", str(file), "--runs", str(folder / "runs"), *few()), folder / "runs"
    )
    return summary


def values_of(name: str) -> dict[str, Any]:
    """What the file of an example says."""
    return yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())


def together() -> dict[str, Any]:
    """All examples as one file; as in the files, regression is judged by parameters, which are its own."""
    tables, values = [], {}
    for name in TOGETHER:
        said = values_of(name)
        judged = {key: said.pop(parameter) for parameter, key in JUDGED.items() if parameter in said}
        tables += [table | judged for table in said.pop("DATASETS")]
        values |= said
    return values | {"DATASETS": tables}


def few(algorithms: int = len(ALGORITHMS)) -> tuple[str, ...]:
    """Options for a quick run: a trial of each algorithm, of few folds."""
    return ("-p", "MAX_TUNING_JOBS", str(algorithms), "-p", "CROSS_VALIDATION_FOLDS", "2")


def left(done: subprocess.CompletedProcess, runs: Path) -> tuple[dict[str, Any], Path]:
    """The summary and the folder of a run that went well."""
    assert (done.returncode, done.stderr) == (0, ""), f"{done.stdout[-2000:]}\n{done.stderr}"
    (folder,) = (path for path in runs.iterdir() if path.is_dir() and not path.is_symlink())
    return json.loads((folder / "summary.json").read_text()), folder


def test_the_tables_of_the_examples_are_those_that_their_script_makes() -> None:
    sys.path.insert(0, str(EXAMPLES / "data"))
    import make

    for made in (make.customers, make.deliveries, make.machines, make.stores):
        assert (EXAMPLES / f"data/{made.__name__}.csv").read_text() == made()


def test_every_example_is_run() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.yaml")) == sorted([*TOGETHER, FLEET])


def test_the_example_of_a_fleet_is_checked() -> None:
    done = headless.typed("check", f"parameters/examples/{FLEET}.yaml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)["data_sets"]["stores"]["partitions"]
    assert (found["count"], found["rows"]["min"], found["rows"]["max"]) == (300, 2, 411)
    assert found["few_rows"] > 50
    assert found["one_class"] > 10


def test_the_examples_differ_only_in_their_tables_and_in_how_these_are_judged() -> None:
    """So one run of all of them is a run of each."""
    own = {"DATASETS", *JUDGED, *REGRESSION}
    first, *others = (
        {key: value for key, value in values_of(name).items() if key not in own} for name in TOGETHER
    )
    assert first.keys() >= {"ENVIRONMENT", "PIPELINE_NAME", "APPROVE"}
    assert all(other == first for other in others)
    assert [name for name in TOGETHER if values_of(name).keys() & REGRESSION] == ["regression"]


@pytest.mark.parametrize("name", TOGETHER)
def test_the_file_of_an_example_is_accepted_as_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = headless.here("check", f"parameters/examples/{name}.yaml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    for found in json.loads(done.stdout)["data_sets"].values():
        assert (found["refused"], found["task"]) == (None, "binary" if name == "grouped" else name)


@pytest.mark.slow
@pytest.mark.parametrize("name", TOGETHER)
def test_an_example_puts_its_model_in_service(name: str, examples: dict[str, Any]) -> None:
    assert len(examples["notebooks"]) == 5
    for table in values_of(name)["DATASETS"]:
        facts = examples["data_sets"][table["name"]]
        is_regression = name == "regression"
        assert (facts["outcome"], facts["version"], facts["in_service"]) == ("registered", 1, 1)
        assert ("mae" in facts["scores"]["held_out"]) == is_regression
        assert ("mean absolute error" in facts["predictions"]) == is_regression


@pytest.mark.slow
def test_machines_judged_row_by_row_are_flattered(examples: dict[str, Any]) -> None:
    """Known machines are held out, so the model seems to be much better than it is for new ones."""
    honest, flattering = (
        examples["data_sets"][name]["scores"] for name in ("machines", "machines-row-by-row")
    )
    assert honest["scorer"] == flattering["scorer"] == "roc_auc"
    assert honest["cross_validation"] < 0.8 < 0.85 < flattering["cross_validation"]
    assert honest["held_out"]["auc"] + 0.05 < flattering["held_out"]["auc"]


@pytest.mark.slow
def test_a_fleet_of_thirty_stores_is_trained_judged_and_asked(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example with fewer stores, on pipelines of its own, because it is trained on two instances."""
    monkeypatch.chdir(ROOT)
    given = yaml.safe_load((EXAMPLES / f"{FLEET}.yaml").read_text())
    (table,) = given["DATASETS"]
    stores = pd.read_csv(ROOT / table["uri"])
    names = sorted(stores["store"].unique())[:STORES]
    stores = stores[stores["store"].isin(names)]
    stores.to_csv(tmp_path / "stores.csv", index=False)
    table["uri"] = str(tmp_path / "stores.csv")
    file = tmp_path / "stores.yaml"
    file.write_text(
        yaml.safe_dump(
            given | {"PIPELINE_NAME": "fleets", "MIN_METRIC_FOR_REGISTRATION": 0.6, "FLEET_INSTANCES": 2}
        )
    )
    runs = tmp_path / "runs"
    summary, _ = left(headless.here("run", str(file), "--runs", str(runs), *few(2)), runs)
    facts = summary["data_sets"]["stores"]
    assert (facts["outcome"], facts["version"], facts["in_service"]) == ("registered", 1, 1)
    session = connect("local", "fleets")
    (package,) = registry.packages(session, "stores")
    fleet = registry.evaluations(session, [package])["stores"]["fleet"]
    job = registry.metadata(session, package)["refit-training-job"]
    described = session.client("sagemaker").describe_training_job(TrainingJobName=job)
    assert described["ResourceConfig"]["InstanceCount"] == 2
    assert fleet["partitions"] == fleet["own"] + fleet["pooled"] == STORES
    assert 0 < fleet["own"] < STORES
    first = stores.drop(columns="sold_out").groupby("store").head(1)
    rows = endpoint.rows_of(first)
    answer = endpoint.invoke(session, {"model": "stores", "data": [*rows, ["nowhere", *rows[0][1:]]]})
    assert answer.status_code == 200
    assert answer.headers["x-amzn-sagemaker-custom-attributes"] == (
        f"own={fleet['own']},pooled={fleet['pooled']},unknown=1"
    )
    assert set(answer.json()["predictions"]) <= {"yes", "no"}
    alone = [endpoint.predict(session, "stores", [row])["predictions"][0] for row in rows[:5]]
    assert alone == answer.json()["predictions"][:5]


def blocks(page: str) -> dict[str, str]:
    """The first block of code of each language on a page of docs/."""
    found = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", (ROOT / "docs/tables" / page).read_text())
    return dict(reversed(found))


@pytest.mark.slow
def test_the_page_of_ones_own_steps_works_as_it_is_written(tmp_path: Path, home: Path) -> None:
    """The first example with steps, searched with a job for each trial, on pipelines of its own."""
    (tmp_path / "parameters").symlink_to(ROOT / "parameters")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    found = blocks("own-steps.md")
    (tmp_path / "my_steps.py").write_text(found["python"])
    command = [
        *found["sh"].split(),
        *few(len(ALGORITHMS) + 1),
        "--runs",
        "runs",
        "-p",
        "PIPELINE_NAME",
        "own",
        "-p",
        "SEARCH",
        "jobs",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=HANGS)
    summary, folder = left(done, tmp_path / "runs")
    assert summary["data_sets"]["customers"]["in_service"] == 1

    executed = nbformat.read(folder / "02_define_pipeline.ipynb", as_version=4)
    tables = [o["data"]["text/plain"] for c in executed.cells for o in c.get("outputs", []) if "data" in o]
    assert any("EntropyForest" in table for table in tables)
    jobs = home / "jobs"
    given = [json.loads(path.read_text()) for path in jobs.rglob("hyperparameters.json")]
    assert "EntropyForest" in {each.get("algorithm") for each in given}, "it competed"
    reports = [json.loads(path.read_text()) for path in jobs.rglob("preprocessing.json")]
    (cleaned,) = filter(None, (report.get("custom_clean") for report in reports))
    assert cleaned["before"]["rows"] - cleaned["after"]["rows"] == 7


def test_the_pages_name_every_key_of_an_entry_and_every_example() -> None:
    from helpers.data.entries import KEYS

    page = (ROOT / "docs/tables/own-tables.md").read_text()
    assert all(f"`{key}`" in page for key in KEYS)
    for path in EXAMPLES.glob("*.yaml"):
        assert f"(../../parameters/examples/{path.name})" in page
        assert f"many-models run parameters/examples/{path.name}" in path.read_text()
