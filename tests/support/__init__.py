"""What tests share: examples, runs and servers, by the room that they are about."""

import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["HANGS", "PATIENCE", "ROOT", "looks"]

ROOT = Path(__file__).parents[2]
# Seconds after which a process hangs: out of reach also where the machine is busy with something else. Such a
# limit ends what would never end; no test judges how long anything took.
HANGS = 600
PATIENCE = {"Delay": 0.1, "MaxAttempts": HANGS * 10}  # of boto3's waiters


def looks(longest: float = 0.1) -> Iterator[None]:
    """Let somebody look again and again, after pauses that grow: a look every moment is work for seconds."""
    pause = 0.01
    while True:
        yield
        time.sleep(pause)
        pause = min(1.2 * pause, longest)
