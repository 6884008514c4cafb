"""The retrainer function: starts the pipeline on a data set's newest table, unless it has been trained on.

A schedule calls it with {"dataset": ..., "target": ..., "family": ..., "parameters": {...}}. The version that
the execution registers waits for a person's approval like any other version.
"""

import hashlib
import json
import time
from typing import Any

from botocore.client import BaseClient

from contract import names
from contract.seeds import RANDOM_STATE, tuner_seed
from lambdas import clients, log
from lambdas.errors import RetrainingError
from lambdas.settings import Settings

__all__ = ["handler"]

UNDER_WAY_OR_DONE = ("Executing", "Succeeded")
OPTIONS_FILE = "dataset.json"  # tells PreprocessData how to read the files next to it
PIPELINES = {"classification": "{}", "regression": "{}-regression"}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Start an execution and return its ARN, or `unchanged` if the newest table has already been trained on.

    A RetrainingError says what is wrong with the event, or that no table exists.
    """
    started = time.monotonic()
    settings = Settings.from_environment()
    dataset, target, family = (event.get(name) for name in ("dataset", "target", "family"))
    if not (isinstance(target, str) and target and family in PIPELINES):
        raise RetrainingError(
            f"The event has target {target!r} and family {family!r}; they must be a column and one of "
            f"{', '.join(PIPELINES)}."
        )
    group = names.group_name(settings.pipeline_name, str(dataset))
    s3, sagemaker = clients.client("s3"), clients.client("sagemaker")
    given = event.get("parameters", {})
    parameters = {
        "TunerSeed": str(tuner_seed(dataset, given.get("RandomState", RANDOM_STATE))),
        **given,
        "DatasetName": dataset,
        "InputDataUri": _newest_table(s3, settings.bucket, dataset),
        "TargetColumn": target,
    }
    outcome = _retrain(
        s3, sagemaker, settings.bucket, group, PIPELINES[family].format(settings.pipeline_name), parameters
    )
    milliseconds = round(1000 * (time.monotonic() - started))
    request_id = getattr(context, "aws_request_id", None)
    log.line(function="retrainer", request_id=request_id, group=group, milliseconds=milliseconds, **outcome)
    return outcome


def _newest_table(s3: BaseClient, bucket: str, dataset: str) -> str:
    """Return the URI of the table that was most recently uploaded under raw/.

    A folder's time is that of its options file, which is uploaded last, so a table that is still being
    uploaded is not trained on. Each object directly under the data set's prefix is a complete table.
    """
    prefix = f"{names.load().prefixes.raw}{dataset}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    tables = []
    for found in (found for page in pages for found in page.get("Contents", [])):
        folder, _, name = found["Key"].removeprefix(prefix).rpartition("/")
        if name == OPTIONS_FILE and folder:
            tables.append((found["LastModified"], found["Key"].removesuffix(OPTIONS_FILE)))
        elif name and not folder:
            tables.append((found["LastModified"], found["Key"]))
    if not tables:
        raise RetrainingError(
            f"There is no table under s3://{bucket}/{prefix}; run notebook 03, or upload a table yourself: a "
            f"file, or a folder of files with a {OPTIONS_FILE}, uploaded last."
        )
    return f"s3://{bucket}/{max(tables)[1]}"


def _retrain(
    s3: BaseClient,
    sagemaker: BaseClient,
    bucket: str,
    group: str,
    pipeline_name: str,
    parameters: dict[str, str],
) -> dict[str, Any]:
    """Start an execution unless the last one had the same parameters and did not fail.

    If the note about the last execution was lost, its token makes SageMaker return the same execution.
    """
    key = f"{names.load().retraining_prefix}{group}.json"
    last = _read(s3, bucket, key)
    if last.get("parameters") == parameters:
        described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=last["execution"])
        if described["PipelineExecutionStatus"] in UNDER_WAY_OR_DONE:
            return {"action": "unchanged", "execution": last["execution"]}
    token = hashlib.sha256(json.dumps([parameters, last], sort_keys=True).encode()).hexdigest()
    execution = sagemaker.start_pipeline_execution(
        PipelineName=pipeline_name,
        # So that a list of executions says what each is about.
        PipelineExecutionDescription=f"{parameters['DatasetName']}, retraining",
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
        ClientRequestToken=token,
    )["PipelineExecutionArn"]
    note = {"parameters": parameters, "execution": execution}
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(note).encode(), ContentType="application/json")
    return {"action": "started", "execution": execution}


def _read(s3: BaseClient, bucket: str, key: str) -> dict[str, Any]:
    try:
        return json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
    except s3.exceptions.NoSuchKey:
        return {}
