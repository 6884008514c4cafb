"""CloudWatch: `logs` (of jobs, endpoints, functions), `insights` with `query`, `metrics` (of endpoints)."""
