"""How fast and how small the model server is beside its peers: `make bench-serving` prints the table.

All peers run at once on loopback, on the same models and rows, and are measured in turns. Each has an
environment of its own under the user's cache folder. Parts of this file run inside those: the echo, the
server over scikit-learn, and the handler of multi-model-server.
"""

import argparse
import datetime
import hashlib
import http.client
import json
import os
import platform
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "many-models/bench-serving"
REPORT = ROOT / "runs/bench_serving.json"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "2"))  # of one measurement of one peer
SEEDS = 17
MIB = 1 << 20

LEARNING = ("joblib", "lightgbm", "numpy", "scikit-learn", "scipy", "xgboost-cpu")
SERVING = ("numpy", "orjson", "safetensors", "uvicorn", "click", "h11")
ENVIRONMENTS = {
    "ours": (*SERVING, "httptools"),
    "sklearn": (*SERVING, "httptools", *LEARNING),
    "mms": ("setuptools<80", "wheel", "multi-model-server==1.1.11", "sagemaker-inference==1.10.1", *LEARNING),
    "mlserver": ("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "uvloop==0.21.0", *LEARNING),
}
PEERS = {
    "ours": "this server",
    "echo": "echo",
    "sklearn": "scikit-learn in this server",
    "mms": "multi-model-server 1.1.11",
    "mlserver": "MLServer 1.7.1",
}

WRK = """
function init(args)
  local file = io.open(args[1], "rb"); body = file:read("*a"); file:close()
  headers = {["Content-Type"] = args[2]}; paths = {}; at = 0
  for path in io.lines(args[3]) do paths[#paths + 1] = path end
end
function request() at = at % #paths + 1; return wrk.format("POST", paths[at], headers, body) end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"rate": %f, "p50": %f, "p99": %f, "failed": %d}\\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status + e.connect + e.read + e.write + e.timeout))
end
"""


# --- inside the peers' environments ---------------------------------------------------------------------


async def echo(scope: dict, receive: Callable, send: Callable) -> None:
    """Read a request and answer a constant: what the HTTP stack alone can do."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"text/csv"), (b"content-length", b"7")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"benign\n"})


def serve_echo() -> None:
    """The echo behind the same uvicorn with the same settings as `serve`."""
    import uvicorn

    port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
    quiet = {"log_level": "warning", "access_log": False, "lifespan": "off", "proxy_headers": False}
    uvicorn.run(echo, host="127.0.0.1", port=port, timeout_keep_alive=75, **quiet)


def serve_sklearn() -> None:
    """This project's server with the fitted pipelines in the place of portable models."""
    import joblib
    import numpy as np
    from tabular.portable.files import load_model
    from tabular.portable.table_model import Prediction, TableModel
    from tabular.serving import models, serve

    def load(folder: Path, pickles: frozenset[str]) -> TableModel:
        model, pipeline = (
            load_model(folder),
            joblib.load(folder.parents[1] / "pipelines" / folder.name / "model.joblib"),
        )
        classes = np.array(model.classes)

        def predict(numbers: np.ndarray, _: list) -> Prediction:
            probabilities = pipeline.predict_proba(numbers)
            return Prediction(classes[probabilities.argmax(axis=1)].tolist(), probabilities)

        model.predict = predict
        return model

    models.load_model = load
    serve.main()


def handle(data: Any, context: Any) -> Any:
    """The service of multi-model-server, made of what AWS's own containers are made of."""
    if not hasattr(handle, "service"):
        import joblib
        from sagemaker_inference import decoder
        from sagemaker_inference.default_handler_service import DefaultHandlerService
        from sagemaker_inference.default_inference_handler import DefaultInferenceHandler
        from sagemaker_inference.transformer import Transformer

        class Handler(DefaultInferenceHandler):
            def default_model_fn(self, model_dir, context=None):
                return joblib.load(Path(model_dir) / "model.joblib")

            def default_input_fn(self, input_data, content_type, context=None):
                rows = decoder.decode(input_data, content_type)
                return rows.reshape(1, -1) if rows.ndim == 1 else rows

            def default_predict_fn(self, data, model, context=None):
                return model.predict(data)

        handle.service = DefaultHandlerService(transformer=Transformer(default_inference_handler=Handler()))
        handle.service.initialize(context)
    return None if data is None else handle.service.handle(data, context)


def kinds() -> list[str]:
    """The algorithms; imported here, because the peers' environments have no `tabular`."""
    from tabular.spec.algorithms import ALGORITHMS

    return list(ALGORITHMS)


# --- environments and models ----------------------------------------------------------------------------


def pinned() -> dict[str, str]:
    """The versions of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def make_environment(name: str) -> Path:
    """The `bin` of a peer's environment, installed unless it is there; this server is always installed."""
    folder, versions = CACHE / name, pinned()
    wanted = [f"{part}=={versions[part]}" if part in versions else part for part in ENVIRONMENTS[name]]
    marker = folder / "installed.json"
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not marker.exists() or json.loads(marker.read_text()) != wanted:
        print(f"Installing {PEERS[name]} ...", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        first = [part for part in wanted if part.startswith(("setuptools", "wheel"))]
        if first:  # multi-model-server needs an old one to be built and to run
            subprocess.run([*pip, *first], check=True)
        subprocess.run([*pip, *(["--no-build-isolation"] if first else []), *wanted], check=True)
        marker.write_text(json.dumps(wanted))
    if name in ("ours", "sklearn"):
        with tempfile.TemporaryDirectory() as copy:
            ignore = shutil.ignore_patterns("*.egg-info", "build", "__pycache__", "*.so", "*.pyd")
            source = shutil.copytree(ROOT / "container", Path(copy) / "container", ignore=ignore)
            subprocess.run([*pip, "--no-deps", "--force-reinstall", str(source)], check=True)
    for package in ("numpy", *{"ours": ["tabular"], "mms": ["mms"], "mlserver": ["mlserver"]}.get(name, [])):
        if not any(folder.glob(f"lib/python*/site-packages/{package}/__pycache__/*.pyc")):
            raise SystemExit(f"{PEERS[name]} would start without .pyc files; unset PYTHONDONTWRITEBYTECODE.")
    return folder / "bin"


def make_models() -> Path:
    """Fit the models that all peers serve, unless they are there: numeric ones, and some of a mixed table."""
    versions = (
        json.dumps([pinned()[name] for name in LEARNING])
        + Path(__file__).read_text().split("\ndef make_models")[1].split("\ndef ")[0]
    )
    folder = CACHE / f"models-{hashlib.sha256(versions.encode()).hexdigest()[:12]}"
    if (folder / "done").exists():
        return folder
    print("Fitting the models ...", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    import joblib
    import numpy as np
    import pandas as pd
    from sklearn.base import clone
    from sklearn.datasets import load_breast_cancer
    from tabular.data.features import features
    from tabular.data.schema.inference import infer_schema
    from tabular.data.schema.labels import encode
    from tabular.learning.pipeline import build_pipeline
    from tabular.portable.export import export
    from tabular.portable.files import save_model
    from tabular.spec.algorithms import exporter_of

    cancer = load_breast_cancer(as_frame=True)
    numeric = cancer.data.assign(target=np.where(cancer.target == 0, "malignant", "benign"))
    draw = np.random.default_rng(0)
    mixed = pd.DataFrame({f"number {i}": draw.normal(size=2000).round(4) for i in range(10)})
    for i in range(10):
        mixed[f"category {i}"] = draw.choice([f"level {j}" for j in range(3 + i)], size=2000)
    score = mixed["number 0"] + 1.5 * (mixed["category 0"] == "level 1") + draw.normal(size=2000)
    mixed["target"] = np.where(score > 0, "yes", "no")
    for name, table, seeds in (("numeric", numeric, SEEDS), ("mixed", mixed, 2)):
        schema = infer_schema(table, "target", "classification")
        frame, target = features(table, schema), encode(table["target"], schema)
        for seed in range(seeds):
            rows = np.random.default_rng(seed).permutation(len(frame))[:400]
            for kind in kinds():
                pipeline = build_pipeline(schema, kind, {}, seed)
                nameless = clone(pipeline)  # of arrays, as the peers get them: faster than of a DataFrame
                nameless.named_steps["features"].transformers = [
                    (step, steps, [frame.columns.get_loc(column) for column in chosen])
                    for step, steps, columns in pipeline.named_steps["features"].transformers
                    if (chosen := columns(frame) if callable(columns) else columns)
                ]
                # Dense features stay as they are in this step, which the peers could not unpickle.
                nameless.steps = [step for step in nameless.steps if step[0] != "in_rows"]
                pipeline.fit(frame.iloc[rows], target[rows])
                one = folder / name / f"{kind}-{seed}"
                model, arrays = export(pipeline, schema, exporter_of(kind, schema.family))
                save_model(
                    one, {"algorithm": kind, "sample": frame.head(3).to_dict("records"), **model}, arrays
                )
                if name == "numeric":
                    nameless.fit(frame.iloc[rows].to_numpy(), target[rows])
                    fitted = folder / "pipelines" / one.name  # not beside a file that MMS takes for its own
                    fitted.mkdir(parents=True)
                    joblib.dump(nameless, fitted / "model.joblib")
                    settings = {
                        "name": one.name,
                        "implementation": "mlserver_sklearn.SKLearnModel",
                        "parameters": {"uri": "./model.joblib"},
                    }
                    (fitted / "model-settings.json").write_text(json.dumps(settings))
        for count, label in ((1, "row"), (1000, "rows")):
            some = pd.concat([frame] * 2).iloc[3 : 3 + count]
            some.to_csv(folder / f"{name}-{label}.csv", header=False, index=False)
            cells = some.to_numpy().ravel().tolist() if name == "numeric" else []
            tensor = {"name": "x", "shape": list(some.shape), "datatype": "FP64", "data": cells}
            (folder / f"{name}-{label}.json").write_text(json.dumps({"inputs": [tensor]}))
    (folder / "done").touch()
    return folder


# --- the peers as processes -----------------------------------------------------------------------------


class Peer:
    """A running server: how it is started, asked and weighed."""

    def __init__(
        self, name: str, port: int, command: list[str], folder: Path, environment: dict[str, str]
    ) -> None:
        self.name, self.port = name, port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        started = time.perf_counter()
        self.log = (folder / f"{name}-{self.port}.log").open("w")
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean | {"OMP_NUM_THREADS": "1"} | environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its children are known by their session
        )
        self.health = "/v2/health/ready" if name == "mlserver" else "/ping"
        while True:
            try:
                if self.ask("GET", self.health)[0] == 200:
                    break
            except OSError:
                self.connection.close()
            time.sleep(0.002)
            if time.perf_counter() - started > 90 or self.process.poll() is not None:
                self.stop()
                log = Path(self.log.name).read_text()[-2000:]
                raise SystemExit(f"{PEERS[name]} does not start; its log ends with:\n{log}")
        self.seconds_to_healthy = time.perf_counter() - started

    def stop(self) -> None:
        """End the processes of this session, and wait for them."""
        self.connection.close()
        for stop in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.processes():
                try:
                    os.kill(pid, stop)
                except ProcessLookupError:
                    continue
            deadline = time.monotonic() + 5
            while (self.process.poll() is None or self.processes()) and time.monotonic() < deadline:
                time.sleep(0.02)
        self.log.close()

    def processes(self) -> list[int]:
        """The process itself and all that came of it."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
        return found

    def megabytes(self, kind: str = "Pss") -> float:
        """Memory of all processes: shared pages are divided among those that share them."""
        total = 0
        for pid in self.processes():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except ProcessLookupError:  # it has ended meanwhile
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))
        return total / 1024

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Any:
        """Status and body of one request, on the connection of the last one if it is still open."""
        try:
            return self._ask(method, path, body, kind)
        except (http.client.HTTPException, ConnectionError):
            self.connection.close()
            return self._ask(method, path, body, kind)

    def _ask(self, method: str, path: str, body: bytes | None, kind: str) -> tuple[int, bytes]:
        self.connection.request(method, path, body, {"Content-Type": kind})
        response = self.connection.getresponse()
        return response.status, response.read()

    def load(self, name: str, folder: Path) -> float:
        """Load a model; the seconds it took."""
        if self.name == "echo":
            return 0.0
        url = folder.parents[1] / "pipelines" / folder.name if self.name == "mms" else folder
        path, body = "/models", json.dumps({"model_name": name, "url": str(url)}).encode()
        if self.name == "mlserver":
            path, body = f"/v2/repository/models/{name}/load", b""
        return self._timed("POST", path, body)

    def unload(self, name: str) -> None:
        """Unload a model."""
        if self.name == "mlserver":
            self._timed("POST", f"/v2/repository/models/{name}/unload", b"")
        else:
            self._timed("DELETE", f"/models/{name}")

    def invoke(self, name: str, models: Path) -> None:
        """Send one row."""
        file, kind = self.body(models, "numeric-row")
        self._timed("POST", self.path(name), file.read_bytes(), kind)

    def path(self, name: str) -> str:
        """Where a model is invoked."""
        return f"/v2/models/{name}/infer" if self.name == "mlserver" else f"/models/{name}/invoke"

    def body(self, models: Path, rows: str) -> tuple[Path, str]:
        """The file of a body and its content type."""
        if self.name == "mlserver":
            return models / f"{rows}.json", "application/json"
        return models / f"{rows}.csv", "text/csv"

    def press(self, models: Path, rows: str, names: list[str], clients: int) -> dict[str, float]:
        """Load with wrk: requests per second, and milliseconds at the median and the 99th percentile."""
        (file, kind), folder = self.body(models, rows), Path(self.log.name).parent
        paths = [self.path(name) for name in names]
        (folder / "paths").write_text("".join(f"{path}\n" for path in paths))
        command = [
            "wrk",
            "-t1",
            f"-c{clients}",
            f"-d{SECONDS}s",
            "--timeout",
            "30s",
            "-s",
            str(folder / "wrk.lua"),
        ]
        command += [f"http://127.0.0.1:{self.port}", "--", str(file), kind, str(folder / "paths")]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        result = json.loads(done.stdout.partition("RESULT ")[2])
        if result["failed"]:
            raise SystemExit(f"{PEERS[self.name]} failed {result['failed']:.0f} requests of {paths[:3]}.")
        return result

    def _timed(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
    ) -> float:
        started = time.perf_counter()
        status, answer = self.ask(method, path, body, kind)
        if status != 200:
            raise SystemExit(f"{PEERS[self.name]} answers {status} to {method} {path}: {answer[:300]!r}")
        return time.perf_counter() - started


def free_port() -> int:
    """A port of loopback that nobody uses; multi-model-server takes none above 49151."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit("No port between 20000 and 32000 is free.")


@contextmanager
def running(name: str, folder: Path, models: Path) -> Iterator[Peer]:
    """Start a peer and end it."""
    binary, port = CACHE / ("ours" if name == "echo" else name) / "bin", free_port()
    here = {"SAGEMAKER_MULTI_MODEL": "true", "SERVE_HOST": "127.0.0.1", "SAGEMAKER_BIND_TO_PORT": str(port)}
    here["PATH"] = f"{binary}:{os.environ['PATH']}"
    home = folder / name
    home.mkdir(exist_ok=True)
    if name == "mms":
        handler = f"{Path(__file__).resolve()}:handle"
        settings = {
            "enable_envvars_config": "true",
            "model_store": "/",
            "default_service_handler": handler,
            "default_workers_per_model": "1",
            "async_logging": "true",
            "decode_input_request": "false",
            "default_response_timeout": "60",
            "inference_address": f"http://127.0.0.1:{port}",
            "management_address": f"http://127.0.0.1:{port}",
            "vmargs": "-XX:-UseContainerSupport",
        }
        properties = home / "mms.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        logging = next(binary.parent.glob("lib/python*/site-packages/sagemaker_inference/etc/log4j2.xml"))
        here |= {"SAGEMAKER_HANDLER": handler, "PYTHONPATH": str(Path(__file__).parent)}
        here |= dict.fromkeys(("TMPDIR", "TEMP", "LOG_LOCATION", "METRICS_LOCATION"), str(home))
        command = [str(binary / "multi-model-server"), "--start", "--foreground", "--model-store", "/"]
        command += ["--mms-config", str(properties), "--log-config", str(logging)]
    elif name == "mlserver":
        for one in (models / "pipelines").iterdir():
            (home / one.name).symlink_to(one)
        here |= {"MLSERVER_HTTP_PORT": str(port), "MLSERVER_HOST": "127.0.0.1", "MLSERVER_DEBUG": "false"}
        here |= {"MLSERVER_GRPC_PORT": str(free_port()), "MLSERVER_METRICS_PORT": str(free_port())}
        here |= {"MLSERVER_LOAD_MODELS_AT_STARTUP": "false"}
        command = [str(binary / "mlserver"), "start", str(home)]
    elif name == "ours":
        command = [str(binary / "serve")]
    else:
        command = [str(binary / "python"), str(Path(__file__).resolve()), name]
    peer = Peer(name, port, command, folder, here)
    try:
        yield peer
    finally:
        peer.stop()


# --- measurements ---------------------------------------------------------------------------------------


def main() -> int:
    """Measure, print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parts = {"echo": serve_echo, "sklearn": serve_sklearn}
    parser.add_argument("part", nargs="?", choices=parts, help="serve as this peer; by default, measure all")
    if part := parser.parse_args().part:
        return parts[part]()
    for tool in ("wrk", "java"):
        if shutil.which(tool) is None:
            raise SystemExit(
                f"{tool} is not installed; on Debian: apt-get install wrk openjdk-17-jre-headless"
            )
    if sys.platform != "linux":
        raise SystemExit("The benchmark reads /proc, which Linux alone has.")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["OMP_NUM_THREADS"] = "1"  # nor do fitted pipelines start threads that wait for each other
    for name in ENVIRONMENTS:
        make_environment(name)
    models = make_models()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "wrk.lua").write_text(WRK)
        figures = measure(Path(folder), models)
    rows = table(figures)
    minutes = (time.monotonic() - started) / 60
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    facts = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {system}",
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "minutes": round(minutes, 1),
        "load_average": os.getloadavg(),
    }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({**facts, "table": rows, "figures": figures}, indent=1))
    print(f"\n{facts['date']}, {facts['machine']}; medians of {ROUNDS} rounds, {minutes:.0f} minutes\n")
    print("| | " + " | ".join(PEERS.values()) + " | ratio or difference | target | |")
    print("|---|" + "---:|" * len(PEERS) + "---:|---:|---|")
    for row in rows:
        cells = [shown(row["figures"].get(peer), row["unit"]) for peer in PEERS]
        print("|", " | ".join([row["what"], *cells, row["measured"], row["target"], row["verdict"]]), "|")
    missed = [row["what"] for row in rows if row["verdict"] == "missed"]
    print(f"\n{len(missed)} targets missed{': ' + '; '.join(missed) if missed else ''}. Written to {REPORT}.")
    return 0


def measure(folder: Path, models: Path) -> dict[str, dict[str, float]]:
    """Every figure by what it is and whose: medians over the rounds."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def note(what: str, peer: str, value: float) -> None:
        found[what][peer].append(value)

    def progress(text: str) -> None:
        print(
            f"{time.strftime('%H:%M:%S')} {text}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True
        )

    every = sorted(
        (models / "numeric").iterdir(), key=lambda path: (int(path.name.rpartition("-")[2]), path.name)
    )
    twelve = [path.name for path in every[:12]]
    mixed = sorted((models / "mixed").iterdir())

    progress("starting and filling this server")
    for _ in range(ROUNDS):
        with running("ours", folder, models) as ours:
            note("seconds to healthy", "ours", ours.seconds_to_healthy)
            note("MB after the start", "ours", ours.megabytes())
            note("MB after the start, RSS", "ours", ours.megabytes("Rss"))
    with running("ours", folder, models) as ours:
        for path in every:
            ours.load(path.name, path)
            if path is every[5]:
                few = ours.megabytes()
        note("MB per further model", "ours", (ours.megabytes() - few) / (len(every) - 6))
        cycle(ours, every, models, 100, note)

    with ExitStack() as stack:
        peers = {}
        for name in PEERS:
            progress(f"starting {PEERS[name]}")
            peer = peers[name] = stack.enter_context(running(name, folder, models))
            if name not in ("ours", "echo"):
                note("seconds to healthy", name, peer.seconds_to_healthy)
                note("MB after the start", name, peer.megabytes())
            for path in every[:12]:
                seconds = peer.load(path.name, path)
                if name not in ("ours", "echo"):
                    note("ms to load", name, 1e3 * seconds)
        for path in mixed:
            peers["ours"].load(f"mixed-{path.name}", path)
        full = stack.enter_context(running("ours", folder, models))
        for i in range(1000):
            full.load(f"model-{i}", every[i % len(every)])
        note("MB with 1,000 models", "ours", full.megabytes())

        for number in range(ROUNDS):
            progress(f"round {number + 1} of {ROUNDS}")
            with running("ours", folder, models) as new:  # in each round, as its tenth of a second is short
                for path in every:
                    note("ms to load", "ours", 1e3 * new.load(path.name, path))
            for name, peer in peers.items():
                note("mix", name, peer.press(models, "numeric-row", twelve, 32)["rate"])
            for name in ("echo", "ours"):
                names = [f"mixed-{path.name}" for path in mixed]
                note("mixed", name, peers[name].press(models, "mixed-row", names, 32)["rate"])
            thousand = [f"model-{i}" for i in range(1000)]
            note("mix of 1,000", "ours", full.press(models, "numeric-row", thousand, 32)["rate"])
            note("one row, echo", "echo", peers["echo"].press(models, "numeric-row", ["x"], 1)["p50"])
            for kind in kinds():
                for name, peer in peers.items():
                    if name == "ours" or (name != "echo" and kind in ("RandomForest", "LogisticRegression")):
                        p50 = peer.press(models, "numeric-row", [f"{kind}-0"], 1)["p50"]
                        note(f"one row, {kind}", name, p50)
                for name in ("ours", "sklearn", "mms", "mlserver"):
                    rate = peers[name].press(models, "numeric-rows", [f"{kind}-0"], 1)["rate"]
                    note(f"1000 rows, {kind}", name, rate)
            note("ping", "ours", ping_under_load(peers["ours"], models))

        for name, cycles in (("sklearn", 40), ("mlserver", 15), ("mms", 6)):
            progress(f"a cache of 20 in {PEERS[name]}")
            before = peers[name].megabytes()
            for path in every[12:20]:
                note("ms to load", name, 1e3 * peers[name].load(path.name, path))
            note("MB per further model", name, (peers[name].megabytes() - before) / 8)
            cycle(peers[name], every, models, cycles, note)
    return {
        what: {peer: statistics.median(values) for peer, values in by_peer.items()}
        for what, by_peer in found.items()
    }


def cycle(peer: Peer, every: list[Path], models: Path, cycles: int, note: Callable) -> None:
    """With 20 models in the cache ask for the next of all, again and again: unload, load and invoke."""
    order = [*every[20:100], *every[:20]]
    held = every[:20]
    for path in every[20:] if peer.name == "ours" else ():
        peer.unload(path.name)
    for path in order[:cycles]:
        started = time.perf_counter()
        peer.unload(held.pop(0).name)
        peer.load(path.name, path)
        peer.invoke(path.name, models)
        held.append(path)
        note("ms per miss", peer.name, 1e3 * (time.perf_counter() - started))


def ping_under_load(peer: Peer, models: Path) -> float:
    """The 99th percentile in milliseconds of /ping while four clients send 1000 rows to a forest."""
    file, kind = peer.body(models, "numeric-rows")
    folder = Path(peer.log.name).parent
    (folder / "paths").write_text(f"{peer.path('RandomForest-0')}\n")
    command = ["wrk", "-t1", "-c4", f"-d{SECONDS + 1}s", "-s", str(folder / "wrk.lua")]
    command += [f"http://127.0.0.1:{peer.port}", "--", str(file), kind, str(folder / "paths")]
    milliseconds = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as load:
        time.sleep(0.3)
        with closing(http.client.HTTPConnection("127.0.0.1", peer.port, timeout=60)) as connection:
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline:
                started = time.perf_counter()
                connection.request("GET", "/ping")
                connection.getresponse().read()
                milliseconds.append(1e3 * (time.perf_counter() - started))
                time.sleep(0.004)
        load.wait(60)
    return statistics.quantiles(milliseconds, n=100)[98]


# --- the table ------------------------------------------------------------------------------------------


def table(figures: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """A row for each target of the design: the figures, what was measured, and whether it is met."""
    rows: list[dict[str, Any]] = []

    def row(what: str, figure: str, unit: str, measured: float, target: str, note: str = "") -> None:
        limit = float(target.split()[1].rstrip("x"))
        met = measured >= limit if target.startswith(">=") else measured <= limit
        ending = "x" if "x" in target else note
        rows.append(
            {
                "what": what,
                "unit": unit,
                "figures": figures[figure],
                "measured": f"{measured:.3g}{ending}" if measured < 1000 else f"{measured:,.0f}{ending}",
                "target": f"{target}{note}",
                "verdict": "met" if met else "missed",
            }
        )

    def ratio(figure: str, mine: str, other: str) -> float:
        return figures[figure][mine] / figures[figure][other]

    mix = "mix of 12 models, 32 clients"
    row(f"{mix}, requests/s: of the echo's", "mix", "rate", ratio("mix", "ours", "echo"), ">= 0.40")
    row(f"{mix}: to multi-model-server", "mix", "rate", ratio("mix", "ours", "mms"), ">= 30x")
    row(f"{mix}: to MLServer", "mix", "rate", ratio("mix", "ours", "mlserver"), ">= 30x")
    row(
        "the same on 10 numeric and 10 categorical columns: of the echo's",
        "mixed",
        "rate",
        ratio("mixed", "ours", "echo"),
        ">= 0.28",
    )
    echo_p50 = figures["one row, echo"]["echo"]
    for kind in kinds():
        figure = f"one row, {kind}"
        figures[figure]["echo"] = echo_p50
        above = figures[figure]["ours"] - echo_p50
        row(f"one row, one client, {kind}, p50 ms: above the echo's", figure, "ms", above, "<= 0.15", " ms")
    row("load, p50 ms", "ms to load", "ms", figures["ms to load"]["ours"], "<= 1", " ms")
    row(
        "load: faster than multi-model-server",
        "ms to load",
        "ms",
        ratio("ms to load", "mms", "ours"),
        ">= 1000x",
    )
    start = "MB after the start"
    row("memory after the start, PSS", start, "mb", figures[start]["ours"], "<= 40", " MB")
    each = "MB per further model"
    row("memory per further model, PSS", each, "mb", figures[each]["ours"], "<= 0.12", " MB")
    full = "MB with 1,000 models"
    row("memory with 1,000 models, PSS", full, "mb", figures[full]["ours"], "<= 160", " MB")
    thousand = figures["mix of 1,000"]["ours"] / figures["mix"]["ours"]
    row("mix of 1,000 models, requests/s: of that of 12", "mix of 1,000", "rate", thousand, ">= 0.90")
    for kind in kinds():
        figure = f"1000 rows, {kind}"
        row(
            f"1000 rows of CSV, one client, {kind}, requests/s: to multi-model-server",
            figure,
            "rate",
            ratio(figure, "ours", "mms"),
            ">= 5x",
        )
    row(
        "a miss in a cache of 20 (unload, load, invoke), ms: faster than multi-model-server",
        "ms per miss",
        "ms",
        ratio("ms per miss", "mms", "ours"),
        ">= 300x",
    )
    healthy = "seconds to healthy"
    row("start to healthy, s", healthy, "s", figures[healthy]["ours"], "<= 0.4", " s")
    row(
        "/ping under 1000-row forests from 4 clients, p99 ms",
        "ping",
        "ms",
        figures["ping"]["ours"],
        "<= 20",
        " ms",
    )
    return rows


def shown(value: float | None, unit: str) -> str:
    """A figure as the table shows it."""
    if value is None:
        return ""
    return f"{value:,.0f}" if unit == "rate" or value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
