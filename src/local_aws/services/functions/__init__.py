"""Lambda.

Read `functions` (records and invocations), `runtime` (a function's process) and `frames` (how the two
talk), `api` (Lambda's operations), `url` (Function URLs) and `signatures`.
"""
