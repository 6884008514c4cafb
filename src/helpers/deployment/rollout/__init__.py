"""What follows a decision, and how one sees it.

- `deployer`: what its log says, and how to ask it again; `following`: the wait until it has followed.
- `answers`: which version the URL answers with; `drill`: back to the version before, and forward again.
- `timeline`: all that has happened to the versions of a table.
"""
