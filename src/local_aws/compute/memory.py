"""How much memory a command's processes have had, as Linux counts it; elsewhere it is not known."""

from pathlib import Path

__all__ = ["peak_bytes"]

_PEAK = "VmHWM:"  # the most that a process has had in memory, in kB: proc(5)


def peak_bytes(pid: int) -> int:
    """Return the most that a process, or one of those that it started, has had in memory; 0 if unknown."""
    found, waiting = 0, [pid]
    while waiting:
        process = Path("/proc", str(waiting.pop()))
        try:
            lines = (process / "status").read_text().splitlines()
            children = (process / "task" / process.name / "children").read_text()
        except OSError:  # it has ended, or this is not Linux
            continue
        found = max([found, *(int(line.split()[1]) * 1024 for line in lines if line.startswith(_PEAK))])
        waiting += map(int, children.split())
    return found
