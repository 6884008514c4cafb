"""Whether AWS will let an environment work, looked at before anything is made or started.

`report` has the list of the checks, in order, and prints a line for each: ok or NO, what was seen and, after
NO, what to do. `check` is what a check is given and what it gives. The checks: `access`, `quotas`,
`base_image`, `roles`, `endpoint`. Nothing is changed.
"""
