"""The image's `train` and `process` commands: unpack the source shipped with a job and run it.

This module stays in the image. The package `tabular`, which it runs, is shipped with every job as one
content-addressed tarball, so editing the code does not require a new image.
"""

import json
import os
import runpy
import signal
import socket
import sys
import tarfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

SOURCE = "source.tar.gz"
TERMINATED = 128 + signal.SIGTERM  # the exit code of a command that was ended by the signal


def train() -> None:
    """Run a training job: the hyperparameters name the module and the S3 URI of its source.

    Follows https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    base = _base_dir()
    with _reporting_to(base / "output" / "failure"):
        hyperparameters = json.loads((base / "input/config/hyperparameters.json").read_text())
        module, submit_directory = (
            _plain(hyperparameters[name]) for name in ("sagemaker_program", "sagemaker_submit_directory")
        )
        archive = base / "code" / SOURCE
        archive.parent.mkdir(parents=True, exist_ok=True)
        _download(submit_directory, archive)
        _run(module, archive, arguments=[])


def process() -> None:
    """Run a processing job: `process MODULE [ARGUMENTS]`, with the source among the job's inputs.

    Follows https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
    """
    base = _base_dir()
    with _reporting_to(base / "output" / "message"):
        if len(sys.argv) < 2:
            raise SystemExit("process needs the name of a module, such as: process tabular.jobs.preprocess")
        _run(sys.argv[1], base / "processing/input/code" / SOURCE, arguments=sys.argv[2:])


def _run(module: str, archive: Path, arguments: list[str]) -> None:
    if "AWS_REGION" in os.environ:  # SageMaker sets only this one; boto3 reads the other
        os.environ.setdefault("AWS_DEFAULT_REGION", os.environ["AWS_REGION"])
    code = _base_dir() / "code"
    with tarfile.open(archive) as source:
        _unpack(source, code)
    sys.path.insert(0, str(code))  # ahead of the `tabular` installed in the image, which only `serve` uses
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _unpack(source: tarfile.TarFile, folder: Path) -> None:
    """Write the files of an archive; `extractall` has filters only since Python 3.11.4."""
    for entry in source:
        path = folder / entry.name
        if not entry.isfile() or not path.resolve().is_relative_to(folder.resolve()):
            raise SystemExit(f"{SOURCE} has {entry.name!r}; it may contain only files in its own folder.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.extractfile(entry).read())


def _base_dir() -> Path:
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def _plain(value: str) -> str:
    """A hyperparameter as a plain string; version 2 of the SageMaker SDK quotes it as JSON."""
    return json.loads(value) if value.startswith('"') else value


def _download(uri: str, target: Path) -> None:
    import boto3

    location = urlsplit(uri)
    boto3.client("s3").download_file(location.netloc, location.path.lstrip("/"), str(target))


@contextmanager
def _reporting_to(reason_file: Path) -> Iterator[None]:
    """Write the reason for a failure to the file that SageMaker reads, and exit with code 1."""
    _end_when_told(reason_file)
    try:
        yield
        return
    except SystemExit as stop:  # a module's own one-sentence explanation, see tabular.spec.errors
        if not stop.code:
            return
        left = f"The job exited with code {stop.code}; its log says why."
        reason = stop.code if isinstance(stop.code, str) else left
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
