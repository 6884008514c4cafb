"""The check for drift as Terraform's schedule starts it."""

from contract.names import load
from helpers.monitoring import reports

__all__ = ["scheduled"]


def scheduled(pipeline_name: str, region: str, account_id: str, window: str) -> list[str]:
    """The arguments that Terraform gives the job; tests/terraform compares them with the plan."""
    bucket, contract = f"{pipeline_name}-{account_id}-{region}", load(pipeline_name)
    return [
        *reports.arguments(pipeline_name, bucket, window),
        *("--metrics-namespace", contract.metrics_namespace),
        *("--topic-arn", f"arn:aws:sns:{region}:{account_id}:{pipeline_name}-alarms"),
        *("--retrainer", contract.functions["retrainer"].name),
        *("--on-drift-uri", f"s3://{bucket}/{contract.monitoring_prefix}on-drift.json"),
    ]
