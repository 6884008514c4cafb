"""What a column is and how its cells are read, decided once from all its cells, with the evidence.

`decide` is the way in. It tries `numbers`, `dates` and `words` on text, and asks `typed` about columns of
Parquet. `many` reads columns with many different cells. `codes` are digits that are not quantities,
`looks` what words look like besides levels, `decision` is what they return, `style` what the whole file
says, and `arrow` how they go through a column.
"""
