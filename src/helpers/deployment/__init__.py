"""Notebooks 04 and 05: decisions, versions in service, predictions, load tests, and CloudWatch's figures.

- `registry`, `decisions`, `promotion`: the versions, what a person decides, models of another account.
- `deployments`, `rollout`: what is in service, and what follows a decision until it is.
- `asking`, `performance`, `fleets`, `scoring`: what is in service, asked and measured.
"""
