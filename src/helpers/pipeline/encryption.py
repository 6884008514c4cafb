"""The key with which jobs encrypt what they write: the one that Terraform was given, or none."""

from collections.abc import Sequence
from typing import Any

__all__ = ["encrypt"]


def encrypt(steps: Sequence[dict[str, Any]], key_arn: str) -> None:
    """Let the job of every step in a definition encrypt its output with a KMS key, given by its ARN.

    A job that names no key does not leave the choice to the bucket: SageMaker then asks S3 for the key that
    AWS manages for the account, which no other account can use.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    for step in steps:
        arguments = step["Arguments"]
        match step["Type"]:
            case "Processing":
                arguments["ProcessingOutputConfig"]["KmsKeyId"] = key_arn
            case "Training":
                arguments["OutputDataConfig"]["KmsKeyId"] = key_arn
            case "Tuning":
                for trial in arguments["TrainingJobDefinitions"]:
                    trial["OutputDataConfig"]["KmsKeyId"] = key_arn
            case "Condition":
                encrypt([*arguments["IfSteps"], *arguments["ElseSteps"]], key_arn)
