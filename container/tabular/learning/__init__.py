"""The rows to learn from, and fitting, done in the same way in a trial and in the refit.

`preparation` (from a raw table to its splits), `misleading` (warnings), `splits` and `partitioned` (the same
for a table with partitions), `samples` (for trials), `folds`, `defined` (scorers on them), `pipeline`
(preprocessing and estimator), `boosters`, `rounds`, `fitting`, `ensemble` (a weighted mean of pipelines).
"""
