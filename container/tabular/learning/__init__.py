"""Fitting, done in the same way in a trial and in the refit.

`splits`, `folds`, `pipeline` (preprocessing and estimator), `fitting`.
"""
