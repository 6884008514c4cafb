"""How many processes of one thread a job may use, at most and at the moment."""

import os
import sys
from pathlib import Path

__all__ = ["CORES_FILE", "cores", "cores_now"]

# Names a file in which a number stands that changes while the job runs, because it shares the machine with
# others: local_aws.services.jobs.slots. On an instance of its own, a job has all cores all the time.
CORES_FILE = "CORES_FILE"


def cores() -> int:
    """How many there are for this job, if no other runs; what a search finds may depend on it."""
    limit = os.environ.get("OMP_NUM_THREADS")
    if limit and not _is_shared():
        return int(limit)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores_now(width: int) -> int:
    """How many of these processes may be busy now; one always may."""
    if not _is_shared():
        return width
    try:
        return max(1, min(width, int(Path(os.environ[CORES_FILE]).read_text())))
    except FileNotFoundError:  # the state was deleted, and this job ends soon
        return 1


def _is_shared() -> bool:
    return CORES_FILE in os.environ and sys.platform == "linux"  # elsewhere there are no forks to hold back
