"""The functions that run in AWS Lambda.

Read `deployer` (deploys what the registry has approved), `invoker` (predictions over HTTP) and `retrainer`
(runs on a schedule), then what they share: `models_map` (which artifacts are in service) and `columns` (of
these), `ledger` (which were in service before), `clients`, `connections`, `settings`, `log`, `errors`.
"""
