"""What all kinds of jobs have in common: a record, a thread, the processes, a result."""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from local_aws.compute.guard import OPT_ML
from local_aws.compute.memory import peak_bytes
from local_aws.compute.workers import CORES_FILE, TERMINATION_SECONDS, Command, Worker
from local_aws.core.concurrency import together
from local_aws.core.errors import AwsError, already_exists, invalid
from local_aws.core.faults import fault, log_exception
from local_aws.core.requests.listing import listing
from local_aws.core.store import Document
from local_aws.services.jobs.run import (
    FIRST_HOST,
    REASON_LENGTH,
    Instance,
    JobFailed,
    JobInterrupted,
    JobStopped,
    Platform,
    Run,
    why_failed,
)
from local_aws.services.tags import Tags

__all__ = ["MAX_RUNTIME", "MAX_WAIT", "JobFamily"]

_SERVER_STOPPED = (
    "InternalServerError: the local_aws server was stopped while this job ran. Start the job again."
)
# Why a job was stopped, as AWS calls it.
MAX_RUNTIME, MAX_WAIT = "MaxRuntimeExceeded", "MaxWaitTimeExceeded"
_SLOT_SECONDS = 0.1
_POLL_SECONDS = 0.1
_LOOK_SECONDS = 1.0  # between two looks at the memory of a job
_ENDED = ("Completed", "Failed", "Stopped")


class JobFamily:
    """One kind of job. A subclass implements `run`, and the operations under boto3's names."""

    kind: ClassVar[str]
    noun: ClassVar[str]  # such as ProcessingJob, for the fields ProcessingJobName, ...Arn and ...Status
    list_key: ClassVar[str]

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._runs: dict[str, Run] = {}

    # For subclasses

    def run(self, run: Run, job: Document) -> dict[str, Any]:
        """Run the job; return the fields that record its success."""
        raise NotImplementedError

    def failed(self, job: Document) -> dict[str, Any]:
        """Return further fields that record a failure."""
        return {}

    def stopped(self, job: Document, reason: str) -> dict[str, Any]:
        """Return further fields that record a stop."""
        return {}

    # For operations

    def arn(self, name: str) -> str:
        """Return a job's ARN."""
        return self.platform.account.arn("sagemaker", f"{self.kind}/{name}")

    def create(self, request: Document, **fields: Any) -> dict[str, str]:
        """Record a job and start it."""
        if self.platform.closing.is_set():
            raise AwsError(
                "ServiceUnavailable", "The local_aws server is stopping; start the job again.", 503
            )
        name, now = request[f"{self.noun}Name"], time.time()
        arn = self.arn(name)
        document = {
            **request,
            f"{self.noun}Arn": arn,
            f"{self.noun}Status": "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
            **fields,
        }
        folder = self.folder(name)
        with self.platform.store.transaction():
            if folder.exists() or not self.platform.store.add(self.kind, name, document):
                raise already_exists(f"A {self.kind} with the name {name!r} already exists ({arn})")
            Tags(self.platform.store).remember(request, {f"{self.noun}Arn": arn})
        run = self._runs[name] = Run(name, folder)
        threading.Thread(target=self._run, args=(run,), name=name).start()
        return {f"{self.noun}Arn": arn}

    def folder(self, name: str) -> Path:
        """Return the folder of a job's files."""
        return self.platform.account.home / "jobs" / name

    def find(self, name: str) -> Document:
        """Return a job's record.

        Raises:
            AwsError: No such job.
        """
        job = self.platform.store.find(self.kind, name)
        if job is None:
            raise invalid(f"Requested resource not found: {self.arn(name)}")
        return job

    def status(self, job: Document) -> str:
        """Return a job's status."""
        return job[f"{self.noun}Status"]

    def update(self, name: str, **fields: Any) -> Document:
        """Change a job's record."""
        return self.platform.store.note(self.kind, name, LastModifiedTime=time.time(), **fields)

    def stop(self, name: str) -> dict[str, Any]:
        """Stop a running job.

        Raises:
            AwsError: The job is not running.
        """
        if not self.end(name):
            raise invalid(
                f"The request was rejected because {name} is in status {self.status(self.find(name))}."
            )
        return {}

    def end(self, name: str) -> bool:
        """Stop a job if it is running; return whether it was."""
        with self.platform.store.lock:
            run = self._runs.get(name)
            if run is None or self.status(self.find(name)) in _ENDED:
                return False
            self.update(name, **{f"{self.noun}Status": "Stopping"})
        self._end(run)
        return True

    def wait(self, name: str) -> Document:
        """Wait until a job has ended, and return its record."""
        if run := self._runs.get(name):
            run.done.wait()
        return self.find(name)

    def listed(self, request: Document) -> dict[str, Any]:
        """Answer a List operation, by default newest first."""
        jobs = self.platform.store.list(self.kind)
        chosen, following = listing(jobs, request, name=f"{self.noun}Name", status=f"{self.noun}Status")
        return {self.list_key: chosen, **following}

    # For the server

    def running(self) -> list[str]:
        """Return the names of the running jobs."""
        return sorted(self._runs)

    def recover(self) -> None:
        """Mark jobs that were running when the last server ended as failed."""
        for job in self.platform.store.list(self.kind):
            if self.status(job) not in _ENDED:
                reason = _SERVER_STOPPED
                fields = {f"{self.noun}Status": "Failed", "FailureReason": reason, **self.failed(job)}
                self.update(job[f"{self.noun}Name"], **fields)

    def close(self) -> None:
        """Stop all jobs at once and wait until they have ended."""
        while runs := list(self._runs.values()):  # one may have been on its way
            together(partial(self._end, run) for run in runs)
            for run in runs:
                run.done.wait()

    # One job

    def execute(
        self,
        run: Run,
        command: Sequence[str],
        environment: Mapping[str, str],
        seconds: float | None,
        hosts: Sequence[str] = (FIRST_HOST,),
    ) -> None:
        """Run a command on each of a job's instances; the first that fails ends all others.

        Raises:
            JobFailed: The command cannot run here, or did not exit with 0 on every instance.
            JobStopped: The job was stopped or exceeded its time limit.
            JobInterrupted: Its instances were taken away.
        """
        named = next((argument for argument in command if OPT_ML in argument), None)
        if named and not self.platform.workers.has_private_opt_ml:
            raise JobFailed(
                f"ClientError: the command names {OPT_ML} ({named[:200]!r}), but on this system jobs cannot "
                "have their own; use the folder in SAGEMAKER_BASE_DIR instead."
            )
        instances = [run.instance(host) for host in hosts]
        shared = {CORES_FILE: str(self.platform.slots.file)} if len(instances) == 1 else {}
        role_arn = self.find(run.name)["RoleArn"]
        workers = [self._start(one, role_arn, command, {**shared, **environment}) for one in instances]

        def end(patience: float = TERMINATION_SECONDS) -> None:
            together(partial(self.platform.end, worker, patience) for worker in workers)

        run.end = end
        if run.stopping.is_set():
            run.end()
        elif run.notice is not None:  # it came before there was something to end
            run.end(run.notice)
        codes, peaks = _first_failure(workers, seconds)
        if run.notice is not None:  # who interrupts it also ends it
            for worker in workers:
                worker.wait(None)
        run.end()
        if run.stopping.is_set():
            raise JobStopped("StopRequested")
        if run.notice is not None:
            raise JobInterrupted(run.notice)
        for instance, code, peak in zip(instances, codes, peaks, strict=True):
            if code:
                raise JobFailed(why_failed(instance, code, peak))
        if None in codes:
            raise JobStopped(MAX_RUNTIME)

    def _start(
        self, instance: Instance, role_arn: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> Worker:
        own = {"SAGEMAKER_BASE_DIR": str(instance.base), **environment}
        everything = self.platform.account.environment(role_arn, own)
        return self.platform.workers.start(
            Command(command, everything, instance.folder, instance.log, instance.base)
        )

    def take_slot(self, run: Run, until: float = math.inf) -> None:
        """Wait for a free slot, until a time by `time.monotonic`.

        Raises:
            JobStopped: The job was stopped while it waited, or has waited for too long.
        """
        while not self.platform.slots.acquire(timeout=_SLOT_SECONDS):
            if run.stopping.is_set():
                raise JobStopped("StopRequested")
            if time.monotonic() >= until:
                raise JobStopped(MAX_WAIT)

    def _run(self, run: Run) -> None:
        try:
            try:
                fields = self._outcome(run)
            except Exception as error:  # also one of the methods that describe an outcome
                log_exception()
                fields = self._failure(str(fault(error, "InternalServerError")))
            self.platform.shared.share(run.folder)
            if not self.platform.closing.is_set():  # otherwise the next server records why the job failed
                self.update(run.name, **fields)
        finally:
            self._runs.pop(run.name, None)
            run.done.set()

    def _outcome(self, run: Run) -> dict[str, Any]:
        """Run a job and return the fields that record how it ended."""
        try:
            run.base.mkdir(parents=True)
            return {f"{self.noun}Status": "Completed", **self.run(run, self.find(run.name))}
        except JobStopped as stop:
            return {f"{self.noun}Status": "Stopped", **self.stopped(self.find(run.name), str(stop))}
        except JobFailed as failure:
            reason = str(failure)
        except Exception as error:
            log_exception()
            reason = str(fault(error, "InternalServerError"))
        return {**self._failure(reason), **self.failed(self.find(run.name))}

    def _failure(self, reason: str) -> dict[str, Any]:
        return {f"{self.noun}Status": "Failed", "FailureReason": reason[:REASON_LENGTH]}

    @staticmethod
    def _end(run: Run) -> None:
        run.stopping.set()
        run.end()


def _first_failure(workers: Sequence[Worker], seconds: float | None) -> tuple[list[int | None], list[int]]:
    """Return the exit codes once all workers have ended, one has failed or the time is up.

    The code of a worker that still runs is None. With them come the most bytes that one of a worker's
    processes was seen to have in memory.
    """
    end = None if seconds is None else time.monotonic() + seconds
    peaks, looked = [0] * len(workers), time.monotonic()
    poll = _LOOK_SECONDS if len(workers) == 1 else _POLL_SECONDS
    while True:
        codes = [worker.wait(0) for worker in workers]
        left = None if end is None else end - time.monotonic()
        if any(codes) or None not in codes or (left is not None and left <= 0):
            return codes, peaks
        workers[codes.index(None)].wait(poll if left is None else min(poll, left))
        if time.monotonic() - looked >= _LOOK_SECONDS:
            looked = time.monotonic()
            peaks = [max(peak, peak_bytes(one.pid)) for one, peak in zip(workers, peaks, strict=True)]
