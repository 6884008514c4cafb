"""What a run will take and cost, before it begins.

- `jobs`: which jobs a pipeline's definition runs; `pace`: how long one of them takes.
- `estimate`: both and the prices together, as ranges; `quotas`: how much the account may run at a time.
- `cap`: MAX_COST_USD, which refuses a run whose forecast may exceed it.
"""
