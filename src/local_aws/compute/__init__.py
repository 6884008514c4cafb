"""Processes in place of containers."""
