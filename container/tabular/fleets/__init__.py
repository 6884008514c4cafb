"""A model for each partition of a table: its own, or the pooled one of all partitions.

`unchanged` (partitions that need no search), `own` (the search for one partition, start here), `folds`
(the same rows are scored by both models), `pooled` (the losses of the pooled model on these folds),
`choice` (which of the two serves a partition) and `crew` (partitions side by side in processes). Then, of
what a search has `found`, a fleet is put together by `assembling`, in which `keeping` lets a champion's
model stay, and `summary` says how good it is.
"""
