"""Takes one column as the score: what any model should beat."""

import argparse
import json
import os
from pathlib import Path

from common.tables import auc, read

parser = argparse.ArgumentParser()
parser.add_argument("--order", choices=["first", "last"])
parser.add_argument("--label")
arguments, _ = parser.parse_known_args()

column = 0 if arguments.order == "first" else -1
rows, labels = read(os.environ["SM_CHANNEL_VALIDATION"], arguments.label)
print(f"validation-auc: {auc([row[column] for row in rows], labels):.4f}")
Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps({"column": column}))
