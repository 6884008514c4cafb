"""Notebook 03: executions, how far they are, and what they found."""
