"""The first request to a new artifact: the endpoint loads it, and the right answer is known in advance.

Requests after the switch find the model loaded, and the map never switches to a model that cannot be served.
"""

import json
import math
import time
from collections.abc import Mapping
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from lambdas.errors import ArtifactError, NotNowError, code_of

__all__ = ["warm"]

# After 60 s, SageMaker answers that a model is not ready, but continues to load it for this long.
PATIENCE = 360.0  # seconds
PAUSE = 2.0  # seconds
TOLERANCE = 1e-6  # for numbers, relative and absolute: another processor may round differently


def warm(
    runtime: BaseClient,
    endpoint_name: str,
    target_model: str,
    sample: Mapping[str, list[Any]],
) -> int:
    """Send an artifact's sample rows to the endpoint, compare its predictions, and return how many they are.

    An ArtifactError means that the model cannot be loaded or predicts something else; a NotNowError means
    that the endpoint cannot be invoked.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """
    deadline = time.monotonic() + PATIENCE
    while (answer := _ask(runtime, endpoint_name, target_model, sample["instances"])) is None:
        if time.monotonic() >= deadline:
            raise ArtifactError(target_model, f"was not loaded by the endpoint within {PATIENCE:.0f} seconds")
        time.sleep(PAUSE)
    predicted = answer.get("predictions") if isinstance(answer, dict) else None
    expected = sample["predictions"]
    if not isinstance(predicted, list) or len(predicted) != len(expected):
        raise ArtifactError(target_model, f"did not return {len(expected)} predictions for its sample rows")
    for row, (seen, known) in enumerate(zip(predicted, expected, strict=True), start=1):
        if not _same(seen, known):
            raise ArtifactError(target_model, f"predicts {seen!r} for sample row {row} instead of {known!r}")
    return len(expected)


def _ask(runtime: BaseClient, endpoint_name: str, target_model: str, rows: list[Any]) -> Any:
    """Return the endpoint's answer, or None while the model is being loaded."""
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint_name,
            TargetModel=target_model,
            ContentType="application/json",
            Accept="application/json",
            Body=json.dumps({"instances": rows}).encode(),
        )
        return json.loads(answer["Body"].read())
    except ClientError as error:
        code = code_of(error)
        if code == "ModelNotReadyException":
            return None
        if (
            code == "ModelError" and error.response.get("OriginalStatusCode") != 507
        ):  # 507: not enough memory at the moment
            reason = error.response.get("OriginalMessage") or error.response["Error"].get("Message", "")
            raise ArtifactError(target_model, f"is refused by its container: {reason}") from error
        raise NotNowError(f"The endpoint {endpoint_name} cannot be invoked at the moment: {error}") from error
    except ReadTimeoutError:
        return None
    except BotoCoreError as error:
        raise NotNowError(f"The endpoint {endpoint_name} cannot be reached: {error}") from error
    except ValueError as error:
        raise ArtifactError(target_model, "gave an answer that is not JSON") from error


def _same(seen: object, known: object) -> bool:
    if isinstance(seen, float) or isinstance(known, float):
        numbers = isinstance(seen, int | float) and isinstance(known, int | float)
        return numbers and math.isclose(seen, known, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(seen) is type(known) and seen == known
