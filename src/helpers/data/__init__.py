"""Notebook 03: the demo's tables (`catalogue`), a person's (`entries`, `sources`), uploaded and looked at."""
