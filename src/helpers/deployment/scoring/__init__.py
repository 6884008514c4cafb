"""Batch scoring: a whole table, sent to one version of a model, and the answers written beside it.

Read `score` (the way of a table), `model` (which version, and what it needs), `rows` (requests), `server` (a
model server on this machine), `transform` (SageMaker's batch transform) and `predictions` (the output).
"""
