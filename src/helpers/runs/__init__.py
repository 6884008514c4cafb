"""Notebook 03: starts and watches executions (`executions`, `progress`), and reads their results."""
