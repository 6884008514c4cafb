"""Lambda.

Read `functions` (records and invocations), `code` (the zip of one), `process` (that of a function, seen from
here), `runtime` (what runs in it), `extensions` (threads of it), `frames` (messages between the two), `api`
(Lambda's operations) and `url` (Function URLs).
"""
