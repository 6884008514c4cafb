"""Notebooks 04 and 05: decisions, versions in service, predictions, load tests, and CloudWatch's figures.

- `registry`, `wishes`, `decisions`, `promotion`: the versions, what a person asks for, and what became of it.
- `deployments`, `rollout`: what is in service, and what follows a decision until it is.
- `endpoint`, `asking`, `traffic`, `capacity`, `fleets`, `scoring`: what is in service, asked and measured.
"""
