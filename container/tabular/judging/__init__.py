"""How good a model is, how certain that is, and whether it can be registered.

- `served_model`, `agreement`: predict as the model will be served, and compare with scikit-learn.
- `metrics`: the metrics and their uncertainty.
- `importance`, `subgroups`, `mistakes`: which columns matter, for whom it is worse, and where it is wrong.
- `champion`, `gate`: the comparison with the model in service, and the decision.
- `reporting`: all of it as a page and as a model card.
"""
