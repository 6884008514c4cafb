"""What AWS refuses and moto does not, of requests to S3 and to the services that are only recorded.

`handler` holds a request against botocore's model and against the rules of its service, which the models do
not contain: `cloudwatch`, `ecr`, `iam`, `s3`, `sns` and `sqs`, each with its pages of AWS. `tags` has the
rules of all.
"""
