"""What the URL answers.

- `endpoint`: predictions, as any client gets them; `request`: the request itself, as curl and Python send it.
- `what_if`: one cell changed at a time.
"""
