"""Splits the rows of a table: every n-th one is for validation."""

import argparse
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--share", type=float)
every = round(1 / parser.parse_args().share)

(path,) = Path("/opt/ml/processing/input").glob("*.csv")
header, *rows = path.read_text().splitlines()
parts = {
    "train": [row for number, row in enumerate(rows) if number % every],
    "validation": rows[::every],
}
for name, part in parts.items():
    Path(f"/opt/ml/processing/{name}/{name}.csv").write_text("\n".join([header, *part]) + "\n")
