"""From a raw file to features.

- `encodings`, `layout`: how a CSV is written, and where in it the table is.
- `csv_files`, `json_files`, `tables`: read any file into a table of raw cells.
- `cells`, `dates`, `inference`, `cleaning`: what a cell means, the type of a column, which rows are kept.
- `features`, `split_files`: cells as the estimators get them, and the files of a split.
- `statistics`: statistics of the training rows, and hashes to recognise these rows.
"""
