"""What may mislead in a table that was read without an error, for a person to look at.

- `table`: all doubts about a table: labels and levels that may mean the same, marks that may mean a gap.
- `placeholders`: numbers and dates that may stand for a missing value.
"""
