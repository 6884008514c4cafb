"""Which rows a model learns from and which are held out, and the files that they travel in.

- `rows`: which rows are held out; `partitioned`: the same for a table with `partitions`.
- `files`: a split's files; `shards`: those of the training rows of a table with partitions.
- `held_out`: the held-out rows as clients send them.
- `statistics`: statistics of the training rows, and hashes to recognise these rows.
"""
