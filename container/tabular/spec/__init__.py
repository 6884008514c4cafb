"""The vocabulary that jobs, notebooks and documentation share; it needs only the standard library.

- `algorithms`, `metrics`: which models compete and how they are scored.
- `estimators`: what the table of algorithms is made of.
- `options`, `columns`: the user's settings for a table, and the types of its columns.
- `own_steps`: the user's additions.
- `trial`, `search`, `documents`: the hyperparameters of a trial and of a packed search, and the contents of
  the JSON files.
- `opt_ml`: where SageMaker puts files; `errors`: errors that the user can fix.
"""
