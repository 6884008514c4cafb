"""The programs of jobs: the steps preprocess, train, refit, search and evaluate, and the check monitor.

`fleet` is search for a table with partitions, `tuned` what refit reads of the tuner's trials, `model_files`
what refit and search write, `asking` how evaluate asks for the held-out rows, and `command` how a program
ends.
"""
