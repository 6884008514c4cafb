"""SageMaker's batch transform: an instance of its own, with the image and the artifact of one version.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from tabular.data.files.csv_files import Block

from contract import names
from helpers.deployment.scoring import predictions
from helpers.deployment.scoring.model import Model
from helpers.deployment.scoring.rows import as_csv, columns_of, identified, line_break, plain_rows
from helpers.errors import BadInput, JobFailed, one_line
from helpers.session import Session
from helpers.session.patience import patiently

__all__ = ["run"]

FOLDER = "scoring"  # below the prefix of executions, where the jobs' role reads and writes
PART_BYTES = 32 << 20  # of an input file; it and its answers must fit into memory, and into that of the job
PAYLOAD_MB = 5  # below the 6,291,456 bytes that the server accepts
CONCURRENT = 4
INSTANCE = "ml.m5.large"
POLL_SECONDS = {True: 0.2, False: 15.0}
ENDED = ("Completed", "Failed", "Stopped")
ASK_FOR_PROBABILITIES = {"SERVE_PROBABILITIES": "true"}  # a transform job sends no custom attributes


def run(
    session: Session,
    model: Model,
    blocks: Iterable[Block],
    places: Sequence[int],
    ids: Sequence[str],
    base: Path,
) -> Iterator[pa.Table]:
    """The output of each part of a table, in order.

    Each record of the input is what identifies a row, and its cells. The identification is left out of what
    the model gets, and joined with its answer.
    https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html

    Raises:
        BadInput: a cell cannot be a part of a line, or the model refuses a row.
        JobFailed: the job failed.
    """
    # At most 63 characters; the pipeline comes first, so that a policy can name what may be created.
    name = f"{session.pipeline_name[:32]}-score-{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(2)}"
    prefix = f"{names.load().prefixes.executions}{FOLDER}/{name}/"
    uploaded = list(_upload(session, f"{prefix}input/", model, blocks, places, ids, base))
    identifying = uploaded[0][1]
    request = _request(session, model, name, prefix, len(identifying.names))
    sagemaker = session.client("sagemaker")
    container = {"Image": model.image, "ModelDataUrl": model.uri, "Environment": ASK_FOR_PROBABILITIES}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=session.job_role_arn, PrimaryContainer=container)
    try:
        _wait(session, name, request)
        for key, _ in uploaded:
            yield _answers(session, f"{prefix}output/{key}.out", identifying, model)
    finally:
        session.client("sagemaker").delete_model(ModelName=name)


def _request(session: Session, model: Model, name: str, prefix: str, identifying: int) -> dict[str, Any]:
    answers = len(predictions.columns(model).names)
    kept = [*range(identifying), *range(-answers, 0)]
    key = session.kms_key_arn
    return {
        "TransformJobName": name,
        "ModelName": name,
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": PAYLOAD_MB,
        "MaxConcurrentTransforms": CONCURRENT,
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": session.uri(f"{prefix}input/")}
            },
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": session.uri(f"{prefix}output"),
            "Accept": "text/csv",
            "AssembleWith": "Line",
            **({"KmsKeyId": key} if key else {}),
        },
        "DataProcessing": {
            "InputFilter": f"$[{identifying}:]",
            "JoinSource": "Input",
            "OutputFilter": f"$[{','.join(map(str, kept))}]",
        },
        "TransformResources": {
            "InstanceCount": 1,
            "InstanceType": INSTANCE,
            **({"VolumeKmsKeyId": key} if key else {}),
        },
    }


def _upload(
    session: Session,
    prefix: str,
    model: Model,
    blocks: Iterable[Block],
    places: Sequence[int],
    ids: Sequence[str],
    base: Path,
) -> Iterator[tuple[str, pa.Schema]]:
    """Upload the table in parts; yield each part's name, and the columns that identify its rows."""
    path, number = base / "part.csv", 0
    file, schema = path.open("wb"), None

    def finished() -> tuple[str, pa.Schema]:
        file.close()
        key = f"part-{number:05}.csv"
        session.client("s3").upload_file(str(path), session.bucket, f"{prefix}{key}")
        return key, schema

    for block in blocks:
        rows, known = columns_of(block.rows, places, model), identified(block, ids)
        file.write(as_csv(_record(rows, known, model, block.numbers)))
        schema = known.schema
        if file.tell() >= PART_BYTES:
            yield finished()
            number, file = number + 1, path.open("wb")
    if file.tell():
        yield finished()


def _record(
    rows: pa.RecordBatch, known: pa.RecordBatch, model: Model, numbers: pa.Int64Array
) -> pa.RecordBatch:
    plain = plain_rows(rows, model)
    if plain is None:
        raise BadInput(
            "Batch transform sends text, which would lose the types of some columns of words or dates; write "
            "them as text in the table."
        )
    for part in (known, plain):
        if found := line_break(part):
            raise BadInput(
                f"Row {numbers[found[0]]} has a line break in the column {found[1]!r}, where batch transform "
                "would cut it; write a blank instead."
            )
    numbered = [f"{place}" for place in range(known.num_columns + plain.num_columns)]
    return pa.RecordBatch.from_arrays([*known.columns, *plain.columns], names=numbered)


def _wait(session: Session, name: str, request: dict[str, Any]) -> None:
    """Start a job and wait until it has ended; stop it if somebody interrupts this.

    Raises:
        BadInput: the model refuses a row.
        JobFailed: it failed.
    """
    session.client("sagemaker").create_transform_job(**request)
    print(f"Started the transform job {name}.", flush=True)
    try:
        while True:
            job = patiently(
                session, lambda: session.client("sagemaker").describe_transform_job(TransformJobName=name)
            )
            if job["TransformJobStatus"] in ENDED:
                break
            time.sleep(POLL_SECONDS[session.is_local])
    except KeyboardInterrupt:
        session.client("sagemaker").stop_transform_job(TransformJobName=name)
        raise
    if job["TransformJobStatus"] == "Completed":
        return
    reason = one_line(ValueError(job.get("FailureReason", "somebody stopped it")))
    if "ClientError" in reason and "Row " in reason:
        raise BadInput(f"The model refuses a row of a request of the transform job {name}: {reason}.")
    raise JobFailed(
        f"The transform job {name} has {job['TransformJobStatus'].lower()} ({reason}); see its log in "
        "CloudWatch /aws/sagemaker/TransformJobs."
    )


def _answers(session: Session, key: str, identifying: pa.Schema, model: Model) -> pa.Table:
    """The rows of a part's output."""
    body = session.client("s3").get_object(Bucket=session.bucket, Key=key)["Body"].read()
    answers = predictions.columns(model)
    return predictions.parsed(body, pa.schema([*identifying, *answers]))
