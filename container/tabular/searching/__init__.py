"""The packed search: all trials of a table in one job, between learning and the portable model.

`search` (the whole of it, start here) uses `proposals` (what is tried), `running` (how), `trials` (what is
known of a trial), `scoring`, `dummy` (what a model has to beat) and `greedy` (the ensemble, and whether it is
better). `whole_table` looks at the best trials again with all rows, where they have seen a sample.
"""
