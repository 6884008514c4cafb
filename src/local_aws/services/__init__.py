"""AWS, one folder or module for each service.

In the order of a model's life: `s3` (its data), `pipelines`, `jobs`, `registry` (its approval), `events`
(who hears of that), `functions`, `endpoints`, `cloudwatch`; and `tags`, on whatever has an ARN.
"""
