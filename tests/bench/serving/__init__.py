"""How fast models answer.

The server beside its `peers`, behind a `function_url`, with `capture`, and its `capacity` as simulated.
"""
