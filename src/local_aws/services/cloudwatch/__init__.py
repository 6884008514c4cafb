"""CloudWatch: log streams and metrics."""
