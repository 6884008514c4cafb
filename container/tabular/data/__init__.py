"""From a raw file to features.

- `csv_files`, `tables`: read any file into a frame of raw cells.
- `cells`, `dates`, `inference`, `cleaning`: what a cell means, the type of a column, which rows are kept.
- `features`, `split_files`: cells as the estimators get them, and the files of a split.
- `statistics`: statistics of the training rows, and hashes to recognise these rows.
"""
