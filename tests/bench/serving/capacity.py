"""How well the capacity simulation predicts a real endpoint: `make bench-capacity` prints it as a table.

200 models on a local endpoint whose memory holds 60 of them, asked at random times by Zipf's law. What a
model takes is measured at the same endpoint just before and after, because a machine may have other work:
requests one after another with pauses, first to one model, then to others that are not loaded; and the
throughput of the same mix with one, two and four clients, because client, local_aws and server are threads
that share the processors. From this alone, the simulation predicts the fraction of warm requests and the
latencies. Late requests count from when they were due.

The 99th percentile of a thousand requests differs from run to run, so those of the rounds are beside those
of as many simulated requests with other random numbers.
`ARGS='1 1000'` makes it one round of 1,000 requests.
"""

import math
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
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support.local_aws.aws import Aws, told
from support.local_aws.toy_models import artifact
from tabular.serving.models import needed_bytes

import local_aws
from helpers.cost import capacity

MODELS, ROOM, ZIPF = 200, 60, 1.0
BUSY = 0.25  # of the time, so that the latencies are those of answers and loads, and of some waiting
REQUESTS, SETTLING, SAMPLES, ROUNDS = 1000, 200, 100, 8
CLIENTS, PAUSE = 16, 0.005
AT_ONCE = (1, 2, 4)  # clients whose throughput is measured
REPEATS = 20  # simulations of each round
ENDPOINT, PIPELINE = "limited", "capacity"
GOOD = 0.15
BODY = b"1.0\n"


@dataclass(frozen=True)
class Round:
    """What one load measured, and what was predicted: hit ratio, p50 and p99 in seconds.

    `simulated` are predictions with other random numbers, each of as many requests as were measured.
    """

    rate: float
    throughput: tuple[float, ...]
    measured: tuple[float, float, float]
    predicted: tuple[float, float, float]
    simulated: Sequence[tuple[float, float, float]]


class Taken(NamedTuple):
    """Measured seconds of answers and of loads."""

    answers: tuple[float, ...]
    loads: tuple[float, ...]

    def model(self, memory_bytes: float) -> capacity.Model:
        """What a model takes."""
        return capacity.Model(memory_bytes, self.answers, self.loads, 0.0)


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
    print("| | measured | in | predicted | nine of ten in | off by | within 15% |")
    print("|---|---:|---:|---:|---:|---:|---|")
    names = (("warm requests, fraction", 1), ("p50, ms", 1000), ("p99, ms", 1000))
    for position, (name, scale) in enumerate(names):
        measured = [scale * each.measured[position] for each in rounds]
        predicted = [scale * each.predicted[position] for each in rounds]
        simulated = [scale * one[position] for each in rounds for one in each.simulated]
        low, high = np.quantile(simulated, [0.05, 0.95])
        off = statistics.median(after / before - 1 for before, after in zip(measured, predicted, strict=True))
        print(
            f"| {name} | {statistics.median(measured):.3g} | {min(measured):.3g} to {max(measured):.3g} | "
            f"{statistics.median(predicted):.3g} | {low:.3g} to {high:.3g} | {off:+.1%} | "
            f"{'yes' if abs(off) <= GOOD else 'no'} |"
        )
    rates = ", ".join(f"{each.rate:.0f}" for each in rounds)
    print(f"\n{MODELS} models, room for {ROOM}, Zipf {ZIPF}, {requests} requests at {rates} a second")
    speeds = ", ".join(
        f"{statistics.median(each.throughput[clients - 1] for each in rounds):.2f} with {clients}"
        for clients in AT_ONCE[1:]
    )
    print(f"Throughput of clients at once, relative to one: {speeds}")


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
    rng, shares = np.random.default_rng(seed), capacity.popularity(MODELS, ZIPF)
    client = Client(server, signed(server))
    for model in range(MODELS):  # all files are on the disk from now on
        client.ask(model)
    taken_before = taken(server)
    # At this rate, the workers are busy for as long as was wanted, by the simulation's own account.
    one_by_one = capacity.Instance(ROOM * memory_bytes)
    model = taken_before.model(memory_bytes)
    rate = BUSY / capacity.simulate(shares, model, one_by_one, requests=20_000, seed=seed).busy
    speeds = pace(server, rng)

    before = told(server, "status")["endpoints"][ENDPOINT]
    seconds = load(server, rng.choice(MODELS, requests, p=shares).tolist(), rate, rng)
    after = told(server, "status")["endpoints"][ENDPOINT]
    loaded, asked = (after[name] - before[name] for name in ("cold_loads", "invocations"))
    p50, p99 = np.quantile(seconds, [0.5, 0.99])

    speeds = tuple((a + b) / 2 for a, b in zip(speeds, pace(server, rng), strict=True))
    model = Taken(*(before + after for before, after in zip(taken_before, taken(server), strict=True))).model(
        memory_bytes
    )
    instance = capacity.Instance(ROOM * memory_bytes, throughput=speeds)

    def predicted(requests: int, seed: int) -> tuple[float, float, float]:
        found = capacity.simulate(rate * shares, model, instance, requests=requests, seed=seed)
        return found.hit_ratio, found.p50, found.p99

    return Round(
        rate,
        speeds,
        (1 - loaded / asked, float(p50), float(p99)),
        predicted(100_000, seed),
        [predicted(requests, 1000 * (seed + 1) + number) for number in range(REPEATS)],
    )


def pace(server: local_aws.Server, rng: np.random.Generator) -> tuple[float, ...]:
    """The throughput of one to four clients that ask without a pause, relative to that of one.

    What is between two measured numbers of clients is taken from the straight line between them.
    """
    shares, rates = capacity.popularity(MODELS, ZIPF), []
    for clients in AT_ONCE:
        asked = rng.choice(MODELS, SETTLING, p=shares).tolist()
        begin = time.perf_counter()
        load(server, asked, math.inf, rng, clients)
        rates.append(len(asked) / (time.perf_counter() - begin))
    numbers = range(1, AT_ONCE[-1] + 1)
    return tuple((np.interp(numbers, AT_ONCE, rates) / rates[0]).tolist())


def taken(server: local_aws.Server) -> Taken:
    """Measure what some answers and loads take, each after a pause, as most requests of the load come."""
    client = Client(server, signed(server))
    for model in range(MODELS - ROOM, MODELS):  # so that none of those that are to be loaded is in memory
        client.ask(model)
    warm = tuple(rested(client, MODELS - 1) for _ in range(SAMPLES))
    loaded = told(server, "status")["endpoints"][ENDPOINT]["cold_loads"]
    cold = [rested(client, model) for model in range(SAMPLES)]
    loaded = told(server, "status")["endpoints"][ENDPOINT]["cold_loads"] - loaded
    if loaded != SAMPLES:
        raise SystemExit(f"{loaded} of {SAMPLES} models were loaded when the time of loads was measured")
    typical = statistics.median(warm)
    return Taken(warm, tuple(max(0.0, seconds - typical) for seconds in cold))


def rested(client: Client, model: int) -> float:
    """Ask after a pause, as in the load: the processes have gone to sleep. Count from when it was due."""
    due = time.perf_counter() + PAUSE
    time.sleep(PAUSE)
    client.ask(model)
    return time.perf_counter() - due


def load(
    server: local_aws.Server,
    asked: Sequence[int],
    rate: float,
    rng: np.random.Generator,
    clients: int = CLIENTS,
) -> list[float]:
    """Ask the models at random times, and return the seconds from when each request was due.

    At an infinite rate, each client asks as soon as it has the last answer.
    """
    due = np.cumsum(rng.exponential(1 / rate, len(asked))).tolist()
    waiting, lock, seconds = iter(zip(due, asked, strict=True)), threading.Lock(), []
    headers = signed(server)
    begin = time.perf_counter()

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

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(seconds) != len(asked):
        raise SystemExit(f"{len(asked) - len(seconds)} of {len(asked)} requests were not answered")
    return seconds


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
