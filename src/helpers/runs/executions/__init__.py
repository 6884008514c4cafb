"""Executions, from the request to their end.

- `execution`, `request`: one execution, and what it is asked for.
- `earlier`, `queue`, `starting`: finds those of an earlier call, and starts those that are missing.
- `watching`, `unattended`, `stopping`: shows their progress, says what goes on without, stops them.
"""
