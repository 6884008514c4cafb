"""The process of one function, and the connections to it."""

import contextlib
import marshal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from local_aws.compute.processors import keep_process
from local_aws.core.account import Account
from local_aws.core.store import Document
from local_aws.services.functions.frames import Frames

__all__ = ["Process"]

_STOP_SECONDS = 5
_CONCURRENCY = 16  # on AWS, every concurrent invocation has its own process; here they share one


class Process:
    """One function's process, and the lanes to it: connections with one invocation at a time.

    The thread that has an event sends it and waits for the answer itself, and so does the thread that runs
    the handler: handing both over to other threads would take as long as a small handler.
    """

    def __init__(self, function: Document, account: Account, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        pairs = [socket.socketpair() for _ in range(1 + _CONCURRENCY)]
        ours, theirs = zip(*pairs, strict=True)
        self._notices = Frames(ours[0])
        # The one used last at the end. Whoever finds one need not ask whether others wait.
        self._idle = deque(Frames(lane, function["Timeout"]) for lane in ours[1:])
        self._returned, self._waiting = threading.Condition(), 0
        self._busy: set[str] = set()  # invocations without an answer, or whose extensions still work
        self._retired = False
        self.alive = True
        code = log.parent / "code" / function["CodeSha256"]
        environment = account.environment(
            function["Role"],
            {
                **function["Environment"]["Variables"],
                "AWS_LAMBDA_FUNCTION_NAME": function["FunctionName"],
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function["MemorySize"]),
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "_HANDLER": function["Handler"],
                **({"PYTHONPATH": str(code), "LAMBDA_TASK_ROOT": str(code)} if code.is_dir() else {}),
            },
        )
        descriptors = [end.fileno() for end in theirs]
        runtime = ["-P", "-m", "local_aws.services.functions.runtime"]
        runtime += [function["Handler"], function["FunctionArn"]]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *runtime, *map(str, descriptors)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=log.parent,
                pass_fds=descriptors,
                start_new_session=True,
            )
        keep_process(self._process.pid)
        for end in theirs:
            end.close()
        threading.Thread(target=self._receive, name=function["FunctionName"], daemon=True).start()

    def call(self, request_id: str, event: Any, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Send an event, and return what the process says about it, and what the handler has returned.

        Raises:
            TimeoutError: There was none in this many seconds.
            ConnectionError: The process has ended.
        """
        lane = self._lane(seconds)
        self._busy.add(request_id)
        try:
            # The process trusts this one, so it reads what is quicker than JSON, but not the other way round.
            about, payload = self._exchange(lane, marshal.dumps((request_id, time.time() + seconds, event)))
        except OSError:
            lane.close()  # a late answer must not be taken for that to another event
            self._over(request_id)
            raise
        self._idle.append(lane)
        if self._waiting:
            with self._returned:
                self._returned.notify()
        if not about.get("lingers"):
            self._over(request_id)
        return about, payload

    def _lane(self, seconds: float) -> Frames:
        """Return a lane that nobody uses, once there is one."""
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        with self._returned:
            self._waiting += 1  # before looking again: a lane that comes back later is announced
            try:
                deadline = time.monotonic() + seconds
                while time.monotonic() < deadline:
                    with contextlib.suppress(IndexError):
                        return self._idle.pop()
                    self._returned.wait(max(0.0, deadline - time.monotonic()))
            finally:
                self._waiting -= 1
        raise TimeoutError

    def _exchange(self, lane: Frames, asked: bytes) -> tuple[dict[str, Any], bytes]:
        if not self.alive:  # others may still be answered
            raise ConnectionError
        try:
            lane.send({}, asked)
        except TimeoutError:
            raise
        except OSError as error:
            raise ConnectionError from error
        reply = lane.receive()
        if reply is None:
            raise ConnectionError
        self.alive = self.alive and not reply[0].get("ends")
        return reply

    def retire(self) -> None:
        """Stop the process: now if it is idle, otherwise after its current calls and their extensions."""
        self._retired = True
        self._end_if_idle()

    def _over(self, number: str) -> None:
        """Note that nothing works on an invocation any more."""
        self._busy.discard(number)
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._retired and not self._busy:
            self.end()

    def end(self) -> None:
        """Stop the process; callers that are waiting for it get a ConnectionError."""
        self._notices.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _receive(self) -> None:
        """Hear what the process says about itself until it ends."""
        while received := self._notices.receive():
            notice, _ = received
            self.alive = self.alive and not notice.get("ends")
            if number := notice.get("over"):
                self._over(number)
        self.alive = False
        self._process.wait()
