"""Lambda.

Read `functions` (records and invocations), `runtime` (a function's process) and `frames` (messages between
the two), `api` (Lambda's operations), `url` (Function URLs) and `signatures`.
"""
