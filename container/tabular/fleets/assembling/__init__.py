"""The fleet that serves, put together from what a search has found.

- `assemble`: all of it, in order; start here.
- `answers`: what models predict for the held-out rows, and what they lose by it.
- `decided`: what serves a partition, and what is written of it.
- `champion`: which models of the fleet in service stay.
"""
