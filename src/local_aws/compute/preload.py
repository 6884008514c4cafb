"""What the warm process does on import of this module, after its other imports and before its first fork.

To create a boto3 client, each job would need a tenth of a second to read service models; forks have them
already. A full garbage collection in a fork would copy every page of the imported libraries; now it skips
them.
"""

import gc

import boto3

__all__: list[str] = []

# The default session keeps the models. Keys and region are placeholders: each job's clients have their own.
for service in ("s3", "sagemaker"):
    boto3.client(service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
gc.collect()
gc.freeze()
