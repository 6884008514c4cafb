"""Executions, from the request to their end.

- `execution`, `request`: one execution, and what it is asked for.
- `earlier`, `standing`, `queue`, `starting`: finds those of an earlier call or with a version that still
  stands, and starts those that are missing.
- `watching`, `unattended`, `stopping`: shows their progress, says what goes on without, stops them.
"""
