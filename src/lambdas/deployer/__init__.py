"""The deployer: brings what serves in line with the registry.

Read `handler`, `reconciler` (one group after the other), `registry` (what a person approved), `artifacts`
(where the endpoint reads it) and `warming` (it is loaded before it serves).
"""
