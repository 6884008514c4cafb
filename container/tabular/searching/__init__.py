"""The packed search: all trials of a table in one job, between learning and the portable model.

`search` (the whole of it, start here) has a `running` loop, which uses `proposals` (what is tried: first
`portfolio`, then Optuna's sampler), `prepared` (the folds, prepared once), `workers` (processes, or this
one), `scoring`, `hopeless` (which trials stop early), `checkpoint` (so that an interrupted search goes on),
`greedy` (the ensemble, and whether it is better), `dummy` (what a model has to beat) and `trials` (what is
known of a trial).
"""
