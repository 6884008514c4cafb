"""Fitting, alike in a trial and in the refit.

`splits`, `folds`, `pipeline` (preprocessing and estimator), `fitting`.
"""
