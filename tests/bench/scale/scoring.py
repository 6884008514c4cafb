"""How fast whole tables are scored, and how much memory that takes: a part of `make bench-scale`.

A gradient boosting model with 50 trees, 5 columns, 3 of them words. Each table is scored by a process of its
own, as by the command, so that its memory is that of the scoring.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import pandas as pd
from support.container.tables import fit, mixed
from support.helpers.registered import Registered

from helpers.session import connect, local

ROWS = (10_000, 100_000, 1_000_000)
BLOCK = 10_000
MEASURED = """
import json, resource, sys
from helpers.deployment.scoring.score import score
from helpers.session import connect
table, dataset, by_transform = sys.argv[1:]
session = connect("local", "many-models")
done = score(session, table, dataset, 1, by_transform=by_transform == "True")
own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps([done.rows, done.seconds, own.ru_maxrss / 1024, ended.ru_maxrss / 1024,
                  own.ru_utime + ended.ru_utime]))
"""


def main(*numbers: int) -> None:
    """Measure and print."""
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    print(f"{date.today()}, {os.cpu_count()} cores, {machine}, load {os.getloadavg()[0]:.0f}\n")
    print("| table | through | rows | seconds | rows a second | CPU seconds | MB, reader | MB, server |")
    print("|---|---|---:|---:|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["LOCAL_AWS_HOME"] = str(folder / "home")
        with local("local"):
            one = fit(mixed("binary", rows=2000), "LightGBM", "binary")
            dataset = Registered(connect("local", "many-models"), folder / "model", one).dataset
            part = mixed("binary", rows=BLOCK)
            for number in numbers or ROWS:
                table = pd.concat([part] * (number // BLOCK), ignore_index=True)
                table.to_csv(folder / "table.csv", index=False)
                table.to_parquet(folder / "table.parquet")
                del table
                for file, by_transform in (
                    ("table.csv", False),
                    ("table.parquet", False),
                    ("table.csv", True),
                ):
                    measured(folder / file, dataset, by_transform)


def measured(path: Path, dataset: str, by_transform: bool) -> None:
    """Score a table in a process of its own, and print what it took."""
    command = [sys.executable, "-c", MEASURED, str(path), dataset, str(by_transform)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    rows, seconds, reader, server, cpu = json.loads(done.stdout.splitlines()[-1])
    # The server of a transform job, like its instance, is local_aws's.
    through, of_server = ("batch transform", "") if by_transform else ("a server", f"{server:.0f}")
    print(
        f"| {path.suffix[1:]}, {path.stat().st_size / 1e6:.1f} MB | {through} | {rows:,} | {seconds:.1f} "
        f"| {rows / seconds:,.0f} | {'' if by_transform else f'{cpu:.1f}'} | {reader:.0f} | {of_server} |",
        flush=True,
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
