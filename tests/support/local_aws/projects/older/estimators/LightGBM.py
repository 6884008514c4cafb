"""Trains a LightGBM model with the hyperparameters of the command line."""

import argparse
import os
from pathlib import Path

import lightgbm
import numpy as np
from common.tables import auc, read

parser = argparse.ArgumentParser()
parser.add_argument("--num-leaves", type=int)
parser.add_argument("--learning-rate", type=float)
parser.add_argument("--rounds", type=int)
parser.add_argument("--label")
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
parser.add_argument("--validation", default=os.environ["SM_CHANNEL_VALIDATION"])
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
arguments = parser.parse_args()

rows, labels = read(arguments.train, arguments.label)
settings = {
    "objective": "binary",
    "num_leaves": arguments.num_leaves,
    "learning_rate": arguments.learning_rate,
    "min_data_in_leaf": 5,
    "num_threads": 1,
    "verbosity": -1,
}
model = lightgbm.train(settings, lightgbm.Dataset(np.array(rows), labels), arguments.rounds)
rows, labels = read(arguments.validation, arguments.label)
print(f"validation-auc: {auc(list(model.predict(np.array(rows))), labels):.4f}")
model.save_model(Path(arguments.model_dir) / "model.txt")
