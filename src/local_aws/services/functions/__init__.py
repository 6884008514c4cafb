"""Lambda.

Read `functions` (records and invocations), `code` (the zip of one), `runtime` (a function's process),
`extensions` (threads of it) and `frames` (messages between the two), `api` (Lambda's operations) and `url`
(Function URLs).
"""
