"""The platform side of a multi-model endpoint: downloads, loads, invokes and unloads models on demand.

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

import hashlib
import io
import json
import shutil
import tarfile
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import asdict, dataclass
from pathlib import Path

from local_aws.core.errors import AwsError
from local_aws.services.cloudwatch.metrics import EndpointMetrics
from local_aws.services.endpoints.serve_process import Answer, Container
from local_aws.services.s3 import Buckets

__all__ = ["Counters", "Host", "unpack_archive"]

INVOKE_SECONDS = 60
READY_SECONDS = 60  # how long an invocation waits for a load, which then continues without it
LOAD_SECONDS = 360
_OUT_OF_MEMORY = 507
_LOADED = (200, 409)  # loaded now; already loaded


@dataclass
class Counters:
    """Counts of what an endpoint has done since it was started."""

    invocations: int = 0
    hits: int = 0
    cold_loads: int = 0
    load_milliseconds: float = 0.0
    unloads: int = 0


class Host:
    """One endpoint's models."""

    def __init__(
        self,
        container: Container,
        buckets: Buckets,
        folder: Path,
        models_uri: str,
        log_arn: str,
        cached: bool,
        metrics: EndpointMetrics,
    ) -> None:
        self._container, self._buckets, self._folder = container, buckets, folder
        self._models_uri, self._log_arn, self._cached = models_uri, log_arn, cached
        self._metrics, self._counters = metrics, Counters()
        self._lock = threading.Lock()
        self._released = threading.Condition(self._lock)
        self._loaded: OrderedDict[str, str] = (
            OrderedDict()
        )  # target -> the container's name for it, least recently used first
        self._in_use: Counter[str] = Counter()  # current calls, by target
        self._loading: dict[str, Future[str]] = {}
        self._starts = 1

    def invoke(self, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Invoke a model, and load it first if necessary.

        Raises:
            AwsError: As the runtime API reports it.
        """
        try:
            return self._invoke(target, body, headers)
        except AwsError as error:
            status = error.details.get("OriginalStatusCode") or error.status
            is_client = 400 <= status < 500
            self._metrics.add(
                Invocations=1, Invocation4XXErrors=int(is_client), Invocation5XXErrors=int(not is_client)
            )
            raise

    def _invoke(self, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self._forget_after_restart()
        started = time.monotonic()
        with self._lock:
            self._counters.invocations += 1
            self._in_use[target] += 1
            is_hit = target in self._loaded
        try:
            # A model may be unloaded between its load and its call, to make room for another.
            for _ in range(3):
                name = self._ensure_loaded(target)
                waited, called = time.monotonic() - started, time.monotonic()
                answer = self._send("POST", f"/models/{name}/invoke", body, headers, INVOKE_SECONDS)
                if answer[0] != 404 or self._is_loaded(name):
                    break
                with self._lock:
                    self._loaded.pop(target, None)
        finally:
            with self._released:
                self._in_use[target] -= 1
                self._released.notify_all()
        measured = {"ModelCacheHit": int(is_hit), "ModelLatency": time.monotonic() - called}
        if not is_hit:
            measured["ModelLoadingWaitTime"] = waited
        if not self._cached:
            self._unload(target)
        if answer[0] >= 400:
            self._metrics.add(**measured)
            raise self._model_error(answer)
        self._metrics.add(**measured, Invocations=1, Invocation4XXErrors=0, Invocation5XXErrors=0)
        return answer

    def status(self) -> dict[str, float]:
        """Return the counters."""
        with self._lock:
            return {**asdict(self._counters), "loaded_models": len(self._loaded)}

    def unload(self) -> int:
        """Unload every model that is not being invoked, and return how many those were."""
        with self._lock:
            unused = [target for target in self._loaded if not self._in_use[target]]
        return sum(self._unload(target) for target in unused)

    def _ensure_loaded(self, target: str) -> str:
        with self._lock:
            if target in self._loaded:
                self._loaded.move_to_end(target)
                self._counters.hits += 1
                return self._loaded[target]
            loading = self._loading.get(target)
            if loading is None:
                loading = self._loading[target] = Future()
                threading.Thread(target=self._load_for, args=(target, loading), daemon=True).start()
        try:
            return loading.result(READY_SECONDS)
        except FutureTimeout:
            raise AwsError(
                "ModelNotReadyException",
                f"Model {target} is not ready after {READY_SECONDS} seconds and is still loading; try again.",
                429,
            ) from None

    def _load_for(self, target: str, loading: "Future[str]") -> None:
        """Load a model for all callers that are waiting for it."""
        try:
            name = self._load(target)
        except Exception as error:  # the waiting callers get it
            with self._lock:
                del self._loading[target]
            loading.set_exception(error)
        else:
            with self._lock:
                del self._loading[target]
            loading.set_result(name)

    def _load(self, target: str) -> str:
        started = time.monotonic()
        name = hashlib.sha256(target.encode()).hexdigest()[:32]
        self._fetch(target, name)
        fetched = time.monotonic()
        request = json.dumps({"model_name": name, "url": f"/opt/ml/models/{name}/model"}).encode()
        headers = {"Content-Type": "application/json", "X-Amzn-SageMaker-Target-Model": target}
        while True:
            answer = self._send("POST", "/models", request, headers, LOAD_SECONDS)
            if answer[0] != _OUT_OF_MEMORY or not self._unload_least_used():
                break
        if answer[0] not in _LOADED:
            raise self._model_error(answer)
        with self._lock:
            self._loaded[target] = name
            self._counters.cold_loads += 1
            self._counters.load_milliseconds += (time.monotonic() - started) * 1000
            count = len(self._loaded)
        self._metrics.add(
            ModelDownloadingTime=fetched - started,
            ModelLoadingTime=time.monotonic() - fetched,
            LoadedModelCount=count,
        )
        return name

    def _fetch(self, target: str, name: str) -> None:
        """Download and unpack an artifact; its files stay on the instance even if the model is unloaded."""
        model = self._folder / "ml" / "models" / name / "model"
        if model.is_dir():
            return
        uri = f"{self._models_uri.rstrip('/')}/{target.lstrip('/')}"
        try:
            content = self._buckets.read(uri)
        except AwsError:
            raise AwsError(
                "ValidationError",
                f"Failed to download model data. Please ensure that there is an object at {uri}",
            ) from None
        unpack_archive(content, uri, model)

    def _unload_least_used(self) -> bool:
        """Unload the least recently used model that is not being invoked; if all are, wait for one."""
        with self._released:
            self._released.wait_for(lambda: not self._loaded or self._unused() is not None, INVOKE_SECONDS)
            target = self._unused()
        if target is None:
            return False
        self._unload(target)  # unless another load has done so just before, which makes room as well
        return True

    def _unused(self) -> str | None:
        return next((target for target in self._loaded if not self._in_use[target]), None)

    def _unload(self, target: str) -> bool:
        with self._lock:
            name = self._loaded.pop(target, None)
        if name is None:
            return False
        started = time.monotonic()
        self._send("DELETE", f"/models/{name}", b"", {}, INVOKE_SECONDS)
        with self._lock:
            self._counters.unloads += 1
            count = len(self._loaded)
        self._metrics.add(ModelUnloadingTime=time.monotonic() - started, LoadedModelCount=count)
        return True

    def _is_loaded(self, name: str) -> bool:
        return self._send("GET", f"/models/{name}", b"", {}, INVOKE_SECONDS)[0] == 200

    def _forget_after_restart(self) -> None:
        """Forget the loaded models if the container was restarted, because it has none then."""
        if self._starts != self._container.starts:
            with self._lock:
                self._starts = self._container.starts
                self._loaded.clear()

    def _send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        try:
            return self._container.request(method, path, body, headers, seconds)
        except TimeoutError:
            message = (
                "Your invocation timed out while waiting for a response from container primary. "
                f"Review the latency metrics or the log: {self._container.log}"
            )
            raise self._model_error((0, {}, message.encode())) from None
        except ConnectionError as error:
            raise AwsError(
                "ServiceUnavailable", f"The endpoint's container is not in service: {error}", 503
            ) from None

    def _model_error(self, answer: Answer) -> AwsError:
        status, _, body = answer
        message = body.decode(errors="replace")
        blame = "client" if 400 <= status < 500 else "server"
        return AwsError(
            "ModelError",
            f'Received {blame} error ({status}) from primary with message "{message}". '
            f"See {self._container.log} for more information.",
            424,
            OriginalStatusCode=status,
            OriginalMessage=message,
            LogStreamArn=self._log_arn,
        )


def unpack_archive(content: bytes, uri: str, folder: Path) -> None:
    """Unpack an artifact into a new folder, which is there only if that succeeded.

    Raises:
        AwsError: The artifact is not a good archive.
    """
    unpacked = folder.with_name("unpacking")
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            _unpack(archive, unpacked)
    except (tarfile.TarError, EOFError, OSError) as error:
        shutil.rmtree(unpacked, ignore_errors=True)
        raise AwsError("ValidationError", f"Failed to extract model data from {uri}: {error}") from None
    unpacked.rename(folder)


def _unpack(archive: tarfile.TarFile, folder: Path) -> None:
    """Write the files of an archive to a folder, without `extractall`, whose filters need Python 3.11.4.

    Raises:
        tarfile.TarError: An entry is not a plain file or folder within the folder.
    """
    for entry in archive:
        path = folder / entry.name
        if not (entry.isfile() or entry.isdir()) or not path.resolve().is_relative_to(folder.resolve()):
            raise tarfile.TarError(f"{entry.name!r} is not a plain file or folder within the archive.")
        (path if entry.isdir() else path.parent).mkdir(parents=True, exist_ok=True)
        if entry.isfile():
            with archive.extractfile(entry) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
