"""The invoker's view of the models map: cached for a few seconds and shared by all threads."""

import functools
import threading
import time
from collections.abc import Callable

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from lambdas import clients, models_map
from lambdas.errors import MapError, RequestError, code_of
from lambdas.models_map import Snapshot

__all__ = ["CachedMap", "cached_map"]

TIME_TO_LIVE = 5.0  # seconds


class CachedMap:
    """The models map of one bucket, read again when it is older than its time to live."""

    def __init__(
        self,
        s3: BaseClient,
        bucket: str,
        *,
        time_to_live: float = TIME_TO_LIVE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store where the map is, without reading it yet. `time_to_live` is in seconds."""
        self._s3 = s3
        self._bucket = bucket
        self._time_to_live = time_to_live
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._expires = 0.0

    def current(self) -> Snapshot:
        """Return the map, at most `time_to_live` old; a RequestError (503) means that it cannot be read."""
        with self._lock:
            if self._snapshot is None or self._clock() >= self._expires:
                self._snapshot = self._read()
            return self._snapshot

    def newer_than(self, seen: Snapshot) -> Snapshot:
        """Return the map, read again unless another thread has read it since `seen`."""
        with self._lock:
            if self._snapshot is None or self._snapshot is seen:
                self._snapshot = self._read()
            return self._snapshot

    def _read(self) -> Snapshot:
        try:
            snapshot = models_map.read(self._s3, self._bucket, known=self._snapshot)
        except (BotoCoreError, ClientError, MapError) as error:
            reason = code_of(error) if isinstance(error, ClientError) else type(error).__name__
            sentence = f"The models map cannot be read ({reason}); try again in a moment."
            raise RequestError(503, sentence, {"retry-after": "5"}) from error
        self._expires = self._clock() + self._time_to_live
        return snapshot


@functools.cache
def cached_map(bucket: str) -> CachedMap:
    """Return the view of a bucket's map that the whole process shares."""
    return CachedMap(clients.client("s3"), bucket)
