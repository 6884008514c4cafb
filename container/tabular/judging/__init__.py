"""How good a model is, how certain that is, and whether it can be registered.

- `served_model`, `agreement`: predict as the model will be served, and compare with scikit-learn.
- `scores`, `bootstrap`, `quality`, `importance`, `subgroups`: metrics and their uncertainty.
- `mistakes`: the rows on which it is wrong and most sure.
- `champion`, `gate`: the comparison with the model in service, and the decision.
"""
