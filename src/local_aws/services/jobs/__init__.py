"""SageMaker's processing, training, tuning and transform jobs.

Read `run` (a running job: its instances, its folder, why it has failed), `family` (what the kinds share: a
record, a thread, the processes, a result), `slots` (which jobs run at a time), `sharing` (folders that many
have alike), `processing`, `training/`, `tuning` (its trials are training jobs), `search` (what trial number i
tries), `ranges`, `transform` (a model's server over files) and `records` (how it splits, filters and joins
them).
"""
