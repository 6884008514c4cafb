"""The examples, checked as they are, and their tables as the run of the notebooks left them."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support import ROOT
from support.helpers import headless
from support.notebooks.demo_run import (
    EXAMPLES,
    FLEET,
    JUDGED,
    PIPELINE,
    REGRESSION,
    STORES,
    TOGETHER,
    Story,
    some_stores,
    values_of,
)

from helpers.deployment import registry
from helpers.deployment.asking import endpoint
from helpers.session import Session, connect, local


@pytest.fixture(scope="module")
def examples(story: Story) -> dict[str, Any]:
    """The summary of the run of the tables of all examples, each judged as its file says."""
    return story.first.summary


@pytest.fixture
def session(story: Story) -> Iterator[Session]:
    """Connected to what the run left."""
    with story.environment(), local("local"):
        yield connect("local", PIPELINE)


def test_the_tables_of_the_examples_are_those_that_their_script_makes() -> None:
    sys.path.insert(0, str(EXAMPLES / "data"))
    import make

    for made in (make.customers, make.deliveries, make.machines, make.stores):
        assert (EXAMPLES / f"data/{made.__name__}.csv").read_text() == made()


def test_every_example_is_run() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.yaml")) == sorted([*TOGETHER, FLEET])


def test_the_example_of_a_fleet_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = headless.here("check", f"parameters/examples/{FLEET}.yaml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)["data_sets"]["stores"]["partitions"]
    assert (found["count"], found["rows"]["min"], found["rows"]["max"]) == (300, 2, 411)
    assert found["few_rows"] > 50
    assert found["one_class"] > 10


def test_the_examples_differ_only_in_their_tables_and_in_how_these_are_judged() -> None:
    """So one run of all of them is a run of each."""
    own = {"DATASETS", *JUDGED, *REGRESSION}
    first, *others = (
        {key: value for key, value in values_of(name).items() if key not in own}
        for name in (*TOGETHER, FLEET)
    )
    assert first.keys() >= {"ENVIRONMENT", "PIPELINE_NAME", "APPROVE"}
    assert all(other == first for other in others)
    assert [name for name in TOGETHER if values_of(name).keys() & {*REGRESSION}] == ["regression"]


def test_what_is_not_about_tables_is_as_in_the_run_of_the_notebooks() -> None:
    """Except that the run tries less, and has a load test."""
    of_the_run = values_of("../local")
    aside = {"DATASETS", "MAX_TUNING_JOBS", "LOAD_TEST", *JUDGED, *REGRESSION}
    for name in (*TOGETHER, FLEET):
        assert {key: value for key, value in values_of(name).items() if key not in aside}.items() <= (
            of_the_run.items()
        )


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
def test_a_fleet_of_some_stores_is_trained_on_two_instances_judged_and_asked(
    session: Session, examples: dict[str, Any]
) -> None:
    facts = examples["data_sets"]["stores"]
    assert (facts["outcome"], facts["version"], facts["in_service"]) == ("registered", 1, 1)
    (package,) = registry.packages(session, "stores")
    fleet = registry.evaluations(session, [package])["stores"]["fleet"]
    job = registry.metadata(session, package)["refit-training-job"]
    described = session.client("sagemaker").describe_training_job(TrainingJobName=job)
    assert described["ResourceConfig"]["InstanceCount"] == 2
    assert fleet["partitions"] == fleet["own"] + fleet["pooled"] == STORES
    assert 0 < fleet["own"] < STORES
    first = some_stores().drop(columns="sold_out").groupby("store").head(1)
    rows = endpoint.rows_of(first)
    answer = endpoint.invoke(session, {"model": "stores", "data": [*rows, ["nowhere", *rows[0][1:]]]})
    assert answer.status_code == 200
    assert answer.headers["x-amzn-sagemaker-custom-attributes"] == (
        f"own={fleet['own']},pooled={fleet['pooled']},unknown=1"
    )
    assert set(answer.json()["predictions"]) <= {"yes", "no"}
    alone = [endpoint.predict(session, "stores", [row])["predictions"][0] for row in rows[:5]]
    assert alone == answer.json()["predictions"][:5]


def test_the_pages_name_every_key_of_an_entry_and_every_example() -> None:
    from helpers.data.entries import KEYS

    page = (ROOT / "docs/tables/own-tables.md").read_text()
    assert all(f"`{key}`" in page for key in KEYS)
    for path in EXAMPLES.glob("*.yaml"):
        assert f"(../../parameters/examples/{path.name})" in page
        assert f"many-models run parameters/examples/{path.name}" in path.read_text()
