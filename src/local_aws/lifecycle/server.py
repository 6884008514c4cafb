"""The server process: runs until it is told to stop, its owner exits, or it is idle for too long."""

import argparse
import gc
import json
import os
import signal
import threading
import time
from pathlib import Path

from local_aws.cloud import Cloud
from local_aws.core.account import Account, region_of
from local_aws.gateway.listener import Listener
from local_aws.lifecycle import state
from local_aws.lifecycle.home import Home
from local_aws.services.jobs.sharing import SharedFolders

__all__ = ["main"]

_POLL_SECONDS = 1.0
_ALLOCATIONS = 50_000  # between two collections of garbage; moto's services are imported when they are used


def _share_files(folder: Path) -> None:
    """Let the jobs of an older version share their files."""
    shared = SharedFolders(folder)
    for job in sorted((folder / "jobs").glob("*")):
        shared.share(job)


_MIGRATIONS = {0: _share_files}


def main() -> None:
    """Serve one home folder: `--home FOLDER [--port N] [--owner PID] [--idle-minutes N] [--no-preload]`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--owner", type=int)
    parser.add_argument("--idle-minutes", type=float, default=60)
    parser.add_argument("--preload", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    gc.freeze()  # what is imported stays
    gc.set_threshold(_ALLOCATIONS)
    gc.enable()
    home = Home(options.home)
    with home.hold():
        state.migrate(home.folder, _MIGRATIONS)
        _serve(home, options.port, options.owner, options.idle_minutes, options.preload)
    gc.freeze()  # or Python would look for garbage in everything before it ends, for a third of a second


def _serve(home: Home, port: int, owner: int | None, idle_minutes: float, preload: bool) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    region = region_of(os.environ)
    _forget_user()
    listener = Listener(lambda request: cloud.answer(request), port)
    cloud = Cloud(Account(home.folder, region, listener.url, home.make_secret()), preload)
    threading.Thread(target=listener.serve_forever, args=(0.2,), name="listener", daemon=True).start()
    try:
        cloud.recover()
        home.publish({"endpoint_url": listener.url, "pid": os.getpid(), "started": time.time()})
        while not (stop.is_set() or cloud.stop_requested.is_set()):
            stop.wait(_POLL_SECONDS if not cloud.stop_requested.is_set() else 0)
            if owner is not None and not _is_alive(owner):
                print(json.dumps({"stopping": f"the owner, process {owner}, has exited"}), flush=True)
                break
            if cloud.idle_seconds() > idle_minutes * 60:
                print(json.dumps({"stopping": f"idle for {idle_minutes} minutes"}), flush=True)
                break
    finally:
        home.unpublish()
        cloud.close()
        listener.shutdown()
        listener.server_close()


def _forget_user() -> None:
    """Remove the user's AWS settings from this process, and so from everything it starts."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
