"""A fitted model as a manifest and arrays, neither of which can execute code.

- `export`, `exporters`: from scikit-learn to arrays; `files`, `arrays`: write and read them.
- `model`, `features`, `predictors`, `table_model`: predictions with NumPy, of one pipeline or of the weighted
  mean of several; `native`: the same in C.
- `fleet`: a model for each partition of a table, and the pooled model for all others.
- `pickled`: models kept as pickles, which the user must allow by name.
"""
