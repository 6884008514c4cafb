"""Steps that run a job: `shared` is what they have in common.

Then read `processing`, `training`, `tuning` and `transform`.
"""
