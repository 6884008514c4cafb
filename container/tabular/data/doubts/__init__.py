"""What may mislead in a table that was read without an error, for a person to look at.

- `table`: all doubts about how a table was read: labels and levels that may mean the same, marks of a gap.
- `placeholders`: numbers and dates that may stand for a missing value.
- `misleading`: rare classes, empty columns, ids, and columns that give the answer away.
- `repetitions`: rows that repeat others.
"""
