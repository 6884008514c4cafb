"""One running job: what it needs to run, its instances, and why it has failed."""

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from local_aws.compute.guard import OPT_ML
from local_aws.compute.workers import TERMINATION_SECONDS, Worker, Workers
from local_aws.core.account import Account
from local_aws.core.faults import disk_full, has_no_space
from local_aws.core.store import Store
from local_aws.services.jobs.sharing import SharedFolders
from local_aws.services.jobs.slots import Slots
from local_aws.services.s3 import Buckets

__all__ = [
    "FIRST_HOST",
    "REASON_LENGTH",
    "Instance",
    "JobFailed",
    "JobInterrupted",
    "JobStopped",
    "Platform",
    "Run",
    "failure_reason",
    "read_text",
    "why_failed",
]

REASON_LENGTH = 1024  # characters of a FailureReason or an ExitMessage, from botocore's model
# A pipeline's step prefixes the job's reason with the job's name.
_ROOM_FOR_JOB_NAME = 100
FIRST_HOST = "algo-1"
_KILLED = 128 + signal.SIGKILL
_CLOSING_SECONDS = 2


class JobFailed(Exception):
    """The job has failed; the message is its FailureReason."""


class JobStopped(Exception):
    """The job was stopped or exceeded its time limit; the message says which."""


class JobInterrupted(Exception):
    """The job's instances are gone, as on spot capacity.

    Args:
        notice: The seconds for which the job knew it.
    """

    def __init__(self, notice: float) -> None:
        super().__init__(notice)
        self.notice = notice


@dataclass
class Platform:
    """What jobs need to run.

    Attributes:
        account: The local AWS account.
        store: All records.
        buckets: All S3 objects.
        workers: Starts the jobs' processes.
        shared: What ended jobs have alike.
        closing: Set when the server is stopping.
        slots: Limits the number of jobs that run at a time, of all kinds, to the number of processors.
    """

    account: Account
    store: Store
    buckets: Buckets
    workers: Workers
    shared: SharedFolders
    closing: threading.Event = field(default_factory=threading.Event)
    slots: Slots = field(init=False)

    def __post_init__(self) -> None:
        self.slots = Slots(self.account.home / "cores")

    def end(self, worker: Worker, seconds: float = TERMINATION_SECONDS) -> None:
        """Stop a job's processes; nobody will look at what is left of them when the server is stopping."""
        Workers.end(worker, min(_CLOSING_SECONDS, seconds) if self.closing.is_set() else seconds)


@dataclass(frozen=True)
class Instance:
    """One of a job's instances.

    Attributes:
        host: Its name.
        folder: The folder with its files and its log.
    """

    host: str
    folder: Path

    @property
    def base(self) -> Path:
        """The folder that the instance sees as /opt/ml."""
        return self.folder / "ml"

    @property
    def log(self) -> Path:
        """The file with everything the instance printed."""
        return self.folder / "log.txt"


@dataclass
class Run:
    """One running job.

    Attributes:
        name: The job's name.
        folder: The folder with its files and its log.
        stopping: Set when the job is being stopped.
        notice: While its instances are being taken away: the seconds that it was given.
        done: Set when it has ended.
        end: Ends its processes, and kills them after some seconds.
    """

    name: str
    folder: Path
    stopping: threading.Event = field(default_factory=threading.Event)
    notice: float | None = None
    done: threading.Event = field(default_factory=threading.Event)
    end: Callable[..., object] = lambda *_: None

    def instance(self, host: str = FIRST_HOST) -> Instance:
        """Return one of the job's instances; each but the first has a folder of its own in the job's."""
        return Instance(host, self.folder if host == FIRST_HOST else self.folder / host)

    @property
    def base(self) -> Path:
        """The folder that the job sees as /opt/ml, on its first instance."""
        return self.instance().base

    @property
    def log(self) -> Path:
        """The file with everything the job printed, on its first instance."""
        return self.instance().log

    def local(self, container_path: str) -> Path:
        """Return the local path for a path in the container.

        Raises:
            JobFailed: The path is not under /opt/ml.
        """
        path = PurePosixPath(container_path)  # takes repeated slashes for one, as the container's system does
        if not container_path.startswith(f"{OPT_ML}/") or ".." in path.parts:
            raise JobFailed(f"ClientError: LocalPath {container_path!r} is not under {OPT_ML}/")
        return self.base / path.relative_to(OPT_ML)


def why_failed(instance: Instance, code: int, peak: int) -> str:
    """Return why an instance failed, as it says itself; `peak` is in bytes, 0 if unknown."""
    told = [read_text(instance.base / "output" / name).strip() for name in ("failure", "message")]
    said = f"exit code {code}"
    if code == _KILLED:
        had = f"; its largest process had {peak / 1e9:.2g} GB" if peak else ""
        said += f": it was killed, as happens when memory runs out{had}"
    cause = next(filter(None, told), said)
    if has_no_space(instance.folder):
        cause = disk_full(f"{instance.folder} ({cause})")
    return failure_reason(f"AlgorithmError: {cause}", instance.log)


def read_text(path: Path) -> str:
    """Return a file's text, or an empty string if the file does not exist."""
    return path.read_text(errors="replace") if path.is_file() else ""


def failure_reason(cause: str, log: Path) -> str:
    """Return a FailureReason: the cause, the log's path, and as much of the end of the log as fits."""
    head = f"{cause[: REASON_LENGTH // 2]}\nLog: {log}\n"
    lines = read_text(log).strip()
    room = REASON_LENGTH - _ROOM_FOR_JOB_NAME - len(head)
    return (head + (lines if len(lines) <= room else "..." + lines[len(lines) - room + 3 :])).strip()
