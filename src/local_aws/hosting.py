"""The platform side of a multi-model endpoint: models are fetched, loaded, called and unloaded on demand.

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

import hashlib
import io
import json
import shutil
import tarfile
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local_aws.buckets import Buckets
from local_aws.containers import Answer, Container
from local_aws.errors import AwsError

__all__ = ["Counters", "Host"]

INVOKE_SECONDS = 60
LOAD_SECONDS = 360
_OUT_OF_MEMORY = 507
_LOADED = (200, 409)  # loaded now; loaded already


@dataclass
class Counters:
    """What an endpoint has done since it was started."""

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
    ) -> None:
        self._container, self._buckets, self._folder = container, buckets, folder
        self._models_uri, self._log_arn, self._cached = models_uri, log_arn, cached
        self._counters = Counters()
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, str] = (
            OrderedDict()
        )  # target -> the container's name, least used first
        self._loading: dict[str, threading.Lock] = {}
        self._starts = 1

    def invoke(self, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Call a model, loading it first if it is not loaded.

        Raises:
            AwsError: As the runtime API reports it.
        """
        self._forget_after_restart()
        with self._lock:
            self._counters.invocations += 1
        # A model may be unloaded for another's sake between its load and its call.
        for _ in range(3):
            name = self._ensure_loaded(target)
            answer = self._send("POST", f"/models/{name}/invoke", body, headers, INVOKE_SECONDS)
            if answer[0] != 404 or self._is_loaded(name):
                break
            with self._lock:
                self._loaded.pop(target, None)
        if not self._cached:
            self._unload(target)
        if answer[0] >= 400:
            raise self._model_error(answer)
        return answer

    def status(self) -> dict[str, float]:
        """Return the counters."""
        with self._lock:
            return {**asdict(self._counters), "loaded_models": len(self._loaded)}

    def _ensure_loaded(self, target: str) -> str:
        with self._lock:
            if target in self._loaded:
                self._loaded.move_to_end(target)
                self._counters.hits += 1
                return self._loaded[target]
            one_at_a_time = self._loading.setdefault(target, threading.Lock())
        with one_at_a_time:
            with self._lock:
                if target in self._loaded:
                    self._counters.hits += 1
                    return self._loaded[target]
            return self._load(target)

    def _load(self, target: str) -> str:
        started = time.monotonic()
        name = hashlib.sha256(target.encode()).hexdigest()[:32]
        self._fetch(target, name)
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
        return name

    def _fetch(self, target: str, name: str) -> None:
        """Download and unpack an artifact; its files stay on the instance, also after an unload."""
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
        unpacked = model.with_name("unpacking")
        shutil.rmtree(unpacked, ignore_errors=True)
        unpacked.mkdir(parents=True)
        try:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(unpacked, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            shutil.rmtree(unpacked, ignore_errors=True)
            raise AwsError("ValidationError", f"Failed to extract model data from {uri}: {error}") from None
        unpacked.rename(model)

    def _unload_least_used(self) -> bool:
        with self._lock:
            target = next(iter(self._loaded), None)
        return target is not None and self._unload(target)

    def _unload(self, target: str) -> bool:
        with self._lock:
            name = self._loaded.pop(target, None)
        if name is None:
            return False
        self._send("DELETE", f"/models/{name}", b"", {}, INVOKE_SECONDS)
        with self._lock:
            self._counters.unloads += 1
        return True

    def _is_loaded(self, name: str) -> bool:
        return self._send("GET", f"/models/{name}", b"", {}, INVOKE_SECONDS)[0] == 200

    def _forget_after_restart(self) -> None:
        """A container that was started again has nothing loaded."""
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
