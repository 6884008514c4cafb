"""A fitted model as a manifest and arrays, neither of which can execute code.

- `export`: from scikit-learn to arrays; `files`: written and read.
- `model`, `predictors`, `table_model`: answers by NumPy; `native`: the same in C.
- `pickled`: the exception that a person must ask for by name.
"""
