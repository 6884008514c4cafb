"""Metrics on the held-out rows, each with its uncertainty.

`answers` (predictions and true targets), `scores` (each metric as a number), `bootstrap` (how uncertain it
is), `flawless` (what no error in few rows says), `quality` (all of them, in SageMaker's layout).
"""
