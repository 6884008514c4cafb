"""Make Evidently's page of two tables: `python program.py FOLDER PAGE`, in an environment with Evidently.

It imports nothing of this project, whose pandas is too new for Evidently.
"""

import json
import os
import sys
from pathlib import Path

os.environ["DO_NOT_TRACK"] = "1"  # before the import: Evidently would report that it is used

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset, DataSummaryPreset

NUMBERS = ("numeric", "date", "number")


def main(folder: Path, page: Path) -> None:
    """Compare `window.csv` with `training.csv` in the folder; `kinds.json` says what each column is."""
    kinds = json.loads((folder / "kinds.json").read_text())
    numbers = [name for name, kind in kinds.items() if kind in NUMBERS]
    words = [name for name in kinds if name not in numbers]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=words)
    window, training = (
        Dataset.from_pandas(
            pd.read_csv(folder / f"{name}.csv", dtype=dict.fromkeys(words, str)), data_definition=definition
        )
        for name in ("window", "training")
    )
    Report([DataDriftPreset(), DataSummaryPreset()]).run(window, training).save_html(str(page))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
