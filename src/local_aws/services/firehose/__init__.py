"""Firehose: streams that gather records and store them in S3, sorted into folders by what is in each record.

Read `streams` (the operations), `stream` (one stream's buffer and delivery) and `partitioning` (which folder
a record belongs to). Emulated is a stream to S3 with dynamic partitioning by jq, with AWS's limits:

- https://docs.aws.amazon.com/firehose/latest/dev/limits.html
- https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html
"""
