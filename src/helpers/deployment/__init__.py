"""Notebooks 04 and 05: decisions, what is in service, questions to it, load, and what CloudWatch saw."""
