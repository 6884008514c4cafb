"""SageMaker's processing, training, tuning and transform jobs.

Read `family` (what they share: a record, a folder, a thread, a result), `processing`, `training/`, `tuning`
(its trials are training jobs), `search` (what trial number i tries), `ranges`, `transform` (a model's server
over files) and `records` (how it splits, filters and joins them).
"""
