"""What is learned from and what is predicted, found once from the cleaned rows.

- `inference`: the schema: its task, its classes, and the kind of each column; start here.
- `labels`: the classes in their own type and spelling, and their numbers.
- `positive`: which of two classes is the one that is looked for.
"""
