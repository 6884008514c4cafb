"""The network of the jobs: the subnets and security groups that Terraform was given, or none."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["place"]


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
