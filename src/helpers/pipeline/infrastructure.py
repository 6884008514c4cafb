"""What Terraform was given for all jobs, or was not: a VPC to run in, and a key to encrypt output with."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["encrypt", "place"]


def place(steps: Sequence[dict[str, Any]], vpc: Mapping[str, Sequence[str]]) -> None:
    """Put the job of every step in a definition into a VPC, given by `subnet_ids` and `security_group_ids`.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html
    """
    config = {
        "SecurityGroupIds": sorted(vpc["security_group_ids"]),
        "Subnets": sorted(vpc["subnet_ids"]),
    }
    for step in steps:
        arguments = step["Arguments"]
        match step["Type"]:
            case "Processing":
                arguments.setdefault("NetworkConfig", {})["VpcConfig"] = config
            case "Training":
                arguments["VpcConfig"] = config
            case "Tuning":
                for trial in arguments["TrainingJobDefinitions"]:
                    trial["VpcConfig"] = config
            case "Condition":
                place([*arguments["IfSteps"], *arguments["ElseSteps"]], vpc)


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
