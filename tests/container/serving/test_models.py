"""Models in one process: a memory budget, and many threads that load, unload and predict at the same time."""

import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.container.server import rest_of, serving
from tabular.serving import memory, models
from tabular.serving.codec import BadRequest
from tabular.serving.models import Models

MIB = 1 << 20
CSV = "red,1.5,yes,100,c1\n"


def refused(call, *arguments):
    with pytest.raises(BadRequest) as refusal:
        call(*arguments)
    return refusal.value.status, str(refusal.value)


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """Stand-ins for the files of the control group; a machine of 100 GB on which the server takes 50 MB."""
    files = (tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes")
    monkeypatch.setattr(memory, "CGROUP_LIMITS", files)
    monkeypatch.setattr(memory, "_physical", lambda: 100_000 * MIB)
    monkeypatch.setattr(memory, "_resident", lambda: 50 * MIB)
    monkeypatch.delenv("SERVE_MEMORY_BYTES", raising=False)
    return files


def test_the_environment_variable_decides_first(limits, monkeypatch):
    limits[0].write_text("1000000000\n")
    monkeypatch.setenv("SERVE_MEMORY_BYTES", "123456789")
    assert memory.budget() == 123_456_789


@pytest.mark.parametrize("text", ["1 GB", "-1", "1e9", "lots", "²"])
def test_a_variable_that_is_no_number_of_bytes_is_refused(limits, monkeypatch, text):
    monkeypatch.setenv("SERVE_MEMORY_BYTES", text)
    with pytest.raises(ValueError, match=r"set it to a whole number of bytes, or leave it out\.$"):
        memory.budget()


@pytest.mark.parametrize("version", [0, 1])
def test_three_quarters_of_the_control_groups_limit_are_for_models(limits, version):
    limits[version].write_text(f"{1000 * MIB}\n")
    assert memory.budget() == 700 * MIB
    assert memory.for_requests() == 250 * MIB


@pytest.mark.parametrize("text", ["max\n", "9223372036854771712\n", None])
def test_without_a_limit_the_machines_memory_is_the_limit(limits, text):
    if text:
        limits[0].write_text(text)
    assert memory.budget() == 74_950 * MIB


def test_a_limit_that_the_server_alone_fills_leaves_nothing(limits):
    limits[0].write_text(f"{20 * MIB}")
    assert memory.budget() == 0


def test_where_the_system_says_nothing_there_is_no_budget(limits, monkeypatch):
    monkeypatch.setattr(memory, "_physical", lambda: None)
    assert memory.budget() is None


def test_out_of_budget_loads_answer_507_and_the_rest_keep_serving(make_folder):
    folder = str(make_folder("XGBoost"))
    held = Models()
    held.load("one", folder)
    each = held.used
    held = Models(budget=2 * each + each // 2)
    held.load("one", folder)
    held.load("two", folder)
    for _ in range(3):
        status, sentence = refused(held.load, "three", folder)
        assert status == 507
        assert sentence == (
            f"Model 'three' needs {each:,} bytes, and the loaded models use {2 * each:,} of {held.budget:,}; "
            "unload some models first."
        )
    assert held.find("one").model.classes == held.find("two").model.classes
    assert refused(held.find, "three")[0] == 404
    held.unload("one")
    held.load("three", folder)
    assert held.used == 2 * each


def test_what_is_refused_is_not_counted(make_folder, tmp_path):
    held, folder = Models(budget=10**9), make_folder()
    assert refused(held.load, "absent", str(tmp_path / "absent"))[0] == 400
    assert refused(held.load, "nul", "/models/\0")[0] == 400
    (folder / "manifest.json").write_text("{}")
    assert refused(held.load, "broken", str(folder))[0] == 400
    assert held.used == 0


def test_memory_that_the_system_does_not_give_answers_507(make_folder, monkeypatch):
    def fail(folder: Path, pickles: frozenset[str]) -> None:
        raise MemoryError

    monkeypatch.setattr(models, "load_model", fail)
    held = Models()
    assert refused(held.load, "one", str(make_folder())) == (
        507,
        "There is not enough memory for model 'one'.",
    )
    assert held.used == 0


def test_a_server_keeps_the_budget_it_is_given(tmp_path, make_folder, monkeypatch):
    folder = make_folder()
    monkeypatch.setenv("SERVE_MEMORY_BYTES", "60000")
    with serving(tmp_path) as server:
        statuses = [server.load(f"model-{i}", folder).status for i in range(10)]
        loaded = statuses.count(200)
        assert 0 < loaded < 10
        assert statuses == [200] * loaded + [507] * (10 - loaded)
        assert server.invoke("model-0", CSV).status == 200
        assert server.unload("model-0").status == 200
        assert server.load("model-9", folder).status == 200
        assert server.invoke("model-9", CSV).status == 200


def test_a_budget_that_is_no_number_ends_the_server_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("SERVE_MEMORY_BYTES", "much")
    with pytest.raises(AssertionError, match="SERVE_MEMORY_BYTES is 'much'") as failed, serving(tmp_path):
        pass
    assert "Traceback" not in str(failed.value)


def resident(server):
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


@needs_proc
def test_the_memory_of_unloaded_models_goes_back_to_the_system(tmp_path, make_folder):
    folder = make_folder("RandomForest", "multiclass")
    with serving(tmp_path) as server:

        def load_and_unload(count):
            names = [f"model-{i}" for i in range(count)]
            for name in names:
                assert server.load(name, folder).status == 200
            full = resident(server)
            for name in names:
                assert server.unload(name).status == 200
            return full

        load_and_unload(20)
        before = resident(server)
        full = load_and_unload(400)
        after = resident(server)
        assert full - before > 10  # MB
        assert after - before < 0.5 * (full - before)  # the small objects of Python are kept for the next
        load_and_unload(400)
        # MB; Python's allocator takes memory by the MB, and 3.13 takes one more, once.
        assert resident(server) - after < 2


@needs_proc
def test_bad_requests_leave_nothing_behind(tmp_path, make_folder):
    broken = make_folder()
    (broken / "manifest.json").write_text("{" * 10_000)
    draw = random.Random(5)
    bodies = [
        draw.randbytes(20_000),
        b"1," * 10_000,
        b"[" * 20_000,
        b'{"a":1}',
        b'"' * 9_999,
        b"red,x,yes,1,c\n",
    ]
    with serving(tmp_path) as server:
        server.load("model", make_folder())

        def misbehave(times):
            for body, kind in itertools.islice(
                itertools.cycle(itertools.product(bodies, ["text/csv", "application/json"])), times
            ):
                assert 400 <= server.invoke("model", body, kind).status < 500
                assert server.load("broken", broken).status == 400
            return resident(server)

        first = misbehave(150)
        assert misbehave(450) - first < 4  # MB
        assert server.invoke("model", CSV).status == 200


def test_many_threads_that_load_unload_and_ask_keep_the_contract(server, make_folder):
    """Each answer is one that the contract allows, and in the end the books are right."""
    folders = [make_folder(kind) for kind in ("RandomForest", "NeuralNet", "XGBoost")]
    names = [f"shared-{i}" for i in range(4)]
    expected = {}
    for i, folder in enumerate(folders):
        server.load(f"reference-{i}", folder)
        expected[i] = server.invoke(f"reference-{i}", CSV).body
        server.unload(f"reference-{i}")
    seen = {"load": set(), "unload": set(), "invoke": set()}
    counted = {"loads": 0, "unloads": 0}
    lock = threading.Lock()

    def misuse(seed):
        draw = random.Random(seed)
        for _ in range(200):
            name = draw.choice(names)
            match draw.choice(["load", "unload", "invoke", "invoke"]):
                case "load":
                    status = server.load(name, folders[names.index(name) % 3]).status
                    seen["load"].add(status)
                    with lock:
                        counted["loads"] += status == 200
                case "unload":
                    status = server.unload(name).status
                    seen["unload"].add(status)
                    with lock:
                        counted["unloads"] += status == 200
                case "invoke":
                    answer = server.invoke(name, CSV)
                    seen["invoke"].add(answer.status)
                    if answer.status == 200:
                        assert answer.body == expected[names.index(name) % 3]

    with ThreadPoolExecutor(12) as pool:
        for done in [pool.submit(misuse, seed) for seed in range(12)]:
            done.result()
    assert seen == {"load": {200, 409}, "unload": {200, 404}, "invoke": {200, 404}}
    held = [model["modelName"] for model in server.ask("GET", "/models").json["models"]]
    left = [name for name in names if name in held]
    assert len(left) == counted["loads"] - counted["unloads"]
    for name in left:
        assert server.unload(name).status == 200


def test_an_unload_waits_for_no_request_under_way(server, make_folder):
    server.load("busy", make_folder("RandomForest"))
    body = CSV.encode() * 50_000
    under_way = server.begin("/models/busy/invoke", body)
    assert server.unload("busy").status == 200
    assert server.invoke("busy", CSV).status == 404
    under_way.sendall(body)
    answer = rest_of(under_way)
    assert answer.status == 200
    assert answer.text.count("\n") == 50_000
