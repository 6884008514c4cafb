"""The multi-model server.

Read `serve`, `server` with its `connections` and `bodies`, `codec`, `rows`, `models` and `memory` in this
order.
"""
