"""How the trials of a search are run.

`run` (which fold of which trial comes next) uses `prepared` (the folds, prepared once), `workers` (processes,
or this one; `cores`: how many), `hopeless` (which trials stop early), `budget` (which ones there is time for)
and `checkpoint` (so that an interrupted search goes on).
"""
