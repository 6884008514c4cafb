"""How a job ends: with its reason in the file that SageMaker reads, and at once when it is told to."""

import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["reporting_to"]

TERMINATED = 128 + signal.SIGTERM  # the exit code of a command that was ended by the signal


@contextmanager
def reporting_to(reason_file: Path) -> Iterator[None]:
    """Write the reason for a failure to the file that SageMaker reads, and exit with code 1."""
    _end_when_told(reason_file)
    try:
        yield
        return
    except SystemExit as stop:  # a module's own one-sentence explanation, see tabular.spec.errors
        if not stop.code:
            return
        left = f"The job exited with code {stop.code}; its log says why."
        own = reason_file.read_text() if reason_file.is_file() else ""  # what a script wrote there itself
        reason = stop.code if isinstance(stop.code, str) else own or left
    except Exception as error:
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}"
    _report(reason, reason_file)
    raise SystemExit(1)


def _report(reason: str, reason_file: Path) -> None:
    print(reason, file=sys.stderr, flush=True)
    reason_file.parent.mkdir(parents=True, exist_ok=True)
    reason_file.write_text(reason[:1024])  # SageMaker keeps 1,024 characters


def _end_when_told(reason_file: Path) -> None:
    """Exit on SIGTERM, which a container's first process ignores by default.

    A signal handler runs in the main thread, between two of its instructions, and fitting a model can be a
    single instruction that takes an hour. So another thread waits for the byte that Python writes at once.
    """
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)

    def wait() -> None:
        with reading, writing:  # both stay open as long as this thread runs
            while reading.recv(1) != bytes([signal.SIGTERM]):
                continue
        _report("The job was told to stop (SIGTERM).", reason_file)
        sys.stdout.flush()
        os._exit(TERMINATED)

    threading.Thread(target=wait, daemon=True, name="sigterm").start()
