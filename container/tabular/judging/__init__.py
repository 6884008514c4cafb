"""How good a model is, how sure that is, and whether it may be registered.

- `served_model`, `agreement`: asked as it will be served, and the same as scikit-learn.
- `scores`, `bootstrap`, `quality`, `importance`, `subgroups`: metrics and their uncertainty.
- `champion`, `gate`: against the model in service, and the decision.
"""
