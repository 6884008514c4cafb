"""What a search costs, and what it gains.

Beside a `baseline`, `packed` in one job, with `ensembles`, and by the `rounds` that a model is trained for.
"""
