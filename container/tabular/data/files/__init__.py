"""Files into tables of raw cells.

- `formats`, `encodings`, `layout`, `dialects`: what a file is, how it is written, and where the table is.
- `csv_files`, `json_files`, `parquet_files`: read one file. `csv_parts` reads the cells of a plain CSV in
  C, by threads; `csv_cells` those of any other, and `quotes` repairs them.
- `native`: its C.
"""
