"""Notebook 03: the demo's tables (`catalogue`) and yours (`entries`, `sources`), profiled and uploaded."""
