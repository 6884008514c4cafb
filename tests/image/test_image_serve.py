"""`docker run IMAGE serve` as an endpoint's container: the multi-model contract, and what it does without.

Most containers have no network: they are asked from within, by a client that `docker exec` starts.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.container.server import serving
from support.container.tables import fit, fitted, mixed
from support.image.engine import Engine
from tabular.portable import files
from tabular.spec.algorithms import ALGORITHMS

# No network, nothing to write to, nobody's user, and less memory than any instance has.
CONFINED = ("--network", "none", "--read-only", "--user", "54321:54321", "--cap-drop", "ALL")
CLIENT = """
import http.client, json, os, sys
for method, path, body, headers in json.load(sys.stdin):
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    print(json.dumps([response.status, response.read().decode()]))
"""
WAIT = """
import http.client, time
while True:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=5)
        connection.request("GET", "/ping")
        raise SystemExit(connection.getresponse().status != 200)
    except OSError:
        time.sleep(0.01)
"""
HEALTHY_SECONDS = 2.0


class Served:
    """A running container."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.name = engine, name

    def ask(self, *requests: tuple[str, str, Any]) -> list[tuple[int, Any]]:
        """Status and JSON of each answer; bodies that are no text are sent as JSON."""
        sent = []
        for method, path, body in requests:
            kind = "text/csv" if isinstance(body, str) else "application/json"
            content = body if isinstance(body, str) or body is None else json.dumps(body)
            sent.append((method, path, content, {"Content-Type": kind, "Accept": "application/json"}))
        said = self.engine("exec", "-i", self.name, "python", "-c", CLIENT, typed=json.dumps(sent))
        return [(status, json.loads(text or "null")) for status, text in map(json.loads, said.splitlines())]

    def load(self, name: str, folder: str) -> tuple[str, str, Any]:
        return ("POST", "/models", {"model_name": name, "url": f"/opt/ml/models/{folder}"})


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What SageMaker has unpacked under /opt/ml/models: a model of each algorithm, and a large one."""
    folder = tmp_path_factory.mktemp("models")
    made = {name: fitted(name, "multiclass") for name in ALGORITHMS}
    made["large"] = fit(mixed("binary", rows=3000), "RandomForest", "binary", {"n_estimators": "300"})
    for name, one in made.items():
        (folder / name).mkdir()
        files.save_model(folder / name, one.manifest, one.arrays)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


Serve = Callable[..., Any]


@pytest.fixture
def serve(engine: Engine, image: str, models: Path) -> Serve:
    """Start a container with SageMaker's variables, and wait for its first ping."""

    @contextmanager
    def start(*options: str) -> Iterator[Served]:
        volume = ("--volume", f"{models}:/opt/ml/models:ro")
        multi = ("--env", "SAGEMAKER_MULTI_MODEL=true")
        name = engine("run", "--detach", *volume, *multi, *options, image, "serve").strip()
        try:
            engine("exec", name, "python", "-c", WAIT)
            yield Served(engine, name)
        except AssertionError:
            print(engine("logs", name))
            raise
        finally:
            engine("rm", "--force", name)

    return start


def rows(name: str = "LightGBM") -> list[list[Any]]:
    frame = fitted(name, "multiclass").frame.head(40).astype(object)
    return frame.where(frame.notna(), None).values.tolist()


def test_the_multi_model_contract(serve: Serve) -> None:
    with serve(*CONFINED) as served:
        one, other = served.load("one", "LightGBM"), served.load("other", "NaiveBayes")
        invoke = ("POST", "/models/one/invoke", rows())
        answers = served.ask(
            ("GET", "/ping", None),
            ("GET", "/models", None),
            invoke,
            one,
            one,
            other,
            ("GET", "/models", None),
            ("GET", "/models/one", None),
            invoke,
            ("DELETE", "/models/one", None),
            invoke,
            ("DELETE", "/models/one", None),
            ("POST", "/models/other/invoke", rows()),
            served.load("bad", "absent"),
            ("POST", "/models/other/invoke", [["too", "few"]]),
        )
        assert [status for status, _ in answers] == [
            *(200, 200, 404),  # healthy, nothing loaded yet
            *(200, 409, 200),  # loaded once each
            *(200, 200, 200),
            *(200, 404, 404),  # unloaded once
            *(200, 400, 400),
        ]
        assert answers[1][1]["models"] == []
        assert {model["modelName"] for model in answers[6][1]["models"]} == {"one", "other"}
        assert len(answers[8][1]["predictions"]) == 40
        assert all(answer["error"] for status, answer in answers if status >= 400)


def test_memory_that_there_is_not_answers_507_until_something_is_unloaded(serve: Serve) -> None:
    with serve(*CONFINED, "--memory", "128m") as served:
        answers = served.ask(*(served.load(f"model-{i}", "large") for i in range(40)))
        statuses = [status for status, _ in answers]
        loaded = statuses.count(200)
        assert 0 < loaded < 40
        assert statuses == [200] * loaded + [507] * (40 - loaded)
        table = mixed("binary", rows=3000).drop(columns="target").head(200)
        csv = table.to_csv(index=False, header=False)
        answers = served.ask(
            ("POST", "/models/model-0/invoke", csv),
            ("DELETE", "/models/model-0", None),
            served.load("late", "large"),
            ("POST", "/models/late/invoke", csv),
        )
        assert [status for status, _ in answers] == [200] * 4
        assert len(answers[3][1]["predictions"]) == 200
        state = served.engine("inspect", "--format", "{{.State.OOMKilled}} {{.RestartCount}}", served.name)
        assert state.split() == ["false", "0"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_predictions_are_those_of_a_process_of_this_machine(
    serve: Serve, models: Path, tmp_path: Path, algorithm: str
) -> None:
    asked = rows(algorithm)
    with serve(*CONFINED) as served:
        loaded, (status, inside) = served.ask(
            served.load("one", algorithm), ("POST", "/models/one/invoke", asked)
        )
        assert (loaded[0], status) == (200, 200)
    with serving(tmp_path) as here:
        assert here.load("one", models / algorithm).status == 200
        outside = here.invoke("one", asked).json
    assert inside["predictions"] == outside["predictions"]
    np.testing.assert_allclose(inside["probabilities"], outside["probabilities"], rtol=1e-12)


def test_it_serves_on_the_port_that_sagemaker_chooses_and_says_that_it_is_healthy(
    engine: Engine, image: str
) -> None:
    variables = ("--env", "SAGEMAKER_BIND_TO_PORT=25123", "--env", "SAGEMAKER_MULTI_MODEL=true")
    options = ("--detach", *CONFINED, "--health-interval", "1s", *variables)
    name = engine("run", *options, image).strip()  # `serve` is its default
    try:
        deadline = time.monotonic() + 30
        while (state := health(engine, name)) != "healthy":
            assert time.monotonic() < deadline, state
            time.sleep(0.2)
    finally:
        engine("rm", "--force", name)


def health(engine: Engine, name: str) -> str:
    return engine("inspect", "--format", "{{.State.Health.Status}}", name).strip()


def test_it_ends_within_sagemakers_30_seconds_of_sigterm(
    serve: Serve, engine: Engine, figures: dict[str, str]
) -> None:
    with serve(*CONFINED) as served:
        served.ask(served.load("one", "LightGBM"))
        begin = time.monotonic()
        engine("stop", "--time", "30", served.name)
        figures["SIGTERM to the end of serve"] = f"{time.monotonic() - begin:.1f} s"
        assert engine("inspect", "--format", "{{.State.ExitCode}}", served.name).strip() == "0"
        assert engine("logs", served.name) == "", "it says nothing that nobody has to read"


def test_a_model_that_cannot_be_served_ends_a_single_model_container_with_a_sentence(
    engine: Engine, image: str
) -> None:
    done = engine.run(image, "serve", options=CONFINED)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_start_to_first_ping_and_first_prediction(
    serve: Serve, engine: Engine, image: str, models: Path, figures: dict[str, str]
) -> None:
    """The median of three; `docker run` and the client's own start are part of it."""
    pings, predictions = [], []
    for _ in range(3):
        begin = time.monotonic()
        with serve(*CONFINED) as served:
            pings.append(time.monotonic() - begin)
            answers = served.ask(served.load("one", "LightGBM"), ("POST", "/models/one/invoke", rows()))
            predictions.append(time.monotonic() - begin)
            assert [status for status, _ in answers] == [200, 200]
    figures["docker run to first ping"] = f"{sorted(pings)[1]:.2f} s"
    figures["docker run to first prediction"] = f"{sorted(predictions)[1]:.2f} s"
    figures["target: first ping"] = f"{HEALTHY_SECONDS:.2f} s"
