"""CloudWatch: `logs` (of jobs, endpoints and functions) and `metrics` (of endpoints)."""
