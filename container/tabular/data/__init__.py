"""From a raw file to features.

- `csv_files`, `tables`: any file as a frame of raw cells.
- `cells`, `dates`, `inference`, `cleaning`: what a cell means, what a column is, which rows stay.
- `features`, `split_files`: cells as the estimators get them, and the files of a split.
- `statistics`: what the rows of training look like, and how they are known again.
"""
