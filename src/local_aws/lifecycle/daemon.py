"""Starts, finds and stops the server from another process; imports only the standard library, to be fast."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local_aws.core.account import ACCOUNT_VARIABLE
from local_aws.core.errors import LocalAwsError
from local_aws.core.faults import disk_full, has_no_space
from local_aws.lifecycle import state
from local_aws.lifecycle.home import Home, find_home

__all__ = [
    "LocalAwsError",
    "Server",
    "account_home",
    "deliver_streams",
    "ensure_environment",
    "interrupt",
    "prune",
    "reset",
    "running",
    "set_deliveries",
    "set_endpoint_seconds",
    "start",
    "status",
    "stop",
    "unload_models",
]

# The server's imports stay, so looking for garbage among them would only take time.
_PROGRAM = "import gc; gc.disable(); from local_aws.lifecycle.server import main; main()"
_START_SECONDS = 60
_STOP_SECONDS = 60
_CLOSE_SECONDS = 6  # to end everything by itself; then it is killed, which loses nothing
_POLL_SECONDS = 0.02
_REQUEST_SECONDS = 60
_PRUNE_SECONDS = 600
_LOG_LINES = 15


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        endpoint_url: The value of AWS_ENDPOINT_URL for boto3.
        pid: The server's process id.
        home: The folder with its state.
        started: Whether this call started it; False if it was already running.
        secret: The value of AWS_SECRET_ACCESS_KEY for boto3, with any access key.
    """

    endpoint_url: str
    pid: int
    home: Path
    started: bool
    secret: str = field(repr=False)


def start(
    home: Path | None = None,
    *,
    owner: int | None = None,
    idle_minutes: float = 60,
    port: int = 0,
    preload: bool = True,
) -> Server:
    """Return the server of a home folder; start it if it is not running.

    Args:
        home: The folder with all state; by default LOCAL_AWS_HOME or the project's `.local_aws`.
        owner: The id of a process; the server stops when this process exits.
        idle_minutes: The server stops after this many minutes without a request or anything running.
        port: The port to listen on; by default any free port.
        preload: Whether to import scikit-learn and similar libraries once, for all jobs that are forks.

    Raises:
        LocalAwsError: The state is not for this version, or the server did not start; the message then has
            the last lines of its log.
    """
    place = Home(home or find_home())
    with place.starting():
        if about := place.published():
            return _server(place, about, started=False)
        _wait_until_gone(place)  # another server may be stopping at this moment
        place.unpublish()
        state.check(place.folder)
        arguments = ["--home", str(place.folder), "--port", str(port), "--idle-minutes", str(idle_minutes)]
        if owner is not None:
            arguments += ["--owner", str(owner)]
        if not preload:
            arguments.append("--no-preload")
        process = _launch(place, arguments)
        try:
            about = _wait_until_ready(place, process)
        except BaseException:  # also an interrupt: do not leave a server running that is not ready
            process.terminate()
            process.wait()
            raise
        return _server(place, about, started=True)


def account_home(account_id: str, home: Path | None = None) -> Path:
    """Return the home folder of another account on this laptop: it has a server, and a state, of its own."""
    return (home or find_home()) / "accounts" / account_id


def stop(home: Path | None = None) -> bool:
    """Stop the server of a home folder and everything it started; return whether it was running.

    The servers of other accounts in this folder are stopped as well.

    Raises:
        LocalAwsError: The server did not stop in time.
    """
    place = Home(home or find_home())
    for other in place.accounts():
        stop(other.folder)
    if not place.is_held():
        return False
    with place.starting():
        about = place.published()
        if about is None:
            return False
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(about["pid"], number)
            if _is_gone(place, _CLOSE_SECONDS):
                break
        _wait_until_gone(place)
        _wait_until_ended(about["pid"])
        place.unpublish()
    return True


def running(home: Path | None = None) -> Server | None:
    """Return the server of a home folder, or None if it is not running."""
    place = Home(home or find_home())
    about = place.published()
    return None if about is None else _server(place, about, started=False)


def status(home: Path | None = None) -> dict[str, Any] | None:
    """Return what the server of a home folder is doing, or None if it is not running."""
    server = running(home)
    return None if server is None else _call(server, "GET", "status")


def reset(home: Path | None = None) -> None:
    """Stop the server and delete all state of a home folder, other accounts' included."""
    place = Home(home or find_home())
    stop(place.folder)
    for other in place.accounts():
        other.erase()
    place.erase()


def prune(home: Path | None = None, *, days: float = 7) -> dict[str, Any]:
    """Delete what executions that ended more than some days ago have left, unless something needs it.

    Returns:
        How many `executions`, `jobs`, `objects` and `bytes` were deleted, and `left_bytes`.

    Raises:
        LocalAwsError: A run uses the state, the number is negative, or the server does not start.
    """
    place = Home(home or find_home())
    with place.without_runs():
        server = start(place.folder, owner=os.getpid(), preload=False)
        try:
            return _call(server, "POST", "prune", {"days": days}, _PRUNE_SECONDS)
        finally:
            if server.started:
                stop(place.folder)


def ensure_environment(
    server: Server,
    pipeline_name: str,
    *,
    invoker_url_auth: str = "AWS_IAM",
    promote_to: dict[str, list[str]] | None = None,
    promote_from: dict[str, str] | None = None,
    endpoints: int | None = None,
    capture_rate: float | None = None,
    capture_leaves_out: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """Create whatever is missing of the resources that Terraform creates on AWS for a pipeline name.

    Args:
        server: The server.
        pipeline_name: Terraform's variable of this name.
        invoker_url_auth: Terraform's variable of this name: AWS_IAM refuses unsigned calls to the invoker's
            URL, NONE accepts them.
        promote_to: Terraform's variable of this name, for registered data sets: `account_ids` and `datasets`.
        promote_from: Terraform's variable of this name, without a key: `account_id` and `pipeline_name`. It
            stays in force, and nothing is trained here.
        endpoints: Terraform's variable of this name. Without it, there stay as many as there are, or 1.
        capture_rate: Terraform's variable of this name, which stays in force until another value is given;
            at first, nothing is captured.
        capture_leaves_out: Terraform's variable of this name, which stays in force as well.

    Returns:
        Terraform's outputs: account_id, region, bucket, job_role_arn, image_uri, endpoint_name, endpoints,
        deployer_function_name, invoker_function_name, invoker_url, pipeline_name, promote_from.

    Raises:
        LocalAwsError: AWS would not accept the name, or something could not be created.
    """
    asked = {
        "pipeline_name": pipeline_name,
        "invoker_url_auth": invoker_url_auth,
        "promote_to": promote_to,
        "promote_from": promote_from,
        "endpoints": endpoints,
        "capture_rate": capture_rate,
        "capture_leaves_out": capture_leaves_out,
    }
    return _call(server, "POST", "environments", asked)


def set_deliveries(server: Server, *, lost: float = 0.0, duplicated: float = 0.0, seed: int = 0) -> None:
    """Lose or duplicate a fraction of all EventBridge deliveries, until it is set again.

    Raises:
        LocalAwsError: The values are not fractions of 1.
    """
    _call(server, "POST", "deliveries", {"lost": lost, "duplicated": duplicated, "seed": seed})


def set_endpoint_seconds(server: Server, seconds: float) -> None:
    """Let creating or updating an endpoint take at least this long, until it is set again or the server ends.

    Raises:
        LocalAwsError: The number is negative.
    """
    _call(server, "POST", "endpoints", {"seconds": seconds})


def interrupt(server: Server, job: str, notice: float = 120.0) -> None:
    """Take the instances of a training job on spot capacity away, after SIGTERM and this many seconds.

    Raises:
        LocalAwsError: It is not on spot capacity, or not training now.
    """
    _call(server, "POST", "interruptions", {"name": job, "notice": notice})


def unload_models(server: Server) -> int:
    """Unload the models of all endpoints, as SageMaker does when others need the memory.

    Their files stay on the instances, so that the next call to each only loads it.

    Returns:
        How many models were unloaded.
    """
    return _call(server, "POST", "unload", {})["unloaded"]


def deliver_streams(server: Server) -> None:
    """Let streams store what they hold now; by themselves they do so after a minute."""
    _call(server, "POST", "streams")


def messages(server: Server) -> list[dict[str, str | None]]:
    """Return what was published to SNS topics since the start: topic (an ARN), subject and message."""
    return _call(server, "GET", "messages")


def _launch(place: Home, arguments: list[str]) -> subprocess.Popen[bytes]:
    # `-c`, not `-m`: the fork server would import the module that is __main__ into every job.
    command = [sys.executable, "-P", "-c", _PROGRAM, *arguments]
    with place.log.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=place.folder,
            env={**os.environ, ACCOUNT_VARIABLE: place.account_id},
            start_new_session=True,
        )


def _wait_until_ready(place: Home, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            why = disk_full(place.folder) if has_no_space(place.folder) else _log_tail(place)
            raise LocalAwsError(f"The server ended with code {process.returncode}. {why}")
        if about := place.published():
            return about
        time.sleep(_POLL_SECONDS)
    raise LocalAwsError(f"The server was not ready after {_START_SECONDS} seconds. {_log_tail(place)}")


def _wait_until_gone(place: Home) -> None:
    if not _is_gone(place, _STOP_SECONDS):
        raise LocalAwsError(f"The server of {place.folder} is still running after {_STOP_SECONDS} seconds.")


def _is_gone(place: Home, seconds: float) -> bool:
    """Wait until no server holds a folder, at most for so long, and return whether that is so."""
    deadline = time.monotonic() + seconds
    while place.is_held():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _wait_until_ended(pid: int) -> None:
    """Wait for a process that has released its folder and is about to exit."""
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        try:
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                return  # it was a child of this process, which no other process would reap
        except ChildProcessError:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
        time.sleep(_POLL_SECONDS)


def _log_tail(place: Home) -> str:
    lines = place.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "\n".join([f"{place.log}:", *lines])


def _server(place: Home, about: dict[str, Any], *, started: bool) -> Server:
    try:
        secret = place.secret
    except FileNotFoundError:  # it was started by an older version
        raise LocalAwsError(
            f"The server of {place.folder} cannot be used: its secret is gone, or it is an older version's. "
            "End it with `many-models local-aws stop`, and try again."
        ) from None
    return Server(about["endpoint_url"], about["pid"], place.folder, started, secret)


def _call(
    server: Server,
    method: str,
    path: str,
    document: dict[str, Any] | None = None,
    seconds: float = _REQUEST_SECONDS,
) -> Any:
    """Call one of the server's own operations, never through a proxy."""
    headers = {"Authorization": f"Bearer {server.secret}"}
    connection = http.client.HTTPConnection(urlsplit(server.endpoint_url).netloc, timeout=seconds)
    try:
        connection.request(method, f"/_local/{path}", json.dumps(document or {}), headers)
        response = connection.getresponse()
        content = response.read()
    except OSError as error:
        raise LocalAwsError(f"No answer from {server.endpoint_url}: {error}") from error
    finally:
        connection.close()
    answer = json.loads(content)
    if response.status != 200:
        raise LocalAwsError(answer.get("message", content.decode(errors="replace")))
    return answer
