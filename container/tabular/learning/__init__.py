"""Fitting, done in the same way in a trial and in the refit.

`folds`, `samples` (the rows of trials), `scorers` (`defined`: on which rows), `pipeline` (preprocessing and
estimator), `rounds` and `boosters` (how many trees and epochs), `fitting`, `ensemble` (a weighted mean of
pipelines).
"""
