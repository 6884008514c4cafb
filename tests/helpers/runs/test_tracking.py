"""Executions in MLflow, in a real store: a run for each, its trials as children, at most a warning."""

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import runs
from helpers.runs import tracking
from helpers.runs.executions.execution import Execution
from helpers.session import Session

needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None,
    reason="there is no MLflow here: make test-mlflow",
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty store in SQLite, with its artifacts beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri := f"sqlite:///{tmp_path}/mlflow.db")
    return uri


@needs_mlflow
@pytest.mark.slow
def test_an_execution_is_a_run_its_trials_are_children_and_it_is_written_once(
    session: Session, ran: Execution, store: str, capfd: pytest.CaptureFixture[str]
) -> None:
    from mlflow import MlflowClient

    runs.track(session, [ran])
    runs.track(session, [ran])
    assert "run" not in capfd.readouterr().out, "a line for each trial would bury the notebook's own"
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("many-models--wine").experiment_id
    trials = runs.leaderboard(session, ran)
    found = client.search_runs([experiment])
    (whole,) = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in found if run.data.tags.get("mlflow.parentRunId") == whole.info.run_id]
    assert len(children) == len(trials) == len(found) - 1
    assert sorted(run.data.metrics["score"] for run in children) == sorted(trials["score"].dropna())
    assert {run.data.params["algorithm"] for run in children} == set(trials["algorithm"])
    report = runs.evaluation(session, ran)
    assert whole.data.params["algorithm"] == report["model"]["algorithm"]
    assert whole.data.metrics["cross_validation_score"] == report["model"]["cross_validation"]["score"]
    assert whole.data.metrics[report["gate"]["metric"]] == pytest.approx(report["gate"]["value"])
    assert (whole.info.status, whole.data.tags["execution"]) == ("FINISHED", ran.arn)
    page = Path(client.download_artifacts(whole.info.run_id, tracking.PAGE)).read_text()
    assert page.startswith("<!doctype html>")


@needs_mlflow
def test_a_server_that_does_not_answer_is_a_warning_in_one_sentence(
    session: Session, ran: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.warns(
            UserWarning, match=r"does not have .+ not affected; run 03 again to write it\.$"
        ) as all_:
            runs.track(session, [ran])
    (said,) = [str(one.message) for one in all_ if "MLflow at" in str(one.message)]
    assert "\n" not in said


def test_where_mlflow_is_not_installed_a_warning_says_so(
    session: Session, ran: Execution, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    page = "docs/operations/mlflow.md"
    with pytest.warns(UserWarning, match=rf"^MLflow is not installed, so .+ {page} says how to\.$"):
        runs.track(session, [ran])


def test_without_an_address_nothing_of_mlflow_is_imported(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking.tracking_uri(session) == ""
    code = "import sys, helpers.runs; sys.exit(any(name.startswith('mlflow') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)
