"""What the warm process does after its imports and before its first fork, which is why it imports this.

A boto3 client costs each job a tenth of a second for reading service models: forks find them read. And a
full garbage collection in a fork would copy every page of the imported libraries: it passes over them now.
"""

import gc

import boto3

__all__: list[str] = []

# The default session keeps the models. Keys and region are no one's: a job's own come with its clients.
for service in ("s3", "sagemaker"):
    boto3.client(service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
gc.collect()
gc.freeze()
