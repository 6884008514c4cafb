"""What capture costs a request: `python -m bench.serving.capture` prints it as a table.

Two functions with the invoker's code answer through their URLs in one local_aws, one without capture and one
that captures every request. They take turns, request by request, so that whatever else the machine does meets
both; between two requests there is time for what happens after a response, as an environment on AWS takes no
request before that is over. The difference is the median of that between a request and the next.

The last lines are what the handler does for capture, timed alone, and a load by several clients at once, of
which every request must be answered and stored.
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support.local_aws.toy_models import another_invoker, artifact, client, serve

import local_aws
from lambdas.invoker.capture import Capture
from lambdas.invoker.endpoint import Answer
from lambdas.invoker.extension import Extension
from lambdas.invoker.question import Question
from local_aws.services.functions.extensions import Extensions

REGION = "us-east-1"
BODIES = {"1 row": b"1.5\n", "1,000 rows": b"1.5\n" * 1000}
PAUSE = 0.06  # seconds
WARM, CLIENTS = 20, 8
FUNCTIONS = {"off": {"CAPTURE_RATE": "0"}, "on": {"CAPTURE_RATE": "1"}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=1000, help="for each function and body")
    count = parser.parse_args().requests
    os.environ["AWS_DEFAULT_REGION"] = REGION
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    busy = f"load {os.getloadavg()[0]:.1f}"
    print(f"{date.today()}, {os.cpu_count()} cores, {machine}, {busy}, {count} requests each\n")
    print(
        "| | p50 off | p50 on | difference | p99 off | p99 on | lost |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    with tempfile.TemporaryDirectory() as folder:
        server = local_aws.start(Path(folder) / "home", owner=os.getpid(), preload=False)
        try:
            outputs = start(server, Path(folder))
            for name, body in BODIES.items():
                measure(server, outputs, name, body, count)
            for name, body in BODIES.items():
                print(f"| {name}, the handler's own work for it (ms) | 0 | {offering(body):.4f} | | | | |")
            load(server, outputs, count)
        finally:
            local_aws.stop(server.home)


def start(server: local_aws.Server, folder: Path) -> dict[str, Any]:
    """Serve a model of one column, with the two functions in front of it."""
    outputs = local_aws.ensure_environment(server, "shop", capture_rate=1)
    (folder / "toy").mkdir()
    serve(server, outputs, "shop--toys", artifact("toy", folder / "toy"))
    for name, settings in FUNCTIONS.items():
        another_invoker(server, outputs, name, **settings)
    return outputs


def measure(server: local_aws.Server, outputs: dict[str, Any], name: str, body: bytes, count: int) -> None:
    """Ask both functions in turn, and print what a client and the functions themselves measured."""
    seconds: dict[str, list[float]] = {function: [] for function in FUNCTIONS}
    prefix = name.replace(" ", "-").replace(",", "")
    with requests.Session() as session:
        for number in range(-WARM, count):  # the first ones start processes and clients
            for function in sorted(FUNCTIONS, reverse=bool(number % 2)):  # each is the first one as often
                request = signed(server, function, body, f"{prefix}-{number}")
                started = time.perf_counter()
                answer = session.send(request)
                taken = time.perf_counter() - started
                assert answer.status_code == 200, answer.text
                if number >= 0:
                    seconds[function].append(1000 * taken)
                time.sleep(PAUSE)
    logged = {function: handler_times(server, function, count) for function in FUNCTIONS}
    lost = count + WARM - stored(server, outputs, prefix)
    print(row(f"{name}, at the client (ms)", seconds, lost))
    print(row(f"{name}, in the handler (ms)", logged, lost))


def offering(body: bytes, calls: int = 300) -> float:
    """The milliseconds that a handler needs for capture: the median of some invocations, one after another.

    It puts its request into the buffer and wakes the extension, which shares the interpreter with it.
    """
    entry = {"key": "models/shop--toys/1-a.tar.gz", "version": 1, "sha256": "a", "approved_at": "-"}
    asked = Question("toys", body, "text/csv", None, None)
    answer = Answer(b"toy\n" * body.count(b"\n"), "text/csv", None)
    api, seconds = Extensions(lambda: None), []
    os.environ["AWS_LAMBDA_RUNTIME_API"] = api.address
    extension = Extension(lambda: None)
    assert extension.start()
    api.initialised()
    capture = Capture(1.0, {}, "bucket", "shop")
    for number in range(calls):
        over = threading.Event()
        api.invoke(str(number), time.time() + 60, "arn")
        time.sleep(PAUSE / 10)  # until the extension waits for the handler
        started = time.perf_counter()
        capture.offer("request", "shop--toys", entry, asked, answer, 1)
        extension.finished()
        seconds.append(1000 * (time.perf_counter() - started))
        if api.answered(str(number), over.set):
            over.wait()
    return statistics.median(seconds)


def load(server: local_aws.Server, outputs: dict[str, Any], count: int) -> None:
    """Ask the function that captures by several clients at once."""

    def ask(number: int) -> int:
        return requests.Session().send(signed(server, "on", BODIES["1 row"], f"load-{number}")).status_code

    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = Counter(pool.map(ask, range(count)))
    rate = count / (time.perf_counter() - started)
    lost = count - stored(server, outputs, "load")
    said = ", ".join(f"{number} with {status}" for status, number in answers.items())
    print(f"| {CLIENTS} clients at once, {rate:.0f} requests a second: {said} | | | | | | {lost} |")


def signed(server: local_aws.Server, function: str, body: bytes, request_id: str) -> requests.PreparedRequest:
    """A request to a function's URL."""
    url = f"{server.endpoint_url}/function-url/{function}/?model=toys"
    headers = {"content-type": "text/csv", "x-request-id": request_id}
    request = AWSRequest("POST", url, headers=headers, data=body)
    SigV4Auth(Credentials("local", server.secret), "lambda", REGION).add_auth(request)
    return requests.Request("POST", url, headers=dict(request.headers), data=body).prepare()


def handler_times(server: local_aws.Server, function: str, count: int) -> list[float]:
    """The milliseconds of the last requests, as the function logged them."""
    text = (server.home / "functions" / function / "log.txt").read_text()
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line["milliseconds"] for line in found if line.get("status") == 200][-count:]


def stored(server: local_aws.Server, outputs: dict[str, Any], prefix: str) -> int:
    """How many of the requests are stored."""
    time.sleep(1)
    local_aws.deliver_streams(server)
    s3 = client(server, "s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=outputs["bucket"], Prefix="captured/")
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    contents = [s3.get_object(Bucket=outputs["bucket"], Key=key)["Body"].read() for key in keys]
    found = [json.loads(line) for content in contents for line in gzip.decompress(content).splitlines()]
    return len({line["request_id"] for line in found if line["request_id"].startswith(f"{prefix}-")})


def row(name: str, times: dict[str, list[float]], lost: int) -> str:
    """A line of the table."""
    medians = {function: statistics.median(found) for function, found in times.items()}
    difference = statistics.median(on - off for off, on in zip(times["off"], times["on"], strict=True))
    tails = {function: statistics.quantiles(found, n=100)[98] for function, found in times.items()}
    return (
        f"| {name} | {medians['off']:.2f} | {medians['on']:.2f} | {difference:+.3f} "
        f"| {tails['off']:.1f} | {tails['on']:.1f} | {lost} |"
    )


if __name__ == "__main__":
    main()
