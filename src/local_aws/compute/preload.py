"""What the warm process does on import of this module, before its first fork: it imports PRELOADED.

To create a boto3 client, each job would need a tenth of a second to read service models; forks have them
already. A garbage collection in a fork would copy every page of the imported libraries; it skips them. They
are imported without any, which would take a sixth of the time.
"""

import contextlib
import gc
import importlib

__all__ = ["PRELOADED"]

# Third-party modules only: the project's own code comes with each job. Modules not installed are skipped.
PRELOADED = (
    "boto3",
    "botocore.session",
    "joblib",
    "lightgbm",
    "numpy",
    "optuna",
    "orjson",
    "pandas",
    "pyarrow",
    "pyarrow.csv",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "safetensors.numpy",
    "scipy.stats",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.impute",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sklearn.naive_bayes",
    "sklearn.neural_network",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "xgboost",
)

gc.disable()
for name in PRELOADED:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)

import boto3  # noqa: E402

# The default session keeps the models. Keys and region are placeholders: each job's clients have their own.
for service in ("s3", "sagemaker"):
    boto3.client(service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
gc.freeze()
gc.set_threshold(50_000)  # allocations between two collections in a job, which imports more
gc.enable()
