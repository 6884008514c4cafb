"""How the trials of a search are run.

`run` (which fold of which trial comes next) uses `prepared` (the folds, prepared once), `workers` (processes,
or this one; `cores`: how many), `hopeless` (which trials stop early) and `checkpoint` (so that an interrupted
search goes on).
"""
