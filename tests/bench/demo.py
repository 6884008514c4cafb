"""Where the seconds of the demo go: `make bench` prints the table that is in the README.

The whole demo is run in a state of its own: nothing is cached but the data sets and Python's .pyc files.
"""

import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support import ROOT


def main() -> int:
    """Run the demo once and print its table."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        environment = {**os.environ, "LOCAL_AWS_HOME": str(Path(folder) / "local_aws")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-m", "commands", "run", "parameters/local.yaml", "--runs", str(runs)]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        if done.returncode:
            return done.returncode
        summary = json.loads(next(runs.glob("*/summary.json")).read_text())
    print(f"\n{datetime.date.today()}, {machine()}\n")
    print("| | seconds |\n|---|---:|")
    for what, seconds in rows(summary):
        print(f"| {what} | {seconds:.1f} |")
    return 0


def rows(summary: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Seconds by notebook and, of the pipelines, by step: executions run side by side, so steps overlap."""
    found = summary["data_sets"]
    yield from ((f"`{name}`", each["seconds"]) for name, each in summary["notebooks"].items())
    yield f"**all five, {len(found)} data sets**", summary["seconds"]
    for step in next(iter(found.values()))["steps"]:
        yield f"{step}, the longest of {len(found)}", max(facts["steps"][step] for facts in found.values())


def machine() -> str:
    """What the figures depend on."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
