"""The AWS services, each in its own folder or module.

In the order of a model's life: `s3` (its data), `pipelines`, `jobs`, `registry` (its approval), `events`
(announce the approval), `functions`, `endpoints`, `firehose` (keeps requests), `cloudwatch`; and `tags` and
`search`, on any resource with an ARN.
"""
