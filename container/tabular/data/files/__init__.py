"""Files into tables of raw cells.

- `formats`, `encodings`, `layout`, `dialects`: what a file is, how it is written, and where the table is.
- `csv_files`, `json_files`, `parquet_files`: read one file; `csv_cells` reads the cells of a CSV.
"""
