"""Columns of numbers.

- `plain`: those that every program reads in the same way.
- `written`: those in a format; `formats`: what to say of it.
- `points` that may separate thousands, and `large` numbers that stand for a missing value.
"""
