"""The container's side of a multi-model endpoint, called as SageMaker calls it.

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

import asyncio
import csv
import json
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from support import HANGS
from support.container.jobs import run
from support.container.server import rest_of, serving
from support.container.tables import MODELS, TASKS, fitted
from tabular.serving.models import Models
from tabular.serving.server import ModelServer

CSV = "red,1.5,yes,100,c1\n"
MIB = 1 << 20


@pytest.fixture
def name():
    """A name nobody has used."""
    return f"model-{uuid4().hex[:8]}"


@pytest.fixture
def loaded(server, name, make_folder):
    """The name of a loaded model, which is unloaded at the end."""
    assert server.load(name, make_folder()).status == 200
    yield name
    server.unload(name)


def rows_of(one, count=20):
    """Rows as a client sends them."""
    rows = one.frame.head(count).astype(object)
    return rows.where(rows.notna(), None).to_numpy().tolist()


def test_a_server_without_a_model_answers_its_ping(tmp_path):
    with serving(tmp_path) as server:
        assert server.ask("GET", "/ping").status == 200
        assert server.ask("GET", "/models").json == {"models": []}


def status_of(server, method, path, **headers):
    """The status of an answer, without a network."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message):
        sent.append(message)

    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
    asyncio.run(server({**scope, "query_string": b"", "headers": given}, receive, send))
    return sent[0]["status"]


@pytest.mark.parametrize("path", ["/ping", "/models"])
def test_with_a_token_only_whoever_knows_it_is_answered(path):
    server = ModelServer(Models(), token="secret")
    assert status_of(server, "GET", path, authorization="Bearer secret") == 200
    for headers in ({}, {"authorization": "Bearer other"}, {"authorization": "secret"}, {"host": "secret"}):
        assert status_of(server, "GET", path, **headers) == 403
    assert status_of(ModelServer(Models()), "GET", path) == 200


def test_a_model_is_loaded_described_listed_and_unloaded(server, name, make_folder):
    folder = make_folder()
    described = {"modelName": name, "modelUrl": str(folder)}
    assert server.ask("GET", f"/models/{name}").status == 404
    answer = server.load(name, folder)
    assert (answer.status, answer.json) == (200, described)
    assert server.ask("GET", f"/models/{name}").json == described
    assert described in server.ask("GET", "/models").json["models"]
    assert server.invoke(name, CSV).status == 200
    assert server.unload(name).status == 200
    assert server.invoke(name, CSV).status == 404
    assert server.unload(name).status == 404
    assert described not in server.ask("GET", "/models").json["models"]
    assert server.load(name, folder).status == 200
    assert server.unload(name).status == 200


def test_load_twice_answers_409(server, loaded, make_folder):
    answer = server.load(loaded, make_folder("XGBoost"))
    assert (answer.status, answer.json) == (409, {"error": f"Model {loaded!r} is already loaded."})
    assert server.invoke(loaded, CSV).status == 200


def test_of_loads_at_the_same_time_one_answers_200(server, make_folder):
    folder = make_folder("RandomForest", "multiclass")
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            name = uuid4().hex
            statuses = list(pool.map(lambda _, name=name: server.load(name, folder).status, range(8)))
            assert sorted(statuses) == [200] + [409] * 7
            server.unload(name)


def test_a_model_that_cannot_be_used_answers_400_and_leaves_the_others_alone(server, loaded, make_folder):
    folder = make_folder()
    (folder / "model.safetensors").write_bytes(b"half a fi")
    answer = server.load("broken", folder)
    assert (answer.status, answer.content_type) == (400, "application/json")
    assert answer.json == {"error": "The SHA-256 of model.safetensors is not the one in manifest.json."}
    shutil.rmtree(folder)
    assert server.load("broken", folder).json == {"error": "The model has no manifest.json."}
    assert server.ask("GET", "/models/broken").status == 404
    assert server.invoke("broken", CSV).status == 404
    assert server.invoke(loaded, CSV).status == 200


def test_a_pickle_in_a_models_folder_is_never_opened(server, name, make_folder, tmp_path):
    folder = make_folder()
    evil = b"cos\nsystem\n(S'touch " + str(tmp_path / "opened").encode() + b"'\ntR."
    for file in ("model.pkl", "model.joblib", "pipeline.joblib"):
        (folder / file).write_bytes(evil)
    assert server.load(name, folder).status == 200
    (folder / "manifest.json").write_bytes(evil)
    assert server.load(f"{name}-2", folder).status == 400
    assert not (tmp_path / "opened").exists()
    server.unload(name)


def test_a_path_under_opt_ml_is_below_the_base_folder(tmp_path, make_folder):
    shutil.copytree(make_folder(), tmp_path / "models/abc/model")
    with serving(tmp_path) as server:
        answer = server.load("abc", "/opt/ml/models/abc/model")
        assert (answer.status, answer.json["modelUrl"]) == (200, "/opt/ml/models/abc/model")
        assert server.invoke("abc", CSV).status == 200


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "3", '{"model_name": "a"}', '{"model_name": 1, "url": "/x"}', '{"url": "/x"}', b"\xff"],
)
def test_a_load_without_name_and_path_answers_400(server, body):
    answer = server.ask("POST", "/models", body)
    assert (answer.status, answer.json["error"]) == (
        400,
        'The body is not {"model_name": text, "url": text}.',
    )


def test_a_name_may_hold_what_a_path_may_not(server, make_folder):
    assert server.load("a/b c?#ü", make_folder()).status == 200
    path = "/models/a%2Fb%20c%3F%23%C3%BC"
    assert server.ask("GET", path).json["modelName"] == "a/b c?#ü"
    assert server.ask("POST", f"{path}/invoke", CSV).status == 200
    assert server.ask("DELETE", path).status == 200


def test_many_models_are_listed_in_pages(tmp_path, make_folder):
    folder = make_folder("NaiveBayes")
    with serving(tmp_path) as server:
        names = [f"model-{i}" for i in range(205)]
        for name in names:
            server.load(name, folder)
        listed, query, sizes = [], "", []
        while True:
            page = server.ask("GET", f"/models{query}").json
            sizes.append(len(page["models"]))
            listed += [model["modelName"] for model in page["models"]]
            if "nextPageToken" not in page:
                break
            query = f"?next_page_token={page['nextPageToken']}"
        assert (listed, sizes) == (names, [100, 100, 5])
        assert server.ask("GET", "/models?next_page_token=100000").json == {"models": []}


@pytest.mark.parametrize("token", ["-1", "one", "1.5", "%C2%B2", "9" * 5000])
def test_a_page_that_was_not_offered_answers_400(server, token):
    answer = server.ask("GET", f"/models?next_page_token={token}")
    assert answer.status == 400
    assert answer.json["error"].endswith("does not come from this server.")


@pytest.mark.parametrize(("algorithm", "task"), [(name, task) for name in MODELS for task in TASKS])
def test_every_kind_of_model_answers_as_the_pipeline_it_was_made_of(
    server, name, make_folder, algorithm, task
):
    one = fitted(algorithm, task)
    assert server.load(name, make_folder(algorithm, task)).status == 200
    answer = server.invoke(name, rows_of(one)).json
    if task == "regression":
        assert answer == {"predictions": pytest.approx(one.pipeline.predict(one.frame.head(20)), rel=1e-6)}
    else:
        labels = [one.schema.classes[i] for i in one.pipeline.predict(one.frame.head(20))]
        assert (answer["predictions"], answer["classes"]) == (labels, list(one.schema.classes))
        theirs = one.pipeline.predict_proba(one.frame.head(20)).tolist()
        assert answer["probabilities"] == [pytest.approx(row, abs=1e-7) for row in theirs]
    server.unload(name)


def test_two_models_are_served_at_once(server, make_folder):
    kinds = {"one": ("RandomForest", "binary"), "two": ("NeuralNet", "regression")}
    expected = {}
    for name, kind in kinds.items():
        server.load(name, make_folder(*kind))
        expected[name] = server.invoke(name, CSV).body
    assert expected["one"] != expected["two"]
    with ThreadPoolExecutor(4) as pool:
        asked = [name for _ in range(40) for name in kinds]
        answers = list(pool.map(lambda name: server.invoke(name, CSV).body, asked))
    assert answers == [expected[name] for name in asked]
    for name in kinds:
        server.unload(name)


def test_a_large_body_is_answered_as_many_small_ones(server, loaded):
    small = server.invoke(loaded, CSV, accept="text/csv").text
    assert server.invoke(loaded, CSV * 20_000, accept="text/csv").text == small * 20_000


def test_the_answer_is_csv_unless_json_is_asked_for(server, loaded):
    answer = server.ask("POST", f"/models/{loaded}/invoke", CSV)
    assert (answer.status, answer.content_type) == (200, "text/csv")
    assert answer.text.rstrip("\n").strip('"') in ("no", "yes, it is")
    answer = server.invoke(loaded, CSV)
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert list(answer.json) == ["predictions", "classes", "probabilities"]


@pytest.mark.parametrize(
    ("attributes", "asked"),
    [
        ("probabilities=true", True),
        ("trace=7, Probabilities=TRUE", True),
        ("probabilities=false", False),
        ("probabilities", False),
        ("no-probabilities=true", False),
    ],
)
def test_a_custom_attribute_asks_for_probabilities_in_csv(server, loaded, attributes, asked):
    headers = {"Content_Type": "text/csv", "X_Amzn_SageMaker_Custom_Attributes": attributes}
    lines = server.ask("POST", f"/models/{loaded}/invoke", CSV * 2, **headers).text.splitlines()
    answer = server.invoke(loaded, CSV * 2).json
    expected = [
        [label, *map(repr, row)] if asked else [label]
        for label, row in zip(answer["predictions"], answer["probabilities"], strict=True)
    ]
    assert list(csv.reader(lines)) == expected


def test_a_regression_has_no_probabilities(server, name, make_folder):
    server.load(name, make_folder("LogisticRegression", "regression"))
    headers = {"Content_Type": "text/csv", "X_Amzn_SageMaker_Custom_Attributes": "probabilities=true"}
    answer = server.ask("POST", f"/models/{name}/invoke", CSV, **headers)
    sentence = "This model predicts a number, which has no probabilities; send the request without them."
    assert (answer.status, answer.json) == (400, {"error": sentence})
    server.unload(name)


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status"),
    [
        ("", "text/csv", "text/csv", 400),
        ("1,2", "text/csv", "text/csv", 400),
        ("red,big,yes,1,c1", "text/csv", "text/csv", 400),
        ("[[1]", "application/json", "application/json", 400),
        (b"\xff\xfe", "text/csv", "text/csv", 400),
        (CSV, "image/png", "text/csv", 415),
        (CSV, "text/csv", "image/png", 406),
        (b"1" * (6 * MIB + 1), "text/csv", "text/csv", 413),
    ],
)
def test_a_bad_request_answers_with_one_sentence_as_json(server, loaded, body, content_type, accept, status):
    answer = server.invoke(loaded, body, content_type, accept)
    assert (answer.status, answer.content_type) == (status, "application/json")
    assert list(answer.json) == ["error"]
    assert answer.json["error"].endswith(".")
    assert "Traceback" not in answer.text
    assert "\n" not in answer.json["error"]


def test_the_largest_body_that_the_platform_sends_is_read(server, loaded):
    body = (CSV * (6 * MIB // len(CSV) + 1))[: 6 * MIB]
    assert server.invoke(loaded, body[: body.rindex("\n") + 1], accept="text/csv").status == 200


def test_a_model_that_is_not_loaded_answers_404_whatever_is_sent(server):
    answer = server.invoke("absent", b"1" * 5 * MIB)
    assert (answer.status, answer.json) == (404, {"error": "Model 'absent' is not loaded."})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", "/ping"),
        ("PUT", "/models"),
        ("GET", "/models/a/invoke"),
        ("POST", "/models/a/b/invoke"),
        ("GET", "/invocations"),
        ("GET", "/%ff"),
    ],
)
def test_what_is_not_part_of_the_contract_answers_404(server, method, path):
    answer = server.ask(method, path)
    assert (answer.status, list(answer.json)) == (404, ["error"])


def test_a_multi_model_server_has_no_model_of_its_own(server):
    assert server.ask("POST", "/invocations", CSV).status == 404


def test_the_callers_own_name_and_unknown_headers_change_nothing(server, loaded):
    headers = {"X_Amzn_SageMaker_Target_Model": "wine/3.tar.gz", "X_Amzn_SageMaker_Custom_Attributes": "a=b"}
    answer = server.ask("POST", f"/models/{loaded}/invoke", CSV, Content_Type="text/csv", **headers)
    assert answer.status == 200


def test_many_pings_are_answered_while_large_bodies_are(server, name, make_folder):
    server.load(name, make_folder("RandomForest"))
    with ThreadPoolExecutor(2) as pool:
        work = [pool.submit(server.invoke, name, CSV * 30_000) for _ in range(2)]
        pings = 0
        while not any(done.done() for done in work):
            assert server.ask("GET", "/ping").status == 200
            pings += 1
    assert all(done.result().status == 200 for done in work)
    assert (
        pings > 3
    )  # of a server that answers one thing after the other it would be one; of this one, some twenty
    server.unload(name)


def test_a_single_model_container_serves_the_model_it_was_given(tmp_path, make_folder):
    shutil.copytree(make_folder("LightGBM", "multiclass"), tmp_path / "model")
    with serving(tmp_path, multi_model=False) as server:
        answer = server.ask("POST", "/invocations", CSV, Content_Type="text/csv", Accept="application/json")
        assert answer.status == 200
        assert answer.json["classes"] == [0, 10, 20]
        assert server.ask("POST", "/invocations", "1,2").status == 400


def test_a_single_model_container_without_a_model_says_so_and_ends(tmp_path):
    with pytest.raises(AssertionError) as failed, serving(tmp_path, multi_model=False):
        pass
    assert "The model has no manifest.json." in str(failed.value)
    assert "Traceback" not in str(failed.value)


def refuses_connections(server):
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=HANGS).close()
    except OSError:
        return True
    return False


def test_sigterm_lets_requests_under_way_finish_and_then_ends(tmp_path, make_folder):
    with serving(tmp_path) as server:
        server.load("a", make_folder())
        idle = socket.create_connection(("127.0.0.1", server.port))
        under_way = server.begin("/models/a/invoke", CSV.encode())
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + HANGS
        while not refuses_connections(server):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert server.process.poll() is None
        under_way.sendall(CSV.encode())
        assert rest_of(under_way).status == 200
        _, errors = server.process.communicate(timeout=HANGS)
        assert errors == ""  # else it says that its own limit has ended it, not the end of the requests
        idle.close()


def test_sigterm_ends_an_idle_server_at_once_and_in_silence(tmp_path):
    with serving(tmp_path) as server:
        server.process.terminate()
        _, errors = server.process.communicate(timeout=HANGS)
        assert errors == ""


def test_a_port_in_use_ends_the_server(server, tmp_path):
    settings = {"SAGEMAKER_MULTI_MODEL": "true", "SAGEMAKER_BIND_TO_PORT": str(server.port)}
    done = run("serve", tmp_path, SERVE_HOST="127.0.0.1", **settings)
    assert done.returncode != 0
    assert "address already in use" in done.stderr.lower()


def test_manifests_are_read_as_utf8_whatever_the_locale(tmp_path, make_folder, monkeypatch):
    folder = make_folder()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["columns"][0]["name"] = "größe"
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    with serving(tmp_path) as server:
        assert server.load("a", folder).status == 200
        body = "größe,size,member,income,code\n" + CSV
        assert server.invoke("a", body).status == 200
