"""Files into tables of raw cells.

- `encodings`, `layout`: how a CSV is written, and where in it the table is.
- `csv_files`, `json_files`, `parquet_files`: read one file.
"""
