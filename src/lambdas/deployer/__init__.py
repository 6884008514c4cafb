"""The deployer: reconciles the models in service with the model registry.

Read `handler`, `reconciler` (one group at a time), `registry` (which version a person approved), `artifacts`
(where the endpoint reads it) and `warming` (loads it before it goes into service).
"""
