"""What runs in AWS Lambda.

Read `deployer` (what serves follows the registry), `invoker` (a question over HTTP) and `retrainer` (the
schedule); then what they share: `models_map` (what serves), `ledger` (what served), `clients`,
`settings`, `log`, `errors`.
"""
