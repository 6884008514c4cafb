"""An environment on AWS: check it (`preflight`), create or update it (`deploy`), delete it (`teardown`).

All three use `terraform`. `promote` takes models over from another environment.
"""
