"""Notebooks 04 and 05: decisions, versions in service, predictions, load tests, and CloudWatch's figures."""
