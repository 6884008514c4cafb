"""How fast a function's URL is beside the model server behind it: `python -m bench.serving.function_url`.

The same clients, threads of this process, send the same rows to the same models: through the URL (local_aws,
the function's process, local_aws, the server) and to the server alone. Both are measured in turns in one run,
because they and the clients share the machine. Requests are signed before they are timed.

The rates need a quiet machine; what each part uses of a processor does not, or much less.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import urllib3
from sklearn.datasets import load_breast_cancer, load_wine
from support.local_aws.toy_models import client, packed, serve
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.learning.pipeline import build_pipeline
from tabular.portable.export import export
from tabular.portable.files import save_model
from tabular.spec.algorithms import exporter_of

import local_aws
from helpers.deployment.asking.endpoint import TIMEOUT_SECONDS
from helpers.deployment.performance import load
from helpers.deployment.performance.connections import pool

REGION = "us-east-1"
MODELS = {
    "forest": ("RandomForest", load_breast_cancer),
    "trees": ("LightGBM", load_breast_cancer),
    "wine": ("LogisticRegression", load_wine),
}
TICKS = os.sysconf("SC_CLK_TCK")
ROWS = 50


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=load.steps(32))
    options = parser.parse_args()
    os.environ["AWS_DEFAULT_REGION"] = REGION
    with tempfile.TemporaryDirectory() as folder:
        server = local_aws.start(Path(folder) / "home", owner=os.getpid(), preload=False)
        try:
            outputs = local_aws.ensure_environment(server, "shop")
            rows = {name: deploy(server, outputs, name, Path(folder)) for name in MODELS}
            measure(server, outputs, rows, options)
        finally:
            local_aws.stop(server.home)


def deploy(server: local_aws.Server, outputs: dict[str, Any], name: str, folder: Path) -> list[list[float]]:
    """Fit a model, put it into service, and return rows to ask it about."""
    kind, data = MODELS[name]
    found = data(as_frame=True)
    table = found.data.assign(target=[f"class {value}" for value in found.target])
    schema = infer_schema(table, "target", "classification")
    frame = features(table, schema)
    pipeline = build_pipeline(schema, kind, {}, 0).fit(frame, encode(table["target"], schema))
    model, arrays = export(pipeline, schema, exporter_of(kind, schema.family))
    (folder / name).mkdir()
    sample = {"instances": frame.head(1).to_dict("records"), "predictions": [table["target"].iloc[0]]}
    save_model(folder / name, {"algorithm": kind, "sample": sample, **model}, arrays)
    serve(server, outputs, f"shop--{name}", packed(folder / name))
    return frame.sample(ROWS, random_state=0).to_numpy().tolist()


def measure(
    server: local_aws.Server,
    outputs: dict[str, Any],
    rows: dict[str, list[list[float]]],
    options: argparse.Namespace,
) -> None:
    """Measure URL and server in turns, and print what was found."""
    boto = boto3.Session("local", server.secret, region_name=REGION)
    session = SimpleNamespace(invoker_url=outputs["invoker_url"], region=REGION, boto=boto)
    through_url = load.Questions(session, rows).next
    most = max(options.clients)
    to_url = connections(outputs["invoker_url"], most)
    load.step(to_url, through_url, 1, 4)  # starts the function, and loads the models
    processes = {"clients": os.getpid(), **parts(server)}
    address, alone = straight(server, outputs, rows, processes["server"])
    ways = {"URL": (to_url, through_url), "server": (connections(address, most), alone)}
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    used: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        for clients in options.clients:
            for way, (kept, questions) in ways.items():
                before = {part: processor(process) for part, process in processes.items()}
                answers = load.step(kept, questions, options.seconds, clients)
                after = {part: processor(process) for part, process in processes.items()}
                assert {status for *_, status in answers} == {200}, "a request was not answered"
                lasted = max(second + milliseconds / 1000 for _, second, milliseconds, _ in answers)
                rates[way, clients].append(len(answers) / lasted)
                for part in processes:
                    used[way, part].append(1000 * (after[part] - before[part]) / len(answers))
    report(options, rates, used, list(processes))


def connections(url: str, most: int) -> urllib3.HTTPConnectionPool:
    """Connections that stay open, as those of the load ramp."""
    return pool(url, most, TIMEOUT_SECONDS, TIMEOUT_SECONDS)


def straight(
    server: local_aws.Server, outputs: dict[str, Any], rows: dict[str, list[list[float]]], process: int
) -> tuple[str, Callable[[], load.Sent]]:
    """The address of the model server, and requests to it."""
    variables = environment(process)
    address = f"http://127.0.0.1:{variables['SAGEMAKER_BIND_TO_PORT']}"
    s3, keys = client(server, "s3"), {}
    for name in rows:
        prefix = f"models/shop--{name}/"
        (found,) = s3.list_objects_v2(Bucket=outputs["bucket"], Prefix=prefix)["Contents"]
        target = found["Key"].removeprefix("models/")
        keys[name] = f"{address}/models/{hashlib.sha256(target.encode()).hexdigest()[:32]}/invoke"
    headers = {**load.HEADERS, "Authorization": f"Bearer {variables['SERVE_TOKEN']}"}
    asked, lock = load.interleaved(rows), threading.Lock()

    def next_request() -> load.Sent:
        with lock:
            name, row = next(asked)
        return name, keys[name], json.dumps({"instances": [row]}).encode(), headers

    return address, next_request


def parts(server: local_aws.Server) -> dict[str, int]:
    """The processes on the way, by what they are."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            variables = environment(int(folder.name))
        except OSError:  # it has just ended, or is another user's
            continue
        ours = variables.get("AWS_ENDPOINT_URL") == server.endpoint_url
        if "local_aws.lifecycle.server" in " ".join(command) and str(server.home) in command:
            found["local_aws"] = int(folder.name)
        elif ours and "lambdas.invoker.handler.handler" in command:
            found["function"] = int(folder.name)
        elif ours and "SERVE_TOKEN" in variables and not any("guard" in word for word in command):
            found["server"] = int(folder.name)
    return {part: found[part] for part in ("local_aws", "function", "server")}


def environment(process: int) -> dict[str, str]:
    """The environment that a process was started with."""
    text = Path(f"/proc/{process}/environ").read_bytes().decode(errors="replace")
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)


def processor(process: int) -> float:
    """The processor seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def report(
    options: argparse.Namespace,
    rates: dict[tuple[str, int], list[float]],
    used: dict[tuple[str, str], list[float]],
    processes: list[str],
) -> None:
    """Print medians over the rounds."""
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    busy = f"load {os.getloadavg()[0]:.1f}"
    print(f"{date.today()}, {os.cpu_count()} cores, {machine}, {busy}, {options.rounds} rounds\n")
    print("| clients | URL, a second | server, a second | URL : server |\n|---:|---:|---:|---:|")
    for clients in options.clients:
        url, alone = (statistics.median(rates[way, clients]) for way in ("URL", "server"))
        shares = zip(rates["URL", clients], rates["server", clients], strict=True)
        share = statistics.median(one / other for one, other in shares)
        print(f"| {clients} | {url:,.0f} | {alone:,.0f} | {share:.2f} |")
    print(f"\n| processor ms of a request | {' | '.join(processes)} | all |\n|---|{'---:|' * 5}")
    for way in ("URL", "server"):
        medians = [statistics.median(used[way, part]) for part in processes]
        cells = " | ".join(f"{value:.2f}" for value in (*medians, sum(medians)))
        print(f"| {way} | {cells} |")


if __name__ == "__main__":
    main()
