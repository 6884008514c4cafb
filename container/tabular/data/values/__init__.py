"""What a cell means: the same in training and in serving, with the standard library and NumPy alone.

- `cells`: texts, gaps, and yes or no.
- `numbers`, `dates`: how they are written; `many_dates`: nearly all of a column at once.
- `native`: columns of plain numbers in C.
"""
