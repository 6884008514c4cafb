"""Columns with many different cells, decided and read all at once as each cell would be by itself.

- `plain_cells`: numbers such as 7 and -0.5.
- `numbers`: those in a format, such as 1.234,50.
- `dates`: dates and moments.
- `counts`: how often each text occurs, which tells the levels of a category.
- `shapes`: which texts may look like numbers.
"""
