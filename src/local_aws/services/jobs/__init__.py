"""SageMaker's processing, training and tuning jobs.

Read `family` (what they share: a record, a folder, a thread, a result), `processing`, `training`, `tuning`
(its trials are training jobs), `search` (what trial number i tries) and `ranges`.
"""
