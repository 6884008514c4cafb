"""Clients of the server under test."""

import contextlib
import functools
import json
import os
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

import local_aws
from support import HANGS, looks

# What the demo and these tests ask for, as: emulated, recorded, refused; and the demo alone.
SCOPE = json.loads((resources.files("local_aws.gateway") / "scope.json").read_text())
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")


@dataclass(frozen=True)
class Aws:
    """boto3 clients of one server."""

    endpoint_url: str
    home: Path

    @property
    def server(self) -> local_aws.Server:
        """The server."""
        return local_aws.running(self.home)

    def told(self, path: str) -> Any:
        """Return what the server tells about itself under `/_local/`."""
        return told(self.server, path)

    @functools.cache  # noqa: B019 - a client reads megabytes of models when it is made
    def client(self, service: str, **config: Any) -> Any:
        """Return a client that does not retry, so that a test sees the first answer."""
        return boto3.session.Session("test", self.server.secret, region_name="us-east-1").client(
            service,
            endpoint_url=self.endpoint_url,
            config=Config(retries={"total_max_attempts": 1}, proxies={}, **config),
        )


def server_of(session: Any) -> local_aws.Server:
    """Return the server that a session works with, as far as calls need it."""
    url, keys = session.client("sagemaker").meta.endpoint_url, session.boto.get_credentials()
    return local_aws.Server(url, pid=0, home=Path(), started=False, secret=keys.secret_key)


def told(server: local_aws.Server, path: str) -> Any:
    """Return what a server tells about itself under `/_local/`."""
    headers = {"Authorization": f"Bearer {server.secret}"}
    request = urllib.request.Request(f"{server.endpoint_url}/_local/{path}", headers=headers)
    without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with without_proxy.open(request) as answer:
        return json.load(answer)


def wait_for(check: Callable[[], Any], seconds: float = HANGS) -> Any:
    """Return the first true answer of a function. It comes soon or never; a loaded machine may be slow."""
    deadline = time.monotonic() + seconds
    for _ in looks():
        if answer := check():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} seconds")


def is_running(pid: int | str) -> bool:
    """Return whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[-1].split()[0] != "Z"
    except OSError:
        return False


def processes_of(home: Path) -> list[int]:
    """Return the processes that have this home in their arguments, environment or working folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and is_running(entry.name):
            with contextlib.suppress(OSError):
                environment = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                if str(home).encode() in environment or str((entry / "cwd").readlink()).startswith(str(home)):
                    found.append(int(entry.name))
    return found
