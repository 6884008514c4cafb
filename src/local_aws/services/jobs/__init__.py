"""SageMaker's processing, training and tuning jobs.

Read `family` (what they share: record, folder, thread, end), `processing`, `training`, `tuning` (trials
are training jobs), `search` (what trial number i tries) and `ranges`.
"""
