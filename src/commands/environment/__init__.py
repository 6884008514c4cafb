"""An environment on AWS: whether it can be (`preflight`), make it (`deploy`), take it away (`teardown`).

All three work by way of `terraform`.
"""
