"""Notebook 01: what the image contains, and what builds it."""
