"""From a raw file to features.

- `files`: any file becomes a table of raw cells.
- `values`: what one cell means, in training and in serving.
- `decisions`: what a column is, decided once from all its cells.
- `tables`: the files of a table together, with what was decided about its columns.
- `cleaning`, `inference`, `doubts`: which rows are kept, the schema, and what may mislead.
- `features`, `held_out`, `split_files`: cells as estimators and as clients get them; a split's files.
- `statistics`: statistics of the training rows, and hashes to recognise these rows.
"""
