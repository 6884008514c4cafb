"""Checkpoints: a folder of each instance that S3 mirrors while a job runs, so that the next one finds it.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from local_aws.compute.guard import OPT_ML
from local_aws.core.errors import AwsError, invalid, not_emulated
from local_aws.core.faults import fault
from local_aws.core.store import Document
from local_aws.services.jobs.run import Instance, JobFailed, JobInterrupted
from local_aws.services.s3 import Buckets, split_uri

__all__ = ["Authorize", "check_checkpoints", "mirrored"]

_LOCAL_PATH = f"{OPT_ML}/checkpoints"
_OTHERS = ("code", "input", "model", "output")  # folders of /opt/ml that have a meaning of their own
_SECONDS = 1.0

# Refuses what a role may not do: its name, the action, the resource, the context.
Authorize = Callable[[str, str, str, Mapping[str, str]], None]


def check_checkpoints(request: Document) -> None:
    """Refuse a folder or an address that cannot have checkpoints.

    Raises:
        AwsError: It is refused.
    """
    configuration = request.get("CheckpointConfig")
    if not configuration:
        return
    if not split_uri(configuration["S3Uri"])[1].strip("/"):
        raise not_emulated(f"checkpoints at {configuration['S3Uri']}, a whole bucket")
    path = PurePosixPath(configuration.get("LocalPath") or _LOCAL_PATH)
    if ".." in path.parts or not path.is_relative_to(OPT_ML) or path == PurePosixPath(OPT_ML):
        raise not_emulated(f"checkpoints in {path}, which is not under {OPT_ML}/")
    if path.relative_to(OPT_ML).parts[0] in _OTHERS:
        raise invalid(f"The LocalPath of CheckpointConfig, {path}, is a folder that SageMaker uses itself.")


@contextlib.contextmanager
def mirrored(
    buckets: Buckets, job: Document, instances: Sequence[Instance], authorize: Authorize
) -> Iterator[None]:
    """Copy the checkpoints in S3 to every instance, and keep S3 like the instances' folders until the end.

    What is added in S3 meanwhile is not copied. A file that an instance deletes is deleted in S3. SageMaker
    does all that in the name of the job's role.

    Raises:
        JobFailed: The role may not do it, or two instances write the same file.
    """
    configuration = job.get("CheckpointConfig")
    if not configuration:
        yield
        return
    mirror = _Mirror(buckets, configuration, job["RoleArn"].rpartition("/")[2], authorize)
    mirror.begin(instances)
    ended = threading.Event()
    thread = threading.Thread(target=mirror.watch, args=(ended,), name=f"{job['TrainingJobName']}-mirror")
    thread.start()
    try:
        yield
    except JobInterrupted as interrupted:
        mirror.is_lost = not interrupted.notice  # what is not in S3 yet is gone with the instance
        raise
    finally:  # also what a job leaves that failed, was stopped or was interrupted
        ended.set()
        thread.join()
    if mirror.failure:
        raise mirror.failure


class _Mirror:
    """One job's checkpoints.

    Attributes:
        failure: Why they cannot be mirrored any more.
        is_lost: Whether the instances are gone, so that nothing is left to mirror.
    """

    def __init__(self, buckets: Buckets, configuration: Document, role: str, authorize: Authorize) -> None:
        self._buckets, self._role, self._authorize = buckets, role, authorize
        self._bucket, prefix = split_uri(configuration["S3Uri"])
        self._prefix = f"{prefix.strip('/')}/"
        self._path = PurePosixPath(configuration.get("LocalPath") or _LOCAL_PATH).relative_to(OPT_ML)
        self._seen: dict[Path, dict[str, tuple[int, int]]] = {}  # by folder: each file's time and size
        self._writers: dict[str, Path] = {}
        self.failure: JobFailed | None = None
        self.is_lost = False

    def begin(self, instances: Sequence[Instance]) -> None:
        """Copy what is in S3 to every instance."""
        self._allow("s3:ListBucket", "", {"s3:prefix": self._prefix})
        for key in self._buckets.keys(self._bucket, self._prefix):
            self._allow("s3:GetObject", key)
        for instance in instances:
            folder = instance.base / self._path
            self._buckets.download(f"s3://{self._bucket}/{self._prefix}", folder)
            self._seen[folder] = _files(folder)

    def watch(self, ended: threading.Event) -> None:
        """Mirror the folders again and again, and once more at the end."""
        while self.failure is None:
            last = ended.wait(_SECONDS)
            if self.is_lost:
                return
            try:
                for folder in self._seen:
                    self._update(folder)
            except JobFailed as failure:
                self.failure = failure
            except AwsError as error:  # such as a bucket that was deleted
                self.failure = JobFailed(f"ClientError: the checkpoints cannot be written: {error}")
            except OSError as error:  # such as a full disk
                self.failure = JobFailed(f"ClientError: the checkpoints cannot be written: {fault(error)}")
            if last:
                return

    def _update(self, folder: Path) -> None:
        before, now = self._seen[folder], _files(folder)
        for name in now:
            if now[name] == before.get(name):
                continue
            writer = self._writers.setdefault(name, folder)
            if writer != folder:
                raise JobFailed(
                    f"ClientError: two instances wrote the checkpoint {name!r}, of which S3 keeps only one; "
                    "put the host's name into the name."
                )
            self._allow("s3:PutObject", self._prefix + name)
            with contextlib.suppress(FileNotFoundError):  # it is replaced or deleted just now
                self._buckets.put(f"s3://{self._bucket}/{self._prefix}{name}", (folder / name).read_bytes())
        for name in before.keys() - now.keys():
            self._allow("s3:DeleteObject", self._prefix + name)
            self._buckets.remove(self._bucket, self._prefix + name)
        self._seen[folder] = now

    def _allow(self, action: str, key: str, context: Mapping[str, str] | None = None) -> None:
        resource = f"arn:aws:s3:::{self._bucket}" + (f"/{key}" if key else "")
        try:
            self._authorize(self._role, action, resource, context or {})
        except AwsError as error:
            raise JobFailed(f"ClientError: the checkpoints cannot be mirrored: {error}") from None


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the time and the size of each file in a folder."""
    found = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # it is deleted just now
            if path.is_file():
                about = path.stat()
                found[path.relative_to(folder).as_posix()] = (about.st_mtime_ns, about.st_size)
    return found
