"""The vocabulary that jobs, notebooks and documentation share; it needs the standard library alone.

- `algorithms`, `metrics`, `options`, `columns`: what can compete, be measured, be
  said of a table, be a feature.
- `own_steps`: what a person adds to it.
- `trial`, `documents`: what a trial is given, and what the JSON files that travel hold.
- `opt_ml`: where SageMaker puts things; `errors`: mistakes a person can fix.
"""
