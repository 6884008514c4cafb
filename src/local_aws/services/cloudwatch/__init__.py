"""CloudWatch: `logs` (what everything printed) and `metrics` (what endpoints did)."""
