"""The contract of Terraform, functions, notebooks and laptop.

contract.json, `names`, `endpoints` (which of several serves a group), `seeds` and `caching` (of steps).
"""
