"""What `make bench...` runs: each prints the table that is in the README or in docs/.

- `demo`, `local`: the demo and local_aws. `serving`: how fast models answer.
- `searching`, `quality`: what a search costs, and how good it is beside others.
- `tables`, `scale`: long and wide tables; thousands of models, partitions and executions.
"""
