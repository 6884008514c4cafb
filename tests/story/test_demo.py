"""The whole job, as a person runs it: five notebooks, real jobs, a person's decisions, a real endpoint."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import joblib
import nbformat
import numpy as np
import pandas as pd
import pytest
from support import HANGS
from support.helpers.shared import decide
from support.notebooks.answers import NOTEBOOKS, TAG, answers, question
from support.notebooks.demo_run import OWN_TABLES, PIPELINE, ROOT, TRIALS, Demo, Story, run_notebooks
from tabular.portable.files import load_model

from helpers.deployment import deployments, registry
from helpers.deployment.asking import endpoint
from helpers.deployment.rollout import timeline
from helpers.session import Session, connect, local, storage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(story: Story) -> Demo:
    """The first run: all notebooks, all tables."""
    return story.first


@pytest.fixture(scope="module")
def session(story: Story) -> Iterator[Session]:
    """Connected to what the runs left; local_aws was stopped after them and starts from its state."""
    with story.environment(), local("local"):
        yield connect("local", PIPELINE)


@pytest.fixture(scope="module")
def judged_again(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Notebook 03 once more: wine as before, by its entry, and a threshold that no model reaches."""
    as_before = {"name": "wine", "metric": "auc", "min_metric": 0.9}
    return run_notebooks(
        tmp_path_factory.mktemp("judged"),
        *("--only", "03", "-p", "DATASETS", json.dumps([as_before, "breast-cancer"])),
        *("-p", "METRIC_FOR_REGISTRATION", "log_loss", "-p", "MIN_METRIC_FOR_REGISTRATION", "0.0001"),
    )


def eventually(check: Callable[[], bool], seconds: float = HANGS) -> bool:
    """Whether a check holds before the time is over: the invoker keeps its map for some seconds."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def artifact(session: Session, uri: str, folder: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(storage.read(session, uri))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def served_version(session: Session, dataset: str) -> int | None:
    row = endpoint.held_out_rows(session).get(dataset, [[0.0]])[0]
    answer = endpoint.invoke(session, {"model": dataset, "data": [row]})
    return int(answer.headers["x-model-version"]) if answer.status_code == 200 else None


def test_it_ends_well_and_prints_a_table_of_what_it_found(demo: Demo) -> None:
    assert demo.code == 0, demo.errors
    assert demo.errors == ""
    last_lines = demo.output.strip().splitlines()[-len(demo.tables) :]
    assert [line.split()[0] for line in last_lines] == demo.tables


def test_every_notebook_is_run_in_order(demo: Demo) -> None:
    names = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    assert list(demo.summary["notebooks"]) == names
    assert sorted(path.stem for path in demo.folder.glob("*.ipynb")) == names


@pytest.mark.parametrize("name", [path.name for path in NOTEBOOKS])
def test_each_answer_to_a_question_shows_something_where_it_stands(demo: Demo, name: str) -> None:
    cells = nbformat.read(demo.folder / name, as_version=4).cells
    given = [code for cell in cells if question(cell) for code in answers(cell)]
    executed = [cell for cell in cells if TAG in cell.metadata.get("tags", [])]
    assert [cell.source for cell in executed] == given
    assert [cell.source for cell in executed if not cell.outputs] == []


def test_it_says_for_each_cell_and_each_step_how_far_it_is(demo: Demo) -> None:
    assert "s  # Compile" in demo.output
    assert f"SearchAndRefit Succeeded {TRIALS} of {TRIALS} trials" in demo.output


@pytest.mark.parametrize(
    ("dataset", "metric", "least"), [("breast-cancer", "auc", 0.97), ("wine", "accuracy", 0.9)]
)
def test_the_models_are_good(demo: Demo, dataset: str, metric: str, least: float) -> None:
    assert demo.summary["data_sets"][dataset]["scores"]["held_out"][metric] > least


def test_the_summary_names_everything_one_asks_of_a_run(demo: Demo) -> None:
    for facts in demo.own.values():
        assert facts["algorithm"]
        assert facts["hyperparameters"] or facts["search"]["ensemble"]["chosen"]
        assert facts["scores"]["cross_validation"] < 0  # the negated log loss
        assert facts["version"] == facts["in_service"] == 1
        assert f"/models/{PIPELINE}--" in facts["links"]["artifact"]
        assert "accuracy" in facts["predictions"]
        assert set(facts["steps"]) >= {"PreprocessData", "SearchAndRefit", "EvaluateBestModel"}
        assert (facts["search"]["way"], facts["search"]["trials"]) == ("packed", TRIALS)
        assert facts["search"]["failed"] == 0


def test_what_it_asks_of_aws_is_what_local_aws_lists(story: Story) -> None:
    scope = json.loads((resources.files("local_aws.gateway") / "scope.json").read_text())
    listed, asked = set(scope["demo"]), set(story.operations)
    assert (asked - listed, listed - asked) == (set(), set())


def test_what_was_in_service_is_in_service_after_a_restart(session: Session, demo: Demo) -> None:
    assert {
        name: entry["version"] for name, entry in deployments.in_service(session).items()
    } == dict.fromkeys(demo.tables, 1)


@pytest.mark.parametrize("dataset", OWN_TABLES)
def test_predictions_through_the_url_are_the_models_own_row_by_row(
    session: Session, dataset: str, tmp_path: Path
) -> None:
    package = registry.packages(session, dataset)[-1]
    rows = endpoint.held_out(session, package)
    answer = endpoint.predict(session, dataset, endpoint.rows_of(rows.features))

    key = deployments.in_service(session)[dataset]["key"]
    served = load_model(artifact(session, session.uri(key), tmp_path / "served"))
    own = served.predict(rows.features.to_numpy(dtype=np.float64), [])
    assert answer["predictions"] == own.labels
    # A model's own type of number: the shortest text of a float32 is another float64.
    assert np.array_equal(np.array(answer["probabilities"], own.probabilities.dtype), own.probabilities)

    refit = registry.metadata(session, package)["refit-training-job"]
    model_uri = session.client("sagemaker").describe_training_job(TrainingJobName=refit)["ModelArtifacts"]
    output_uri = model_uri["S3ModelArtifacts"].replace("model.tar.gz", "output.tar.gz")
    fitted = joblib.load(artifact(session, output_uri, tmp_path / "fitted") / "pipeline.joblib")
    assert np.allclose(answer["probabilities"], fitted.predict_proba(rows.features), atol=1e-7)


@pytest.mark.parametrize("dataset", OWN_TABLES)
def test_one_row_at_a_time_gives_what_all_rows_at_once_give(session: Session, dataset: str) -> None:
    rows = endpoint.held_out_rows(session)[dataset][:10]
    together = endpoint.predict(session, dataset, rows)["predictions"]
    assert [endpoint.predict(session, dataset, [row])["predictions"][0] for row in rows] == together


def test_a_person_asks_as_the_page_of_own_tables_says(session: Session, tmp_path: Path) -> None:
    page = (ROOT / "docs/tables/own-tables.md").read_text().split("## How to ask for predictions")[1]
    shell, python = re.findall(r"(?ms)^```(?:python)?\n(.*?)^```$", page)[:2]
    here = {"us-east-1": session.region, '"many-models")': f'"{PIPELINE}")'}  # as the story is set up
    for there, ours in here.items():
        shell, python = shell.replace(there, ours), python.replace(there, ours)
    rows = endpoint.held_out_rows(session)["wine"][:2]
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False, header=False)
    (tmp_path / "ask.py").write_text(python)
    found = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    own = {name: value for name, value in found.items() if not name.startswith("AWS_")}
    asked = subprocess.run(
        ["bash", "-euc", f"{shell}\npython ask.py"], cwd=tmp_path, env=own, capture_output=True, text=True
    )
    assert asked.returncode == 0, asked.stderr
    by_curl, by_python = asked.stdout.replace("}{", "}\n{").splitlines()
    expected = endpoint.predict(session, "wine", rows)
    assert json.loads(by_curl)["predictions"] == expected["predictions"]
    assert by_python == str(expected)


def test_the_model_that_is_in_service_is_not_registered_again(session: Session, judged_again: Demo) -> None:
    wine = judged_again.summary["data_sets"]["wine"]
    assert wine["outcome"] == "kept"
    assert wine["said"].startswith("This is version 1 again: the same training rows gave the same model")
    assert wine["said"].endswith(" Version 1 stays in service.")
    assert len(registry.packages(session, "wine")) == 2


def test_a_decision_can_be_taken_back_version_by_version(session: Session, story: Story) -> None:
    for run, version in ((story.again, 2), (story.back, 1)):  # a second version; the previous serves again
        wine = run.summary["data_sets"]["wine"]
        assert (wine["in_service"], wine["awaits_decision"]) == (version, False), run.errors
        assert wine["decision"] == {2: "approve", 1: "reject"}[version]
    assert served_version(session, "wine") == 1
    # Of the other split's held-out rows the first version has learnt too many to be compared.
    gate = registry.evaluations(session, registry.packages(session, "wine")[:1])["wine"]["gate"]
    assert "held-out rows are new to it, and 30 are needed" in gate["comparison"]

    decisions = decide(session, "reject", "wine", versions={"wine": 1})
    deployments.wait(session, decisions, seconds=HANGS)
    question = {"model": "wine", "data": [[1.0] * 13]}
    assert eventually(lambda: endpoint.invoke(session, question).status_code == 404), "none is left"
    assert served_version(session, "breast-cancer") == 1

    decisions = decide(session, "approve", "wine", versions={"wine": 1})  # others look at what the story left
    deployments.wait(session, decisions, seconds=HANGS)
    assert eventually(lambda: served_version(session, "wine") == 1)


def test_tables_that_cannot_be_used_keep_no_other_from_being_served_and_are_told(story: Story) -> None:
    again = story.again
    assert again.code == 1
    found = again.summary["data_sets"]
    assert {name: each["outcome"] for name, each in found.items()} == {
        "wine": "registered",
        "rare": "failed",
        "gone": "failed",
    }
    assert again.summary["error"] == "2 of 3 data sets failed: rare, gone."
    assert "Only one row is 'z'" in found["rare"]["said"]
    for name in ("rare", "gone"):
        assert f"{name}: {found[name]['said']}\n{found[name]['advice']}\n" in again.errors
    assert f"`many-models run FILE --resume {again.folder.name}` goes on with" in again.errors
    assert {each["status"] for each in again.summary["notebooks"].values()} == {"done"}
    assert again.summary["cost"]["billable_seconds"] > 0


def test_a_run_that_only_decides_names_the_tables_without_a_model(story: Story) -> None:
    assert story.back.code == 1
    found = story.back.summary["data_sets"]
    assert (found["wine"]["outcome"], found["wine"]["version"]) == ("registered", 2)
    for name in ("rare", "gone"):
        assert found[name]["outcome"] == "failed"
        assert found[name]["said"] == "No version of it is in the registry, so there is nothing to decide on."


def test_the_gate_refuses_what_stays_under_the_threshold(session: Session, judged_again: Demo) -> None:
    assert judged_again.code == 3, judged_again.errors
    found = judged_again.summary["data_sets"]["breast-cancer"]
    assert found["outcome"] == "refused"
    assert found["said"].startswith("Worse than the threshold: log_loss 0.")
    assert judged_again.summary["status"] == "refused"
    happened = timeline.events(session, ["breast-cancer"])
    (told,) = happened["why"][happened["what"] == "refused by the gate"]
    assert told == found["said"]
