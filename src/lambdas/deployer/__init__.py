"""The deployer: reconciles the models in service with the model registry.

Read `handler`, `sweep` (which groups to look at), `reconciler` (one group at a time), `registry` (which
version was approved), `artifacts` (where the endpoint reads it), `warming` (loads it before it goes into
service) and `switching` (puts it into the models map).
"""
