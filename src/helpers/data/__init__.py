"""Notebook 03: the tables of a run; its modules in reading order.

The demo's tables (`catalogue`) and yours (`entries`, `sources`) become `datasets`, which are read and
uploaded. `checks` judges them as the jobs will, `findings` says what was found, and `profile` shows it.
"""
