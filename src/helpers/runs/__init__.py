"""Notebook 03: executions are started and watched (`executions`, `progress`), and what they found is read."""
