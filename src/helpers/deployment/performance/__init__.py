"""How fast the endpoint answers, and how many models it holds.

- `load`: a short load test, over `connections` that stay open; `unloaded`: calls to models that have to be
  loaded again.
- `traffic`: CloudWatch's figures; `capacity`: what a model takes here, for the capacity simulation.
"""
