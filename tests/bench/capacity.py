"""How well the capacity simulation predicts a real endpoint: `make bench-capacity` prints it as a table.

200 models on a local endpoint whose memory holds 60 of them, asked at random times by Zipf's law. What a
model takes is measured at the same endpoint just before and after, because a machine may have other work:
requests one after another, first to one model, then to all in turn, so that each has to be loaded. From this
alone, the simulation predicts the fraction of warm requests and the latencies. Late requests count from when
they were due.
`ARGS='1 1000'` makes it one round of 1,000 requests.
"""

import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support.local_aws.aws import Aws, told
from support.toy_models import artifact
from tabular.serving.models import needed_bytes

import local_aws
from helpers.cost import capacity

MODELS, ROOM, ZIPF = 200, 60, 1.0
BUSY = 0.25  # of the time, so that the latencies are those of answers and loads, and of some waiting
REQUESTS, SETTLING, SAMPLES, ROUNDS = 2000, 1000, 200, 3
CLIENTS, PAUSE = 16, 0.005
ENDPOINT, PIPELINE = "limited", "capacity"
GOOD = 0.15
BODY = b"1.0\n"


@dataclass(frozen=True)
class Round:
    """What one load measured, and what was predicted: hit ratio, p50 and p99 in seconds."""

    rate: float
    measured: tuple[float, float, float]
    predicted: tuple[float, float, float]


class Client:
    """One connection to the endpoint, with requests that were signed before."""

    def __init__(self, server: local_aws.Server, headers: Sequence[dict[str, str]]) -> None:
        place = urlsplit(server.endpoint_url)
        self._connection, self._headers = HTTPConnection(place.hostname, place.port, timeout=60), headers

    def ask(self, model: int) -> float:
        """Ask a model, and return the seconds until the whole answer is there."""
        begin = time.perf_counter()
        self._connection.request("POST", f"/endpoints/{ENDPOINT}/invocations", BODY, self._headers[model])
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - begin
        if answer.status != 200:
            raise RuntimeError(f"model {model}: {answer.status} {body[:300]!r}")
        return seconds


def main(number: int = ROUNDS, requests: int = REQUESTS) -> None:
    """Measure, predict and print."""
    with endpoint() as (server, memory_bytes):
        rounds = [one_round(server, memory_bytes, requests, seed) for seed in range(number)]
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    busy = f"load {os.getloadavg()[0]:.0f}"
    print(f"{date.today()}, {os.cpu_count()} cores, {machine}, medians of {number} rounds, {busy}\n")
    print("| | measured | predicted | off by | within 15% |\n|---|---:|---:|---:|---|")
    names = (("warm requests, fraction", 1), ("p50, ms", 1000), ("p99, ms", 1000))
    for position, (name, scale) in enumerate(names):
        pairs = [(each.measured[position], each.predicted[position]) for each in rounds]
        measured, predicted = (statistics.median(values) * scale for values in zip(*pairs, strict=True))
        off = statistics.median(after / before - 1 for before, after in pairs)
        verdict = "yes" if abs(off) <= GOOD else "no"
        print(f"| {name} | {measured:.3g} | {predicted:.3g} | {off:+.1%} | {verdict} |")
    rates = ", ".join(f"{each.rate:.0f}" for each in rounds)
    print(f"\n{MODELS} models, room for {ROOM}, Zipf {ZIPF}, {requests} requests at {rates} a second")


@contextmanager
def endpoint() -> Iterator[tuple[local_aws.Server, float]]:
    """A local endpoint with many models and little memory, and the bytes that a model needs of it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        server = local_aws.start(home, owner=os.getpid(), preload=False)
        try:
            outputs = local_aws.ensure_environment(server, PIPELINE)
            aws = Aws(server.endpoint_url, home)
            content = artifact("a", Path(folder) / "model")
            needed = needed_bytes(str(Path(folder) / "model"))
            for model in range(MODELS):
                key = f"models/{target(model)}"
                aws.client("s3").put_object(Bucket=outputs["bucket"], Key=key, Body=content)
            sagemaker = aws.client("sagemaker")
            container = {
                "Image": outputs["image_uri"],
                "Mode": "MultiModel",
                "ModelDataUrl": f"s3://{outputs['bucket']}/models/",
                "Environment": {"SERVE_MEMORY_BYTES": str(ROOM * needed)},
            }
            role = f"arn:aws:iam::{outputs['account_id']}:role/{PIPELINE}-endpoint"
            sagemaker.create_model(ModelName=ENDPOINT, ExecutionRoleArn=role, PrimaryContainer=container)
            variant = {
                "VariantName": "AllTraffic",
                "ModelName": ENDPOINT,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
            sagemaker.create_endpoint_config(EndpointConfigName=ENDPOINT, ProductionVariants=[variant])
            sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)
            sagemaker.get_waiter("endpoint_in_service").wait(
                EndpointName=ENDPOINT, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
            )
            yield server, needed
        finally:
            local_aws.stop(home)


def target(model: int) -> str:
    """The artifact of a model, below the folder of models."""
    return f"{PIPELINE}--table-{model:03}/1.tar.gz"


def signed(server: local_aws.Server) -> list[dict[str, str]]:
    """The headers of a request to each model. A signature holds for some minutes."""
    found = []
    for model in range(MODELS):
        named = {
            "Content-Type": "text/csv",
            "X-Amzn-SageMaker-Target-Model": target(model),
            "Host": urlsplit(server.endpoint_url).netloc,
        }
        url = f"{server.endpoint_url}/endpoints/{ENDPOINT}/invocations"
        request = AWSRequest("POST", url, data=BODY, headers=named)
        SigV4Auth(Credentials("local", server.secret), "sagemaker", "us-east-1").add_auth(request)
        found.append(dict(request.headers))
    return found


def one_round(server: local_aws.Server, memory_bytes: float, requests: int, seed: int) -> Round:
    """Measure what a model takes, predict a load from it, and measure that load."""
    rng, headers = np.random.default_rng(seed), signed(server)
    shares = capacity.popularity(MODELS, ZIPF)
    client = Client(server, headers)
    for model in range(MODELS):  # all files are on the disk from now on
        client.ask(model)
    answers, loads, waking = taken(client)
    instance = capacity.Instance(ROOM * memory_bytes)
    # At this rate, the workers are busy for as long as was wanted, by the simulation's own account.
    model = capacity.Model(memory_bytes, answers, loads, 0.0, waking)
    rate = BUSY / capacity.simulate(shares, model, instance, requests=20_000, seed=seed).busy

    for number in rng.choice(MODELS, SETTLING, p=shares).tolist():
        client.ask(number)
    before = told(server, "status")["endpoints"][ENDPOINT]
    seconds = load(server, rng.choice(MODELS, requests, p=shares).tolist(), rate, rng)
    after = told(server, "status")["endpoints"][ENDPOINT]
    loaded, asked = (after[name] - before[name] for name in ("cold_loads", "invocations"))
    p50, p99 = np.quantile(seconds, [0.5, 0.99])

    later = taken(Client(server, signed(server)))
    model = capacity.Model(memory_bytes, answers + later[0], loads + later[1], 0.0, waking + later[2])
    found = capacity.simulate(rate * shares, model, instance, requests=200_000, seed=seed)
    measured = (1 - loaded / asked, float(p50), float(p99))
    return Round(rate, measured, (found.hit_ratio, found.p50, found.p99))


def taken(client: Client) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """The seconds of some answers, of some loads, and of some wakings after a pause, beyond an answer's."""
    client.ask(MODELS - 1)
    warm = [client.ask(MODELS - 1) for _ in range(SAMPLES)]
    slept = [rested(client, MODELS - 1) for _ in range(SAMPLES)]
    cold = [client.ask(number % MODELS) for number in range(SAMPLES)]
    typical = statistics.median(warm)
    loads = tuple(max(0.0, seconds - typical) for seconds in cold)
    # Quantile by quantile, so that what makes answers differ is not counted twice.
    waking = (max(0.0, after - before) for before, after in zip(sorted(warm), sorted(slept), strict=True))
    return tuple(warm), loads, tuple(waking)


def rested(client: Client, model: int) -> float:
    """Ask after a pause, as in the load: the processes have gone to sleep. Count from when it was due."""
    due = time.perf_counter() + PAUSE
    time.sleep(PAUSE)
    client.ask(model)
    return time.perf_counter() - due


def load(
    server: local_aws.Server, asked: Sequence[int], rate: float, rng: np.random.Generator
) -> list[float]:
    """Ask the models at random times, and return the seconds from when each request was due."""
    due = np.cumsum(rng.exponential(1 / rate, len(asked))).tolist()
    waiting, lock, seconds = iter(zip(due, asked, strict=True)), threading.Lock(), []
    headers = signed(server)
    begin = time.perf_counter() + 0.1

    def client() -> None:
        connection = Client(server, headers)
        while True:
            with lock:
                moment, model = next(waiting, (None, 0))
            if moment is None:
                return
            time.sleep(max(0.0, begin + moment - time.perf_counter()))
            connection.ask(model)
            seconds.append(time.perf_counter() - begin - moment)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(seconds) != len(asked):
        raise SystemExit(f"{len(asked) - len(seconds)} of {len(asked)} requests were not answered")
    return seconds


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
