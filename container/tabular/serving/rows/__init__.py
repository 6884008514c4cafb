"""Rows in every shape that clients send; each becomes a list of cells in the order of the model's columns.

`media_types` says how a body is written, `names` finds the columns of a header, `lines` the lines of CSV and
`shapes` the rows of a JSON document, `from_csv` and `from_json` the cells, which stay as they were sent;
`readers` reads one cell of a column. `quotes` refuses lines that a stray quote joins, and `keys` a key that
an object has twice. `errors` is what a client is told.
"""
