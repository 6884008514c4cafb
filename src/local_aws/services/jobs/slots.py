"""The processors of this machine, which jobs share: how many jobs run at a time, and how many each may use.

A job uses one processor. One that can use more, such as a packed search, reads how many it may use now from a
file that `CORES_FILE` names: all of them divided by the number of running jobs. So a single job has the whole
machine, and gives back what others need as soon as they begin.
"""

import os
import threading
from pathlib import Path

from local_aws.core.files import write_whole

__all__ = ["Slots"]


class Slots:
    """Counts the running jobs, of all kinds, and limits them to the number of processors.

    Args:
        file: Where jobs read how many processors each may use.
        cores: How many there are.
    """

    def __init__(self, file: Path, cores: int | None = None) -> None:
        self.file, self._cores = file, cores or os.cpu_count() or 1
        self._running = 0
        self._changed = threading.Condition()
        self._note()

    def acquire(self, timeout: float) -> bool:
        """Wait this many seconds for a free processor; return whether the job may begin."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._running < self._cores, timeout):
                return False
            self._running += 1
            self._note()
            return True

    def release(self) -> None:
        """Note that a job has ended."""
        with self._changed:
            self._running -= 1
            self._note()
            self._changed.notify()

    def _note(self) -> None:
        write_whole(self.file, str(self._cores // max(1, self._running)).encode())
