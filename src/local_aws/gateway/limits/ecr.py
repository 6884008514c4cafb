"""ECR's rules of repositories.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
"""

from collections.abc import Callable
from typing import Any

from local_aws.core.errors import AwsError
from local_aws.gateway.limits.tags import tag_problem

__all__ = ["RULES"]


def _create_repository(request: dict[str, Any]) -> None:
    if problem := tag_problem(request.get("tags", ())):
        raise AwsError("InvalidTagParameterException", problem)


RULES: dict[str, Callable[[dict[str, Any]], None]] = {"ecr:CreateRepository": _create_repository}
