"""Checks whether AWS will allow an environment to work, before anything is created or started.

`report` has the list of the checks, in order, and prints a line for each: ok or NO, what was seen and, after
NO, what to do. `check` defines what a check gets and what it yields. The checks are `access`, `quotas`,
`base_image`, `roles` and `endpoint`. Nothing is changed.
"""
