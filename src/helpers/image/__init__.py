"""Notebook 01: what is in the image, and who builds it."""
